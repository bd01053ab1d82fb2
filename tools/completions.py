"""Writes the completions of bash, zsh and fish: ``python -m tools.completions``, or ``make completions``.

They are made of the parsers of all commands, and are files of the package: `putevents completion SHELL` only prints
one. A shell that asked putevents itself would wait a tenth of a second for each key.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from connector.cli import COMMANDS
from tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "connector" / "cli" / "completions"
FILES = frozenset({"CONFIG", "FILE", "OLD", "NEW"})  # what a file is called in the help
FOLDERS = frozenset({"DIR"})


class Option(NamedTuple):
    """An option, or an argument by its place, which has no flags."""

    flags: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    value: str  # what its value is called, "" where it takes none
    several: bool

    @property
    def is_file(self) -> bool:
        """Whether its value is the path of a file or of a folder."""
        return self.value in FILES | FOLDERS


class Page(NamedTuple):
    """A command, or a command of a command: ``path`` is what is written before its options."""

    path: str
    help: str
    options: tuple[Option, ...]

    @property
    def places(self) -> list[Option]:
        """Its arguments without flags."""
        return [option for option in self.options if not option.flags]

    @property
    def takes_file(self) -> bool:
        """Whether files are offered for its arguments."""
        return any(option.is_file for option in self.places)


def pages() -> list[Page]:
    """Every command and their commands, in the order of the help."""
    found = []
    for name, command in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"putevents {name}")
        add_arguments, _ = command.load()
        add_arguments(parser)
        found += list(_pages(name, command.help, parser))
    return found


def _pages(path: str, text: str, parser: argparse.ArgumentParser) -> Iterator[Page]:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    options = [_option(action) for action in parser._actions if action not in nested]  # noqa: SLF001
    options += [Option((), action.help or "", tuple(action.choices), "COMMAND", several=False) for action in nested]
    yield Page(path, text, tuple(options))
    for action in nested:
        texts = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
        for name, parsers in action.choices.items():
            yield from _pages(f"{path} {name}", texts.get(name, ""), parsers)


def _option(action: argparse.Action) -> Option:
    takes = action.nargs != 0
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return Option(
        tuple(action.option_strings),
        "show this help" if isinstance(action, argparse._HelpAction) else _first(action.help or ""),  # noqa: SLF001
        tuple(map(str, action.choices or ())),
        metavar if takes else "",
        several=action.nargs in {"*", "+"},
    )


def _first(text: str) -> str:
    """The first part of a help, on one line, as argparse would write it."""
    return text.replace("%%", "%").partition(":")[0].partition(";")[0].partition(" (default")[0]


# -- bash -----------------------------------------------------------------------------------------------------

_BASH = """\
# Completion of putevents for bash, made by `make completions`.
_putevents() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" path="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path${{path:+ }}$word" in
      {paths}) path="$path${{path:+ }}$word" ;;
    esac
  done
  local options="" words="" files=""
  case "$path" in
    "") words="{commands}" ;;
{pages}
  esac
  case "$path $before" in
{values}
  esac
  if [[ $current == -* ]]; then words="$options" files=""; fi
  local IFS=$'\\n'
  COMPREPLY=( $(compgen -W "${{words// /$'\\n'}}" -- "$current") )
  if [[ $files ]]; then COMPREPLY+=( $(compgen -f -- "$current") ); fi
}}
complete -o filenames -F _putevents putevents
"""


def bash() -> str:
    """The file for bash."""
    found = pages()
    values = [
        f"    {'|'.join(_quoted(f'{page.path} {flag}') for flag in option.flags)}) "
        f"words={_quoted(' '.join(option.choices))} files={'yes' if option.is_file else ''} ;;"
        for page in found
        for option in page.options
        if option.flags and option.value
    ]
    return _BASH.format(
        paths="|".join(_quoted(page.path) for page in found),
        commands=" ".join(COMMANDS),
        pages="\n".join(_bash_page(page) for page in found),
        values="\n".join(values),
    )


def _bash_page(page: Page) -> str:
    options = " ".join(flag for option in page.options for flag in option.flags)
    words = " ".join(choice for option in page.places for choice in option.choices)
    return (
        f"    {_quoted(page.path)}) options={_quoted(options)} words={_quoted(words)} "
        f"files={'yes' if page.takes_file else ''} ;;"
    )


def _quoted(text: str) -> str:
    return f'"{text}"'


# -- zsh ------------------------------------------------------------------------------------------------------


def zsh() -> str:
    """The file for zsh."""
    found = pages()
    lines = ["#compdef putevents", "# Completion of putevents for zsh, made by `make completions`.", ""]
    for page in found:
        lines += [*_zsh_function(page, [each for each in found if _is_below(each, page)]), ""]
    tops = [page for page in found if " " not in page.path]
    lines += [*_zsh_commands("_putevents", tops, ["'(- *)'{-h,--help}'[show this help]'"]), ""]
    # Sourced it defines the completion, found by its name in fpath it is the completion.
    ending = [
        "if [[ $funcstack[1] == _putevents ]]; then",
        '  _putevents "$@"',
        "else",
        "  compdef _putevents putevents",
    ]
    return "\n".join([*lines, *ending, "fi", ""])


def _is_below(page: Page, above: Page) -> bool:
    return page.path.rpartition(" ")[0] == above.path


def _zsh_function(page: Page, below: list[Page]) -> list[str]:
    specs = [spec for option in page.options if option.flags for spec in _zsh_options(option)]
    if below:
        return _zsh_commands(_zsh_name(page.path), below, specs)
    specs += [f"'{'*' if each.several else ''}:{_zsh_text(each.value)}:{_zsh_action(each)}'" for each in page.places]
    return [f"{_zsh_name(page.path)}() {{", "  _arguments -s \\", *_continued(specs), "}"]


def _zsh_commands(name: str, below: list[Page], specs: list[str]) -> list[str]:
    described = [f"    '{page.path.rpartition(' ')[2]}:{_zsh_text(page.help)}'" for page in below]
    arms = [f"      {page.path.rpartition(' ')[2]}) {_zsh_name(page.path)} ;;" for page in below]
    return [
        f"{name}() {{",
        "  local curcontext=$curcontext state line",
        "  local -a commands=(",
        *described,
        "  )",
        "  _arguments -C \\",
        *_continued([*specs, "'1: :->command'", "'*:: :->rest'"]),
        "  case $state in",
        "    command) _describe -t commands command commands ;;",
        "    rest) case $words[1] in",
        *arms,
        "    esac ;;",
        "  esac",
        "}",
    ]


def _continued(specs: list[str]) -> list[str]:
    return [f"    {spec} \\" for spec in specs[:-1]] + [f"    {spec}" for spec in specs[-1:]]


def _zsh_name(path: str) -> str:
    return f"_putevents_{path.replace(' ', '_').replace('-', '_')}"


def _zsh_options(option: Option) -> Iterator[str]:
    value = f":{_zsh_text(option.value)}:{_zsh_action(option)}" if option.value else ""
    for flag in option.flags:
        yield f"'*{flag}[{_zsh_text(option.help)}]{value}'"


def _zsh_action(option: Option) -> str:
    if option.choices:
        return f"({' '.join(option.choices)})"
    return "_files" if option.is_file else " "


def _zsh_text(text: str) -> str:
    """Text within single quotes, in which zsh's own signs stand for themselves."""
    kept = "".join(f"\\{sign}" if sign in "[]:\\" else sign for sign in text)
    return kept.replace("'", "'\\''")


