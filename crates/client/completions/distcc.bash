# bash completion for distcc: its own options, then whatever completes the compiler's command line.

_distcc() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '--why --summary --show-hosts -j --help --version' -- "$cur")
        if [[ $cur != -* ]]; then
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$cur")
        fi
    elif [[ ${COMP_WORDS[1]} == --summary ]]; then
        if ((COMP_CWORD == 2)); then mapfile -t COMPREPLY < <(compgen -W '--begin' -- "$cur"); fi
    elif [[ ${COMP_WORDS[1]} == --why ]] && ((COMP_CWORD == 2)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    elif declare -F _command_offset >/dev/null; then
        if [[ ${COMP_WORDS[1]} == --why ]]; then _command_offset 2; else _command_offset 1; fi
    else
        compopt -o default
    fi
}

complete -F _distcc distcc
