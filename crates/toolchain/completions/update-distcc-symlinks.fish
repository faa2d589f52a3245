# fish completion for update-distcc-symlinks, which takes no operands.

complete -c update-distcc-symlinks -f
complete -c update-distcc-symlinks -l help -d 'Explain usage and exit'
complete -c update-distcc-symlinks -l version -d 'Show version and exit'
