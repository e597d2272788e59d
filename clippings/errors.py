"""What can go wrong with an encoder."""

from __future__ import annotations


class EncoderError(ValueError):
    """A model cannot be used as an encoder, or gave vectors that cannot be used."""


class MissingPackageError(EncoderError, ImportError):
    """A package that this model needs is not installed; the message holds the line that installs it."""

    def __init__(self, package: str, purpose: str, extra: str = "cpu") -> None:
        self.package, self.purpose, self.extra = package, purpose, extra
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed. "
            f'Run: pip install "linktransformer[{extra}]"'
        )

    def __reduce__(self) -> tuple[type[MissingPackageError], tuple[str, str, str]]:
        return type(self), (self.package, self.purpose, self.extra)


class MissingProgramError(MissingPackageError):
    """A program outside of Python is not installed; the message holds the lines that install it."""

    def __init__(self, program: str, lines: str) -> None:
        self.program, self.lines = program, lines
        EncoderError.__init__(
            self,
            f"The program {program}, or a model of it, is not installed. Given: {program!r}. Run: {lines}.",
        )

    def __reduce__(self) -> tuple[type[MissingProgramError], tuple[str, str]]:  # type: ignore[override]
        return type(self), (self.program, self.lines)


class TrainingError(EncoderError):
    """A model cannot be trained with what was given."""
