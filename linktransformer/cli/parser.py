"""The parser of the command line: an error is one line, with the option that was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NoReturn

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser whose errors do not begin with the whole usage, and that names near options and commands."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where the help is, and end with exit code 2.

        Args:
            message: Of argparse, or of `parsed`.
        """
        choice = re.match(r"argument COMMAND: invalid choice: '([^']*)'", message)
        if choice:
            near = _near(choice[1], self.commands)
            message = f"{choice[1]} is not a command.{near} The commands: {', '.join(self.commands)}"
        end = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"{self.prog}: {message}{end} Help: {self.prog} --help\n")

    @property
    def commands(self) -> dict[str, Parser]:
        """The parsers of the commands by name; {} of the parser of a command."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action.choices
        return {}

    def parsed(self, typed: Sequence[str] | None) -> argparse.Namespace:
        """Parse all arguments; of those that are not known, the nearest known one is named.

        Args:
            typed: Arguments; None takes those of the process.

        Returns:
            Their values.
        """
        arguments, unknown = self.parse_known_args(typed)
        if unknown:
            parser = self.commands.get(getattr(arguments, "command", None) or "", self)
            near = _near(unknown[0].partition("=")[0], parser._option_string_actions)
            what = "option" if unknown[0].startswith("-") else "argument"
            parser.error(f"there is no {what} {' '.join(unknown)}.{near}")
        return arguments


def _near(typed: str, names: Iterable[str]) -> str:
    found = get_close_matches(typed, list(names), n=1)
    return f" Did you mean {found[0]}?" if found else ""
