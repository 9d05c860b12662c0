"""What became of each query over the exports that were delivered: a function of these exports and
of the confirmations alone, so that neither the order of deliveries nor the day of a refresh counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.queries.echoing import echo_of
from hcc_assets.clinical.queries.natural_keys import COLUMNS

OPEN, ANSWERED, CONFIRMED, CLOSED = "OPEN", "ANSWERED", "CONFIRMED", "CLOSED"
TO_ANSWER = (OPEN, ANSWERED)
"""States in which a query waits for a person."""

TABLE = [
    *("query_id", "subject_id", "site", "check_id", "severity", "domain", "visit", "record"),
    *("field", "message", "opened", "status", "age_days", "echo_of"),
]


@dataclass(frozen=True)
class ExportFindings:
    """Date of an export and its `natural_keys.known_queries`."""

    date: dt.date
    found: pd.DataFrame


@dataclass
class _Life:
    """What is known of one query until now: the values behind it when it was opened and when it was
    last seen, and the export and row of that."""

    opened: dt.date
    first: frozenset[str]
    last: frozenset[str] = frozenset()
    place: int = -1
    row: int = -1


def queries_of(
    chain: Sequence[ExportFindings],
    confirmed: Mapping[str, Collection[frozenset[str]]],
    *,
    cutoff: dt.date,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The queries of all exports, with their state in the last one.

    Parameters
    ----------
    chain
        Findings of each export, oldest first; the last one stands.
    confirmed
        Query id to the values (`known_queries` ``values``) that people said are right.
    cutoff
        Age is counted up to here; of a closed query up to the export without it.

    Returns
    -------
    tuple
        Table of `TABLE`, sorted by subject (without one first), domain, check and id; and
        ``query_id, values`` of the queries that are there, for confirming them.
    """
    lives: dict[str, _Life] = {}
    inherited, frames = _Inherited(), []
    for place, export in enumerate(chain):
        frames.append(inherited.renamed(export.found))
        named = zip(frames[-1]["query_id"], frames[-1]["values"], strict=True)
        for row, (name, values) in enumerate(named):
            told = frozenset(str(values).split())
            life = lives.setdefault(name, _Life(export.date, told))
            life.last, life.place, life.row = told, place, row
    states = {}
    for name, life in lives.items():
        there = life.place == len(chain) - 1
        until = cutoff if there else chain[life.place + 1].date
        states[name] = {
            "opened": pd.Timestamp(life.opened),
            "status": _status(there, life.first, life.last, confirmed.get(name, ())),
            "age_days": max((until - life.opened).days, 0),
        }
    rows_of: dict[int, list[int]] = {}
    for life in lives.values():
        rows_of.setdefault(life.place, []).append(life.row)
    known = [frames[place].iloc[rows] for place, rows in rows_of.items()]
    table = pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=COLUMNS)
    for column in ("opened", "status", "age_days"):
        table[column] = table["query_id"].map({n: state[column] for n, state in states.items()})
    standing = table["status"] != CLOSED
    table["echo_of"] = echo_of(table, standing)
    values_there = table.loc[standing, ["query_id", "values"]]
    table = table.sort_values(
        ["subject_id", "domain", "check_id", "query_id"], na_position="first", ignore_index=True
    )
    values_there = values_there.sort_values("query_id", ignore_index=True)
    return table[TABLE], values_there


def to_send(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries that letters ask and counts count: those that wait for a person and echo no other
    one."""
    return queries[queries["status"].isin(TO_ANSWER) & queries["echo_of"].isna()]


def _status(
    there: bool,
    first: frozenset[str],
    values: frozenset[str],
    confirmed: Collection[frozenset[str]],
) -> str:
    """A confirmation holds for the values it was given for; a change of one of the values that were
    first asked about is an answer, a further one is not."""
    if not there:
        return CLOSED
    if confirmed:
        return CONFIRMED if any(values <= right for right in confirmed) else OPEN
    return OPEN if first <= values else ANSWERED


class _Inherited:
    """Ids over several exports: a query whose record is found again by its second key, after its
    date was corrected, keeps the id that it had."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._by_second: dict[str, str] = {}

    def renamed(self, found: pd.DataFrame) -> pd.DataFrame:
        """The findings of the next export under the ids that last."""
        pairs = list(zip(found["query_id"], found["second_id"], strict=True))
        taken = {self._names[own] for own, _ in pairs if own in self._names}
        names = []
        for own, second in pairs:
            name = self._names.get(own)
            if name is None:
                earlier = self._by_second.get(second) if second else None
                name = earlier if earlier is not None and earlier not in taken else own
                self._names[own] = name
                taken.add(name)
            if second:
                self._by_second[second] = name
            names.append(name)
        return found.assign(query_id=names)
