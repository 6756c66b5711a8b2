"""The two things a run can tell a person: what stops it, and what to keep in mind."""

import warnings


class DataError(ValueError):
    """The input cannot be used as it is; the message is one line that names the culprit and what to do."""


class RunWarning(UserWarning):
    """The run goes on, but a reader of its results must know this; recorded in the manifest and the report."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message is one line that says at which epoch and what to change."""


class UsageError(ValueError):
    """The command was called wrongly; the message is one line that names the argument or parameter."""


class StepError(RuntimeError):
    """A step of the chain failed; the message is one line that names the step and the reason."""


def tell_plainly() -> None:
    """From now on, write warnings of a run without the file and the line of code that gave them."""
    usual = warnings.formatwarning

    def told(message, category, *place, **options):
        is_own = issubclass(category, RunWarning)
        return f"{category.__name__}: {message}\n" if is_own else usual(message, category, *place, **options)

    warnings.formatwarning = told
