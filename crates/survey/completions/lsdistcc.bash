# bash completion for lsdistcc: letters with their values joined, then hosts.

_lsdistcc() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    case $cur in
    -p*) mapfile -t COMPREPLY < <(compgen -P -p -c -- "${cur#-p}") ;;
    -P*) mapfile -t COMPREPLY < <(compgen -W '-P1 -P2 -P3' -- "$cur") ;;
    -*)
        mapfile -t COMPREPLY < <(compgen -W \
            '-p -P -r -x -l -n -d -m -g -o -h -c -k -t -e -v --help --version' -- "$cur")
        if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == -[pPrmgohckt] ]]; then compopt -o nospace; fi
        ;;
    *) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
    esac
}

complete -F _lsdistcc lsdistcc
