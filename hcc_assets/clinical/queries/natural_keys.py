"""What a query is known by: subject, check and the natural keys of its records, never the row
number of a file. Also the values behind it, as hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from hcc_assets.clinical.issues import rows_of
from hcc_assets.study.query_rules import ANY_FIELD, QueryRule, query_rules

TABLES = {
    "DM": "subjects",
    "EX": "exposure",
    "AE": "adverse_events",
    "TR": "tumour_assessments",
    "RS": "reported_responses",
    "LB": "lab_results",
    "VS": "vital_signs",
    **dict.fromkeys(("DS", "CM", "PR", "SS"), "disposition"),
}
"""Table that holds the rows of a domain."""

_LESION = ("EVALUATOR", "CRITERION", "VISITNUM|VISIT|TRDTC", "TRLNKID", "TRTESTCD")
_EVENT, _THERAPY = "AEDECOD|AETERM", "DSDECOD"
RECORD: dict[str, tuple[str, ...]] = {
    "DM": (),
    "EX": ("EXTRT", "EXSTDTC|EXSEQ"),
    "AE": (_EVENT, "AESTDTC|AESEQ"),
    "TR": (*_LESION, "TRDTC"),
    "RS": ("EVALUATOR", "CRITERION", "VISITNUM", "RSTESTCD"),
    "LB": ("LBTESTCD", "LBSPEC", "VISITNUM|VISIT", "LBDTC"),
    "VS": ("VSTESTCD", "VISITNUM|VISIT", "VSDTC"),
    **dict.fromkeys(("DS", "CM", "PR", "SS"), (_THERAPY, "DSSTDTC")),
}
"""What tells one record of a subject from another. Sequence numbers stand behind dates, since many
systems number anew at every export (`holding.row_matching`)."""

SECOND: dict[str, tuple[str, ...]] = {
    "EX": ("EXTRT", "EXSEQ"),
    "AE": (_EVENT, "AESEQ"),
    "TR": _LESION,
    "LB": ("LBTESTCD", "LBSPEC", "VISITNUM|VISIT"),
    "VS": ("VSTESTCD", "VISITNUM|VISIT"),
}
"""By what a record is found again whose date was corrected."""

SHOWN = ("TRLNKID", "TRTESTCD", "RSTESTCD", "LBTESTCD", "LBSPEC", "VSTESTCD", "EVALUATOR")
"""Keys that letters may name: none of them says anything about a person."""

COLUMNS = [
    *("query_id", "second_id", "key", "subject_id", "site", "check_id", "severity", "domain"),
    *("visit", "visit_number", "field", "record", "message", "values"),
]
_DIGITS = 12
"""Hexadecimal digits of a query's id: 48 bits, so that among 100,000 queries two different ones
share an id with a probability of 2e-5 (birthday bound); short enough to be read aloud."""
_NAMED = re.compile(r"([A-Z]{3,8})\b")

Record = Mapping[Hashable, Any]


def known_queries(issues: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Findings that a person must answer, each once.

    Parameters
    ----------
    issues
        ``DataIssues`` frame; information (I) is left out.
    tables
        Clinical tables by name that the rows of the findings are of; any may be missing.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, sorted by ``query_id``. ``values``: hashes of what was asked about, one a record,
        separated by blanks. ``second_id``: the id by `SECOND`, empty where there is none.
        ``visit_number`` null where the records are of several visits or of none.
    """
    asked = issues[issues["severity"].isin(["E", "Q"])]
    named = [
        (*cells, query_rules().get(cells[0], QueryRule(cells[0], "", None, (), {})))
        for cells in zip(
            *(asked[c] for c in ("check_id", "severity", "domain", "subject_id", "row_key")),
            asked["message"],
            strict=True,
        )
    ]
    rows_by_source: dict[str, set[int]] = {}
    for _, _, domain, _, row_key, _, rule in named:
        rows_by_source.setdefault(rule.source or domain, set()).update(rows_of(row_key))
    records = {d: _records(tables, d, rows) for d, rows in rows_by_source.items()}
    people = _people(tables)
    found = [_query(*cells, records=records, people=people) for cells in named]
    frame = pd.DataFrame(found, columns=COLUMNS)
    return _each_once(frame)


def _records(tables: Mapping[str, pd.DataFrame], domain: str, rows: set[int]) -> dict[int, Record]:
    """The named rows of a domain by row number."""
    frame = tables.get(TABLES.get(domain, ""))
    if frame is None:
        return {}
    if "DOMAIN" in frame:
        frame = frame[frame["DOMAIN"] == domain]
    frame = frame[frame["SRCROW"].isin(rows)].drop_duplicates("SRCROW").set_index("SRCROW")
    return {int(str(row)): record for row, record in frame.to_dict("index").items()}


def _people(tables: Mapping[str, pd.DataFrame]) -> dict[Hashable, dict[Hashable, Any]]:
    frame = tables.get("subjects")
    if frame is None:
        return {}
    return frame.drop_duplicates("USUBJID").set_index("USUBJID").to_dict("index")


