"""What an alert is: the failing thing as reported (`Signal`), the record kept of it, a silence. No
decision and no sending here."""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import json
import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_ROW_KEYS = 5
"""Enough to begin with; the table has the rest."""
MAX_TEXT = 400
"""Characters of one text of an alert: two long sentences."""

EFFICACY_ASSETS = frozenset(
    [
        "tumour_assessments",
        "responses",
        "best_responses",
        "response_rates",
        "time_to_event",
        "pfs_summary",
        "ae_summary",
        "associations",
        "compositions",
        "timepoint_compositions",
        "composition_changes",
        "deg_tables",
        "deg_confirmatory",
        "related_genes",
        "program_scores",
        "gene_programs",
        "trial_report",
    ]
)
"""Assets whose numbers are results: an alert about them names the check and the number of rows,
never a value."""

_ROW_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/|#=,-]{0,79}")
_LONG_NUMBER = re.compile(r"\d[\d \-]{6,}\d")
_MAIL_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class Severity(StrEnum):
    ERROR = "ERROR"
    WARN = "WARN"


class Phase(StrEnum):
    """State of an alert."""

    NEW = "new"
    STILL_FAILING = "still failing"
    RECOVERED = "recovered"


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """One line of bounded length; long digit runs and mail addresses, which no sentence of ours
    has, are withheld."""
    line = _MAIL_ADDRESS.sub("(withheld)", _LONG_NUMBER.sub(_withhold_unless_date, one_line(text)))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def one_line(text: str) -> str:
    """Control characters and runs of spaces become one space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _withhold_unless_date(match: re.Match[str]) -> str:
    return (
        match.group()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}( \d{2})?", match.group())
        else "(withheld)"
    )


def _clean(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _row_keys(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        return value
    return tuple(
        k if isinstance(k, str) and _ROW_KEY.fullmatch(k) else "(withheld)"
        for k in value[:MAX_ROW_KEYS]
    )


Sentence = Annotated[str, BeforeValidator(_clean)]
Name = Annotated[
    str, BeforeValidator(lambda value: one_line(value)[:128] if isinstance(value, str) else value)
]


def alert_id(asset: str, partition: str | None, check: str) -> str:
    """Stable id of an alert, 16 hexadecimal digits of the SHA-256 of (asset, partition, check)."""
    return hashlib.sha256(json.dumps([asset, partition, check]).encode()).hexdigest()[:16]


class Signal(BaseModel):
    """One thing that is failing now.

    ``value`` and ``threshold`` are numbers of the check itself (a count, a percentage, hours) and
    are dropped for assets that are results; ``row_keys`` are up to five pseudonymous keys; texts
    are sentences of ours, never of the data or of an exception.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    asset: Name
    partition: Name | None = None
    check: Name
    severity: Severity = Severity.ERROR
    title: Sentence
    value: float | None = None
    threshold: float | None = None
    n_affected: Annotated[int | None, Field(ge=0)] = None
    row_keys: Annotated[tuple[str, ...], BeforeValidator(_row_keys)] = ()
    owner: Sentence = ""
    what_to_do: Sentence = ""
    held_back: Sentence = ""
    links: tuple[str, ...] = ()
    run_id: str | None = None
    input_hash: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_results(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("asset") in EFFICACY_ASSETS:
            return {**data, "value": None, "threshold": None}
        return data

    @property
    def id(self) -> str:
        """Stable id, from (asset, partition, check)."""
        return alert_id(self.asset, self.partition, self.check)


class AlertRecord(Signal):
    """What is kept and told of an alert."""

    first_seen: AwareDatetime
    last_seen: AwareDatetime
    state: Phase = Phase.NEW

    @classmethod
    def of(
        cls, signal: Signal, *, first_seen: dt.datetime, last_seen: dt.datetime, state: Phase
    ) -> AlertRecord:
        """The record of a signal."""
        return cls(
            **{name: getattr(signal, name) for name in Signal.model_fields},
            first_seen=first_seen,
            last_seen=last_seen,
            state=state,
        )


class Silence(BaseModel):
    """Alerts that match are not told until ``until``; shell patterns, ``*`` for any; an alert
    without a partition matches ``*`` and an empty pattern."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    asset: str = "*"
    partition: str = "*"
    check: str = "*"
    until: AwareDatetime
    reason: str = Field(min_length=1)
    who: str = ""

    def covers(self, signal: Signal, now: dt.datetime) -> bool:
        """True while the silence lasts and the signal matches."""
        pairs = (
            (signal.asset, self.asset),
            (signal.partition or "", self.partition),
            (signal.check, self.check),
        )
        return now < self.until and all(
            fnmatch.fnmatchcase(name, pattern) for name, pattern in pairs
        )
