# fish completion for pump, whose operand is a command with its words.

function __pump_at_first_word
    test (count (commandline -opc)) -eq 1
end

complete -c pump -n __pump_at_first_word -l startup -d 'Start an include server and print what a shell has to know of it'
complete -c pump -n __pump_at_first_word -l shutdown -d 'End that server'
complete -c pump -n __pump_at_first_word -s h -l help -d 'Explain usage and exit'
complete -c pump -n __pump_at_first_word -l version -d 'Show version and exit'
complete -c pump -x -a '(__fish_complete_subcommand --fcs-skip=1)'
