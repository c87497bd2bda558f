# Makes an interactive zsh write what it would offer into a file. The caller sets fpath and CAPTURED.
PS1='> '
autoload -U compinit
compinit -u -D

# Completion functions call this builtin with all candidates.
compadd() {
    local -a hits
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
        builtin compadd -A hits "$@"
        (( $#hits == 0 )) || print -rl -- $hits >>$CAPTURED
    fi
    builtin compadd "$@"
}

capture() {
    zle list-choices
    print -r -- END >>$CAPTURED
    zle kill-buffer
}
zle -N capture
bindkey '^I' capture
