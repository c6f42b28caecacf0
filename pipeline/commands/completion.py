"""Print a script that lets a shell complete this command.

It completes verbs, options, and the names of runs, stages and hosts of the
pipeline.yaml that counts in the folder you are in. It asks no host.

To switch it on:
  bash    echo 'source <(pipeline completion bash)' >> ~/.bashrc
  zsh     echo 'source <(pipeline completion zsh)' >> ~/.zshrc
  fish    pipeline completion fish > ~/.config/fish/completions/pipeline.fish
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths

# Each asks the very command that was typed, so that what is offered is what it knows.
# bash of macOS is 3.2: no mapfile, no compopt.
_BASH = r"""# bash completion of pipeline; use: source <(pipeline completion bash)
_pipeline() {
    local word line
    word=${COMP_WORDS[0]/#\~/$HOME}
    COMPREPLY=()
    while IFS= read -r line; do
        if [ "$line" = ":files" ]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}")
            return
        fi
        COMPREPLY+=("${line%%$'\t'*}")
    done < <("$word" candidates bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _pipeline pipeline
"""
_ZSH = r"""#compdef pipeline
# zsh completion of pipeline; use: source <(pipeline completion zsh)
_pipeline() {
    local line word
    local -a found
    word=${words[1]/#\~/$HOME}
    while IFS= read -r line; do
        if [[ $line == ":files" ]]; then
            [[ $PREFIX == --*=* ]] && compset -P '*='
            _files
            return
        fi
        line=${line//:/\\:}
        found+=("${line/$'\t'/:}")
    done < <("$word" candidates zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( ${#found} )) && _describe -V pipeline found
}
if [[ ${funcstack[1]} == _pipeline ]]; then
    _pipeline "$@"
else
    (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
    compdef _pipeline pipeline
fi
"""
_FISH = r"""# fish completion of pipeline; use: pipeline completion fish | source
function __pipeline_candidates
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found ($words[1] candidates fish $words[2..-1] "$word" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path (string replace -r '^--[^=]*=' '' -- $word)
    else
        printf '%s\n' $found
    end
end
complete -c pipeline -f -a '(__pipeline_candidates)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def do(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """Print the script for a shell."""
    print(_SCRIPTS[args.shell], end="")
    return DONE
