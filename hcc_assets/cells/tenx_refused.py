"""The one error that every matrix reader raises. Reading itself does not belong here."""

from __future__ import annotations


class MatrixRefused(ValueError):
    """A delivered matrix cannot be taken as counts of one sample.

    Attributes
    ----------
    code
        Short stable name of the rule, e.g. ``not_counts`` or ``truncated``.
    message
        What is wrong and what to do, naming file and rule. Never a value from the data.
    """

    def __init__(self, code: str, message: str):
        self.code = code
        self.message = message
        super().__init__(f"{message} [{code}]")
