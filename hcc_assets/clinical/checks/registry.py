"""The list of checks: id, severity, title, rule and the function that finds.

The rules themselves are in the sibling modules, one per domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.checks.context import Context


@dataclass(frozen=True)
class Finding:
    """One row to report: subject, row numbers in the delivered file, sentence; ``severity`` only
    where it differs from the check's."""

    subject: str | None
    rows: tuple[int, ...]
    text: str
    severity: str | None = None


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes
    ----------
    id, severity, domain
        As published in ``data_issues``.
    title
        What holds when the check is silent, in plain words.
    rule
        The exact rule, with its source.
    needs
        Tables without which the check does not run.
    find
        The function; null for checks that are made on reading (their findings are in
        ``Export.issues``).
    """

    id: str
    severity: str
    domain: str
    title: str
    rule: str
    needs: tuple[str, ...]
    find: Callable[[Context], Iterable[Finding]] | None


CHECKS: dict[str, Check] = {}
"""All checks by id."""

Rule = Callable[[Context], Iterable[Finding]]


def check(
    id_: str, severity: str, title: str, rule: str, *needs: str, domain: str | None = None
) -> Callable[[Rule], Rule]:
    """Register a function as the rule ``id_``; the domain is the first two letters of the id unless
    given."""

    def register(function: Rule) -> Rule:
        CHECKS[id_] = Check(
            id_, severity, (domain or id_[:2]).upper(), title, rule, needs, function
        )
        return function

    return register


def reading(id_: str, severity: str, title: str, rule: str, domain: str = "ALL") -> None:
    """Register a check that is made on reading."""
    CHECKS[id_] = Check(id_, severity, domain, title, rule, (), None)


def each(frame: pd.DataFrame, text: str, severity: str | None = None) -> list[Finding]:
    """One finding per row of a frame with ``USUBJID`` and ``SRCROW``."""
    return [
        Finding(str(subject), (int(row),), text, severity)
        for subject, row in zip(frame["USUBJID"], frame["SRCROW"], strict=True)
    ]


def grouped(
    frame: pd.DataFrame, keys: list[str], text: str, severity: str | None = None
) -> list[Finding]:
    """One finding per group of rows; the first key is ``USUBJID``."""
    if frame.empty:
        return []
    rows = frame.sort_values("SRCROW").groupby(keys, sort=True, dropna=False)["SRCROW"].agg(list)
    return [
        Finding(
            str(key[0] if isinstance(key, tuple) else key),
            tuple(int(r) for r in found),
            text,
            severity,
        )
        for key, found in zip(rows.index, rows, strict=True)
    ]
