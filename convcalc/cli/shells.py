"""Completion in shells: the script of each, and what it asks and is told.

click's scripts take file names away, and click finds out what is completed by running what reads
options. Ours ask `candidates`, and list files as the shell does where one may stand; so they do
where no answer came.
"""

import os
from typing import Any

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from convcalc.cli import COMPLETED
from convcalc.cli.candidates import candidates

_END = "\x01"
"""A sign behind the cursor, which makes a word of what is begun there, even of nothing."""

_BASH = """\
# Completion of %(prog_name)s in bash: eval "$(%(prog_name)s completion bash)"
%(complete_func)s() {
    local word=${COMP_WORDS[COMP_CWORD]} kind value answered= files= ends=yes
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            answer) answered=yes ;;
            file | dir) files=$kind ;;
            open) COMPREPLY+=("$value") ends= ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$word" \\
        %(complete_var)s=bash_complete "${1/#\\~/$HOME}" 2>/dev/null)
    if [[ $answered && -z $files ]]; then
        compopt +o default 2>/dev/null
    elif [[ $files == dir ]]; then
        compopt +o default -o dirnames 2>/dev/null
    elif [[ $files && ($word == [=:] || ${#COMPREPLY[@]} != 0) ]]; then
        compopt -o filenames 2>/dev/null # readline quotes what needs it
        while IFS= read -r value; do
            COMPREPLY+=("$value")
        done < <(compgen -f -- "${word#[=:]}")
    fi
    if [[ -z $ends && ${#COMPREPLY[@]} == 1 ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F %(complete_func)s %(prog_name)s
"""
"""With files alone, readline lists them (`default`), and knows blanks, quotes and `~`. The bash of
macOS has no `compopt`, and lists files wherever no word begins so."""

_ZSH = """\
#compdef %(prog_name)s
# Completion of %(prog_name)s in zsh: eval "$(%(prog_name)s completion zsh)"
%(complete_func)s() {
    local kind value about before answered files added=1
    local -a plain open told_plain told_open lines
    while IFS= read -r kind && IFS= read -r value && IFS= read -r about; do
        case $kind in
            answer) answered=yes ;;
            file | dir) files=$kind before=$value ;;
            open) open+=("$value") told_open+=("$value${about:+  -- $about}") ;;
            plain) plain+=("$value") told_plain+=("$value${about:+  -- $about}") ;;
        esac
        [[ -n $about ]] && lines=(-l)
    done < <(env COMP_WORDS="${(j: :)words[1,CURRENT-1]} $PREFIX" \\
        %(complete_var)s=zsh_complete ${~words[1]} 2>/dev/null)
    ((${#plain})) && compadd $lines -V words -d told_plain -a plain && added=0
    ((${#open})) && compadd $lines -V words -S '' -d told_open -a open && added=0
    [[ -n $before ]] && compset -P "${(b)before}"
    if [[ $files == dir ]]; then
        _path_files -/ && added=0
    elif [[ -n $files || -z $answered ]]; then
        _files && added=0
    fi
    return added
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (($+functions[compdef])) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""
"""It reads three lines each: what it is, the word, and what is said of it."""

_FISH = """\
# Completion of %(prog_name)s in fish: %(prog_name)s completion fish | source
function %(complete_func)s_ask
    # Both completions below ask, one after the other: the second one has the first one's answer.
    set -l asked "$PWD "(commandline -cp | string collect)
    if test "$asked" = "$%(complete_func)s_asked"
        set -e %(complete_func)s_asked
        return
    end
    set -l program (string replace -r '^~' $HOME -- (commandline -opc)[1])
    set -g %(complete_func)s_asked $asked
    set -g %(complete_func)s_answer (env COMP_WORDS=(commandline -cp | string collect) \\
        %(complete_var)s=fish_complete $program 2>/dev/null)
end
function %(complete_func)s
    %(complete_func)s_ask
    for line in $%(complete_func)s_answer
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain open
                printf '%%s\\n' $parts[2]
            case dir
                set -l word (commandline -ct)
                set -l rest (string sub -s (math 1 + (string length -- "$parts[2]")) -- "$word")
                for path in (__fish_complete_directories "$rest")
                    printf '%%s\\n' "$parts[2]$path"
                end
        end
    end
end
function %(complete_func)s_files
    %(complete_func)s_ask
    string match -q 'file,*' -- $%(complete_func)s_answer
    or not string match -q 'answer,*' -- $%(complete_func)s_answer
end
complete -c %(prog_name)s --no-files --keep-order --arguments "(%(complete_func)s)"
complete -c %(prog_name)s --condition %(complete_func)s_files --force-files
"""
"""A word's description stands behind a tab. fish itself lists files, and knows `~`, blanks and what
stands before a file in the same word, as `--weights=`."""


class _Shell(ShellComplete):
    """A shell that hands over its line up to the cursor."""

    def complete(self) -> str:
        """What may stand at the cursor, as the script reads it."""
        group: Any = self.cli
        words = split_arg_string(os.environ.get("COMP_WORDS", "") + _END)[1:]
        begun = words.pop().removesuffix(_END) if words else ""
        answer = candidates(group, words, begun)
        lines = [self.line("answer", "", "", begun)]
        for word, about in answer.words:
            if word.isprintable():  # a name with a line end would be two
                kind = "open" if word[-1:] in {"=", ":", "#"} else "plain"
                lines.append(self.line(kind, word, " ".join(about.split()), begun))
        if answer.files:
            lines.append(self.line(answer.files, answer.before, "", begun))
        return "".join(lines).removesuffix("\n")  # click writes one behind it

    def line(self, kind: str, word: str, about: str, begun: str) -> str:
        """One word, or one kind of file, as the script reads it; `begun` is what is there."""
        raise NotImplementedError

    def format_completion(self, item: "CompletionItem[str]") -> str:
        """One word as the script reads it."""
        return self.line(item.type, item.value, item.help or "", "")


@add_completion_class
class _Bash(_Shell):
    name = "bash"
    source_template = _BASH

    def line(self, kind: str, word: str, about: str, begun: str) -> str:
        """A kind and what is left of a word, as bash takes words apart at `=` and `:`."""
        del about
        there = os.environ.get("COMP_WORD", begun)
        own = "" if there in {"=", ":"} else "".join(split_arg_string(there)[:1])
        behind = len(begun) - len(own) if begun.endswith(own) else 0
        return f"{kind},{word[behind:]}\n"


@add_completion_class
class _Zsh(_Shell):
    name = "zsh"
    source_template = _ZSH

    def line(self, kind: str, word: str, about: str, begun: str) -> str:
        """A kind, a word and what is said of it, on three lines."""
        del begun
        return f"{kind}\n{word}\n{about}\n"


@add_completion_class
class _Fish(_Shell):
    name = "fish"
    source_template = _FISH

    def line(self, kind: str, word: str, about: str, begun: str) -> str:
        """A kind and a word, and behind a tab what is said of it."""
        del begun
        return f"{kind},{word}\t{about}\n" if about else f"{kind},{word}\n"


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
"""Shell → what completes in it, known to click, too, from here on."""


def script(shell: str, group: click.Command) -> str:
    """The script that makes a shell complete the words of `convcalc`."""
    return SHELLS[shell](group, {}, "convcalc", COMPLETED).source()
