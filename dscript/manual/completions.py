"""Completion scripts for bash, zsh and fish, from the tables of switches and D options.

For a word of `-n` the shell asks `dscript --candidates WORD`; nothing else runs the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dscript.manual.candidates import provider_names
from dscript.manual.switches import Switch, Values, spellings, switches
from dscript.options import OPTIONS


def script(shell: str) -> str:
    """The completion script of a shell; raises KeyError for one that has none."""
    return _SHELLS[shell]()


def option_names() -> list[str]:
    """The D options that can be set."""
    return sorted(name for name, option in OPTIONS.items() if not option.missing)


def _names() -> list[str]:
    return [name for switch in switches() for name in spellings(switch)]


def _arms(kinds: dict[Values, str]) -> Iterator[tuple[str, str]]:
    """For each switch with a value that can be completed: its names, and what to do."""
    for switch in switches():
        if switch.values == "words":
            yield "|".join(spellings(switch)), kinds["words"].format(" ".join(switch.words))
        elif switch.values:
            yield "|".join(spellings(switch)), kinds[switch.values]


def _bash() -> str:
    kinds: dict[Values, str] = {
        "file": 'COMPREPLY=($(compgen -f -- "$word"))',
        "folder": 'COMPREPLY=($(compgen -d -- "$word"))',
        "pid": 'COMPREPLY=($(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word"))',
        "command": 'COMPREPLY=($(compgen -c -- "$word"))',
        "probe": "_dscript_probes",
        "provider": f'COMPREPLY=($(compgen -W "{" ".join(provider_names())}" -- "$word"))',
        "option": f'COMPREPLY=($(compgen -W "{" ".join(option_names())}" -- "$word"))',
        "words": 'COMPREPLY=($(compgen -W "{}" -- "$word"))',
    }
    arms = "\n".join(f"        {names}) {what}; return ;;" for names, what in _arms(kinds))
    return f"""\
# bash completion for dscript: source this file, or put it into
# /usr/share/bash-completion/completions/dscript
_dscript_probes() {{
    local candidate kept=
    # Outside quotes bash replaces what stands after the last colon only.
    [[ $quoted ]] || kept=${{word%"${{word##*:}}"}}
    while read -r candidate; do
        COMPREPLY+=("${{candidate#"$kept"}}")
    done < <(dscript --candidates "$word" 2>/dev/null)
    compopt -o nospace
}}
_dscript() {{
    # The word and the one before it as blanks divide them: bash divides at colons too.
    local typed=${{COMP_LINE:0:COMP_POINT}}
    local word=${{typed##*[[:space:]]}}
    local before=${{typed%"$word"}}
    before=${{before%"${{before##*[![:space:]]}}"}} before=${{before##*[[:space:]]}}
    local quoted=
    case $word in [\\'\\"]*) quoted=1 word=${{word:1}} ;; esac
    COMPREPLY=()
    case $before in
{arms}
    esac
    case $word in
        -*) COMPREPLY=($(compgen -W "{" ".join(_names())}" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}}
complete -o filenames -F _dscript dscript
"""


def _zsh() -> str:
    actions: dict[Values, str] = {
        "": " ",
        "file": "_files",
        "folder": "_files -/",
        "pid": "_pids",
        "command": "_command_names -e",
        "probe": "_dscript_probes",
        "provider": f"({' '.join(provider_names())})",
        "option": f"({' '.join(option_names())})",
    }

    def line(switch: Switch, name: str) -> str:
        text = f"*{name}[{_zsh_quoted(switch.meaning)}]"
        if switch.value:
            does = (
                f"({' '.join(switch.words)})"
                if switch.values == "words"
                else actions[switch.values]
            )
            text += f":{_zsh_quoted(switch.value)}:{does}"
        return f"    '{text}'"

    lines = [line(switch, name) for switch in switches() for name in spellings(switch)]
    rows = " \\\n".join([*lines, "    '*:argument:_files'"])
    return f"""\
#compdef dscript
# zsh completion for dscript: put this file into a folder of $fpath as _dscript
_dscript_probes() {{
    compadd -S '' -- ${{(f)"$(dscript --candidates "$PREFIX" 2>/dev/null)"}}
}}
_arguments -s \\
{rows}
"""


def _zsh_quoted(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, "\\" + special)
    return text.replace("'", "'\\''")


def _fish() -> str:
    values: dict[Values, str] = {
        "file": " -r -F",
        "folder": " -x -a '(__fish_complete_directories)'",
        "pid": " -x -a '(__fish_complete_pids)'",
        "command": " -x -a '(__fish_complete_command)'",
        "probe": " -x -a '(__dscript_probes)'",
        "provider": f" -x -a '{' '.join(provider_names())}'",
        "option": f" -x -a '{' '.join(option_names())}'",
    }
    lines = []
    for switch in switches():
        names = ""
        for name in spellings(switch):
            names += f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
        takes = ""
        if switch.values == "words":
            takes = f" -x -a '{' '.join(switch.words)}'"
        elif switch.value:
            takes = values.get(switch.values, " -x")
        meaning = switch.meaning.replace("'", "\\'")
        lines.append(f"complete -c dscript{names}{takes} -d '{meaning}'")
    return f"""\
# fish completion for dscript: put this file into ~/.config/fish/completions/dscript.fish
function __dscript_probes
    dscript --candidates (commandline -ct) 2>/dev/null
end
{chr(10).join(lines)}
"""


_SHELLS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