def _query(
    check: str,
    severity: str,
    domain: str,
    subject: str | None,
    row_key: str | None,
    message: str,
    rule: QueryRule,
    *,
    records: Mapping[str, Mapping[int, Record]],
    people: Mapping[Hashable, Record],
) -> tuple[Any, ...]:
    source = rule.source or domain
    subject = None if subject is None or pd.isna(subject) else str(subject)
    own = records.get(source, {})
    mine = [own[r] for r in rows_of(row_key) if r in own and own[r]["USUBJID"] == subject]
    text = str(message).removeprefix(f"{row_key or domain.lower()}: ")
    field = rule.fields[0].removeprefix("DM.") if rule.fields else None
    fields = rule.fields
    if field == ANY_FIELD:
        match = _NAMED.match(text)
        field = match[1] if match else None
        fields = (field,) if field else ()
    by = RECORD.get(source, ()) if rule.record is None else rule.record
    second = SECOND.get(source) if rule.record is None else None
    start = [subject or "", check, domain, (field or "") if ANY_FIELD in rule.fields else ""]
    if subject is None:
        start.append(text)  # a column or a file is told by the sentence alone
    person = people.get(subject or "", {})
    visit, number = _visit(mine, by)
    return (
        _id([*start, *_key(mine, by)]),
        _id([*start, "second", *_key(mine, second)]) if second and mine else "",
        _id([subject or "", source, *_key(mine, by)]),
        subject,
        _text(person.get("SITEID")) or None,
        check,
        severity,
        domain,
        visit,
        number,
        field,
        _shown(mine, by, source, row_key),
        text[:1].upper() + text[1:],
        " ".join(_values(mine, fields, person)),
    )


def _text(value: Any) -> str:
    """A cell as text: one spelling for one value."""
    if isinstance(value, str):
        return " ".join(value.split())
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return " ".join(str(value).split())


def _cell(record: Record, column: str) -> str:
    """The first filled of the columns ``A|B``, with its name where it is not the first."""
    for place, name in enumerate(column.split("|")):
        if found := _text(record.get(name)).casefold():
            return f"{name}={found}" if place else found
    return ""


def _key(records: Iterable[Record], by: Iterable[str]) -> list[str]:
    """Each column's values in the records, without repetition."""
    rows = list(records)
    return ["+".join(sorted({_cell(r, column) for r in rows})) for column in by]


def _id(parts: Iterable[str]) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"Q-{digest[:_DIGITS]}"


def _visit(records: list[Record], by: Iterable[str]) -> tuple[str | None, float | None]:
    """Name and number of the one visit of the records, where the query is of a visit."""
    if not any(column.startswith("VISITNUM") for column in by):
        return None, None
    numbers = {_text(r.get("VISITNUM")) for r in records}
    names = {_text(r.get("VISIT")) for r in records} - {""}
    number = numbers.pop() if len(numbers) == 1 else ""
    name = names.pop() if len(names) == 1 else number
    return name or None, float(number) if number else None


def _shown(
    records: list[Record], by: Iterable[str], source: str, row_key: str | None
) -> str | None:
    """How a person finds the record: lesion, test, reader; sequence number, else the row."""
    keys = {name for column in by for name in column.split("|")}
    parts = [
        "+".join(sorted({_text(r.get(n)) for r in records} - {""})) for n in SHOWN if n in keys
    ]
    sequence = f"{source}SEQ"
    if sequence in keys:
        numbers = sorted({float(r[sequence]) for r in records if _text(r.get(sequence))})
        if numbers:
            parts.append(f"{sequence} {', '.join(f'{n:g}' for n in numbers)}")
    return " ".join(p for p in parts if p) or (
        row_key if keys and isinstance(row_key, str) else None
    )


def _values(records: list[Record], fields: Iterable[str], person: Record) -> list[str]:
    """Hash of what is asked about, for each record."""
    own = [f for f in fields if not f.startswith("DM.")]
    shared = [_text(person.get(f[3:])) for f in fields if f.startswith("DM.")]
    texts = {"\x1f".join([*(_text(r.get(f)) for f in own), *shared]) for r in records or [person]}
    return sorted(hashlib.sha256(t.encode()).hexdigest()[:_DIGITS] for t in texts)


def _each_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Findings of one id as one query: the worse severity, every value."""
    ordered = frame.sort_values(["query_id", "severity", "message", "record"], kind="stable")
    once = ordered.drop_duplicates("query_id").reset_index(drop=True)
    several = ordered[ordered.duplicated("query_id", keep=False)]
    values = several.groupby("query_id", sort=True)["values"].agg(
        lambda texts: " ".join(sorted({v for t in texts for v in t.split()}))
    )
    once["values"] = once["query_id"].map(values).fillna(once["values"]).astype(object)
    return once
