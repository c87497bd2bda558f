# Completions of meantime and meantime-server for bash. All names come from the program's own --help.

# _meantime_help PROGRAM [COMMAND]: the help, with each option on one line.
_meantime_help() {
    ARGP_HELP_FMT=rmargin=500 "$@" --help 2>/dev/null
}

# Filter of the help: the names of the commands.
_meantime_commands() {
    sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p'
}

# Filter of the help: the options, letters first.
_meantime_options() {
    sed -nE 's/^ {2,6}((-.), )?(--[a-z-]+)(=?).*/\2 \3\4/p'
}

# _meantime_value OPTION: filter of the help: what the help says about the option's value.
_meantime_value() {
    local option=$1
    case $option in
    --*) sed -nE "s/^ {2,6}(-., )?$option=([^ ]+).*/\2/p" ;;
    *) sed -nE "s/^ {2,6}$option, --[a-z-]+=([^ ]+).*/\1/p" ;;
    esac
}

# _meantime_reply WORDS CURRENT: completes CURRENT to one of the words.
_meantime_reply() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
    # After an option that needs a value, no blank.
    if [[ ${#COMPREPLY[@]} = 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

_meantime_reply_value() {
    case $1 in
    FILE* | DIR)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        ;;
    *'|'*) _meantime_reply "${1//|/ }" "$2" ;;
    esac
}

_meantime() {
    local program=$1 current=$2 previous=$3 help commands command='' word value=''
    help=$(_meantime_help "$program")
    commands=$(_meantime_commands <<<"$help")
    COMPREPLY=()

    # bash takes --kind=gaussian for three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ -z $command && " ${commands//$'\n'/ } " == *" $word "* ]]; then
            command=$word
        fi
    done
    if [[ $command == help ]]; then
        _meantime_reply "${commands/help/}" "$current"
        return
    fi
    if [[ $previous == -* ]]; then
        value=$(_meantime_value "$previous" <<<"$help")
    fi
    if [[ -n $value ]]; then
        _meantime_reply_value "$value" "$current"
    elif [[ $current == -* ]]; then
        _meantime_reply "$(_meantime_help "$program" $command | _meantime_options)" "$current"
    elif [[ -z $command ]]; then
        _meantime_reply "$commands" "$current"
    fi
}

complete -F _meantime meantime meantime-server
