# Completions of meantime and meantime-server for fish. All names come from the program's own --help.

# Prints the help of the program and of its command, if there is one, with each option on one line.
function __meantime_help
    ARGP_HELP_FMT=rmargin=500 $argv --help 2>/dev/null
end

# Prints each command, a tab, and its summary.
function __meantime_commands
    __meantime_help $argv[1] |
        sed -nE '/^Commands:/,/^$/s/^  ([a-z]+)( [A-Z]+)? +(.*)/\1\t\3/p'
end

# Prints the letter, the name, the value and the text of each option, with tabs between.
function __meantime_options
    __meantime_help $argv |
        sed -nE 's/^ {2,6}((-.), )?(--[a-z-]+)(=([^ ]+))? +(.*)/\2\t\3\t\5\t\6/p'
end

# __meantime_values VALUE PREFIX: prints what VALUE of the help stands for, each with the prefix.
function __meantime_values
    switch $argv[1]
        case 'FILE*' DIR
            string replace -r '^' -- "$argv[2]" (__fish_complete_path (string replace -r '^--[a-z-]+=' '' -- (commandline -ct)))
        case '*|*'
            string replace -r '^' -- "$argv[2]" (string split '|' -- $argv[1])
    end
end

function __meantime_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l commands (__meantime_commands $words[1])
    set -l command
    for word in $words[2..]
        if test -z "$command"; and string match -q -- "$word"\t'*' $commands
            set command $word
        end
    end
    if test "$command" = help
        string match -v -- "help"\t'*' $commands
        return
    end
    for line in (__meantime_options $words[1] $command)
        set -l option (string split \t -- $line)
        if test -n "$option[3]"; and contains -- "$words[-1]" $option[1] $option[2]
            __meantime_values $option[3] ''
            return
        end
        if test -n "$option[3]"; and string match -q -- "$option[2]=*" $current
            __meantime_values $option[3] "$option[2]="
            return
        end
        if string match -q -- '-*' $current
            test -z "$option[1]"; or printf '%s\t%s\n' $option[1] $option[4]
            printf '%s\t%s\n' $option[2] $option[4]
        end
    end
    if test -z "$command"; and not string match -q -- '-*' $current
        printf '%s\n' $commands
    end
end

complete -c meantime -f -a '(__meantime_complete)'
complete -c meantime-server -f -a '(__meantime_complete)'
