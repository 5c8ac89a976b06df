"""Completion for bash and zsh: a script for each, made of the parser of all commands. Pure."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Prints the names of the analyses of a site, which the scripts cannot contain.
_NAMES = "xom completion analyses 2>/dev/null"
_ANALYSES = frozenset({"analysis", "analyses", "old"})


@dataclass(frozen=True, slots=True)
class Words:
    """What may follow a command.

    Parameters
    ----------
    help
        What the command does.
    options
        Its options, with what they are for.
    values
        What may follow an option that takes a value; nothing: any text, or a file.
    choices
        The words that it takes beside options.
    takes_analysis
        Whether it takes the name of an analysis.
    """

    help: str
    options: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]
    choices: tuple[str, ...] = ()
    takes_analysis: bool = False


def words_of(parser: argparse.ArgumentParser) -> dict[str, Words]:
    """Return what may follow each command of a parser."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {name: _words_of(one, one.description or "") for name, one in commands.choices.items()}


def bash_script(commands: Mapping[str, Words]) -> str:
    """Return the script for bash."""
    return "\n".join(
        [
            "# Completion of xom for bash; put this into ~/.bashrc: source <(xom completion bash)",
            "_xom() {",
            '    local current=${COMP_WORDS[COMP_CWORD]} before="${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" words=',
            "    COMPREPLY=()",
            "    if (( COMP_CWORD == 1 )); then",
            f"        words={shlex.quote(' '.join(commands))}",
            "    else",
            '        case "$before" in',
            *_bash_values(commands),
            '            *) case "${COMP_WORDS[1]}" in',
            *_bash_commands(commands),
            "            esac ;;",
            "        esac",
            "    fi",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _xom xom",
        ]
    )


def zsh_script(commands: Mapping[str, Words]) -> str:
    """Return the script for zsh."""
    return "\n".join(
        [
            "#compdef xom",
            "# Completion of xom for zsh; put this into ~/.zshrc, after compinit: source <(xom completion zsh)",
            "_xom() {",
            "    local -a found",
            "    if (( CURRENT == 2 )); then",
            f"        found=({_described({name: one.help for name, one in commands.items()})})",
            "        _describe command found",
            "        return",
            "    fi",
            '    case "${words[2]} ${words[CURRENT-1]}" in',
            *_zsh_values(commands),
            "    esac",
            '    case "${words[2]}" in',
            *_zsh_commands(commands),
            "    esac",
            "    _describe option found || _files",
            "}",
            "compdef _xom xom",
        ]
    )


def _words_of(parser: argparse.ArgumentParser, text: str) -> Words:
    options, values, choices, takes_analysis = dict[str, str](), dict[str, tuple[str, ...]](), list[str](), False
    for action in parser._actions:
        allowed = tuple(map(str, action.choices or ()))
        if not action.option_strings:
            choices += allowed
            takes_analysis |= action.dest in _ANALYSES
        elif action.help != argparse.SUPPRESS:
            options |= dict.fromkeys(action.option_strings, (action.help or "").partition(";")[0])
            if action.nargs != 0:
                values |= dict.fromkeys(action.option_strings, allowed)
    return Words(text, options, values, tuple(choices), takes_analysis)


def _bash_values(commands: Mapping[str, Words]) -> Iterator[str]:
    for options, allowed in _by_values(commands):
        yield f"            {options}) words={shlex.quote(' '.join(allowed))} ;;"


def _bash_commands(commands: Mapping[str, Words]) -> Iterator[str]:
    for name, one in commands.items():
        words = shlex.quote(" ".join([*one.choices, *one.options]))
        names = f'" $({_NAMES})"' if one.takes_analysis else ""
        yield f"                {name}) words={words}{names} ;;"


def _zsh_values(commands: Mapping[str, Words]) -> Iterator[str]:
    for options, allowed in _by_values(commands):
        what = f"compadd -- {shlex.join(allowed)}" if allowed else "_files"
        yield f"        {options}) {what}; return ;;"


def _by_values(commands: Mapping[str, Words]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield patterns of a command with an option that takes a value, and the values that may follow."""
    for name, one in commands.items():
        for allowed in dict.fromkeys(one.values.values()):
            options = [option for option, values in one.values.items() if values == allowed]
            yield "|".join(shlex.quote(f"{name} {option}") for option in options), allowed


def _zsh_commands(commands: Mapping[str, Words]) -> Iterator[str]:
    for name, one in commands.items():
        names = f" ${{(f)\"$({_NAMES} | tr ' ' '\\n')\"}}" if one.takes_analysis else ""
        found = _described({**dict.fromkeys(one.choices, ""), **one.options})
        yield f"        {name}) found=({found}{names}) ;;"


def _described(words: Mapping[str, str]) -> str:
    """Return words with their meanings in the form of zsh's ``_describe``."""
    texts = (f"{word}:{meaning}" if meaning else word for word, meaning in words.items())
    return " ".join(map(shlex.quote, texts))