# -- fish -----------------------------------------------------------------------------------------------------


def fish() -> str:
    """The file for fish."""
    found = pages()
    lines = ["# Completion of putevents for fish, made by `make completions`.", "complete -c putevents -f"]
    for page in found:
        above, _, name = page.path.rpartition(" ")
        lines.append(f"complete -c putevents -n {_fish_when(above, found)} -a {name} -d {_fish(_first(page.help))}")
    for page in found:
        when = _fish_when(page.path, found)
        told = [option for option in page.options if option.flags or option.value != "COMMAND"]
        lines += [f"complete -c putevents -n {when} {_fish_option(option)}".rstrip() for option in told]
    return "\n".join([*lines, ""])


def _fish_when(path: str, found: list[Page]) -> str:
    """The condition that exactly the commands of a path were written."""
    below = [page.path.rpartition(" ")[2] for page in found if page.path.rpartition(" ")[0] == path]
    seen = [f"__fish_seen_subcommand_from {name}" for name in path.split()]
    more = [f"not __fish_seen_subcommand_from {' '.join(below)}"] if below else []
    return _fish("; and ".join([*seen, *more]))


def _fish_option(option: Option) -> str:
    flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
    said = f"-d {_fish(option.help)}" if option.flags else ""
    if option.choices:
        values = f"-{'x' if option.flags else ''}a {_fish(' '.join(option.choices))}"
    elif option.is_file:
        values = "-rF" if option.flags else "-F"
    else:
        values = "-x" if option.value and option.flags else ""
    return " ".join(part for part in (*flags, values, said) if part)


def _fish(text: str) -> str:
    kept = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{kept}'"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, made in SHELLS.items():
        (FOLDER / f"putevents.{name}").write_text(made())


if __name__ == "__main__":
    main()
