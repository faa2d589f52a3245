# bash completion for pump, whose operand is a command with its words.

_pump() {
    if ((COMP_CWORD == 1)) && [[ $2 == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--help --shutdown --startup --version' -- "$2")
    elif declare -F _command_offset >/dev/null; then
        _command_offset 1
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    fi
}
complete -o default -F _pump pump
