"""The one exception by which a delivered clinical table is refused.

What is merely doubtful is an issue row (``issues``) and no exception.
"""

from __future__ import annotations


class DomainRefused(ValueError):
    """A delivered table cannot be taken.

    The text names the rule, the row and the column where there is one, never a value.

    Attributes
    ----------
    code
        Short name of the rule, e.g. ``short_row``; stable, for programs.
    reason
        One sentence that the sender can act on.
    """

    def __init__(self, code: str, reason: str):
        self.code = code
        self.reason = reason
        super().__init__(reason)
