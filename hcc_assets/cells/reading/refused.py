"""The one error that every matrix reader raises. Reading itself does not belong here."""

from __future__ import annotations

import re
from collections.abc import Iterable


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


def _plain(genome: str) -> str:
    text = genome.lower().removeprefix("refdata-").removeprefix("gex-")
    for build, names in (("grch38", ("hg38",)), ("grch37", ("hg19", "b37"))):
        for name in names:
            text = re.sub(rf"^{name}(?![a-z0-9])", build, text)
    return text


def pick_genome(wanted: str, there: Iterable[str]) -> str | None:
    """The genome of a delivery that ``wanted`` means: the same name, else the only one of the same
    build (``hg38`` is ``GRCh38``; releases aside).
    """
    names = sorted(set(there))
    if wanted in names:
        return wanted
    alike = [n for n in names if _plain(n) == _plain(wanted)] or [
        n for n in names if re.match(rf"{re.escape(_plain(wanted))}[-.]", _plain(n))
    ]
    return alike[0] if len(alike) == 1 else None
