# bash completion for update-distcc-symlinks, which takes no operands.

complete -W '--help --version' update-distcc-symlinks
