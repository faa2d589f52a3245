# fish completion for distcc: its own options, then whatever completes the compiler's command line.

function __distcc_at_first_word
    test (count (commandline -opc)) -eq 1
end

complete -c distcc -n __distcc_at_first_word -o j -d 'Print the sum of the slots of all hosts'
complete -c distcc -n __distcc_at_first_word -l help -d 'Explain usage and exit'
complete -c distcc -n __distcc_at_first_word -l show-hosts -d 'List the hosts that jobs may be sent to'
complete -c distcc -n __distcc_at_first_word -l summary -d 'Say how many jobs ran where, and why here'
complete -c distcc -n '__fish_seen_argument -l summary' -f -l begin -d 'Leave what has been out of the next summary'
complete -c distcc -n __distcc_at_first_word -l version -d 'Show version and exit'
complete -c distcc -n __distcc_at_first_word -l why -d 'Say whether a command would be sent away'
complete -c distcc -x -a '(__fish_complete_subcommand --fcs-skip=1)'
