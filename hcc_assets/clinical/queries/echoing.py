"""Which queries only echo another one of the same subject, so that nobody is asked twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from hcc_assets.study.query_rules import ONWARD, RECORD, Echo, echoes

Row = Mapping[Hashable, Any]


def echo_of(queries: pd.DataFrame, there: pd.Series) -> pd.Series:
    """Id of the query that each one follows from, or null.

    Parameters
    ----------
    queries
        ``query_id, subject_id, check_id, severity, visit_number, key``.
    there
        Mask: the finding is in the export that stands. Others are neither cause nor effect.

    Returns
    -------
    pandas.Series
        Of several causes the first of the table of pairs, then by id; one that is an echo itself is
        followed to its own cause.
    """
    rules: dict[str, list[Echo]] = defaultdict(list)
    for rule in echoes():
        rules[rule.effect].append(rule)
    now = queries[there & queries["subject_id"].notna()]
    by_subject: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in now.sort_values(["check_id", "query_id"]).to_dict("records"):
        by_subject[row["subject_id"], row["check_id"]].append(row)
    found: dict[str, str] = {}
    for row in now.to_dict("records"):
        for rule in rules.get(row["check_id"], ()):
            causes = by_subject.get((row["subject_id"], rule.cause), ())
            cause = next((c for c in causes if _reaches(rule, c, row)), None)
            if cause is not None:
                found[row["query_id"]] = str(cause["query_id"])
                break
    roots = {name: _root(name, found) for name in found}
    named = zip(queries["query_id"], there, strict=True)
    found_of = [roots.get(name) if here else None for name, here in named]
    return pd.Series(found_of, index=queries.index, dtype=object)


def _reaches(rule: Echo, cause: Row, effect: Row) -> bool:
    if rule.severity and cause["severity"] != rule.severity:
        return False
    if rule.scope == RECORD:
        return cause["key"] == effect["key"]
    if rule.scope == ONWARD:
        numbers = pd.Series([cause["visit_number"], effect["visit_number"]], dtype=float)
        return bool(numbers.notna().all() and numbers[0] <= numbers[1])
    return True


def _root(name: str, found: dict[str, str]) -> str:
    cause = found[name]
    while cause in found:
        cause = found[cause]
    return cause
