"""The sample registry: rows of ``samples.csv`` whose complete matrix was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Refused, Verdict, asset
from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.catalogue.landing._erased import NO_ERASED_TODO, erased_verdict
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.manifests import Bundle, digest
from hcc_assets.schemas.landing import Samples

SHOWN = 6
"""Problems that a message lists; the others are counted. A line of a mail holds about as many."""


@dataclass(frozen=True)
class Sheet:
    """``samples.csv`` as it was judged.

    Attributes
    ----------
    rows
        Rows that count and whose matrix is there, in order of sample id.
    problems
        Line and rule of what was left out.
    refused
        Why the file as a whole was not taken.
    kept
        Samples whose earlier row stays because today's cannot be taken.
    erased
        Lines that name somebody who was erased.
    lost
        Samples that were read and are no longer in the file.
    waiting
        Rows without a complete matrix.
    """

    rows: tuple[SampleRow, ...]
    problems: tuple[str, ...]
    refused: str
    kept: tuple[str, ...]
    erased: tuple[int, ...]
    lost: tuple[str, ...]
    waiting: int


@dataclass(frozen=True)
class SampleSheetFile(Input):
    """``samples.csv``, with what is known of each row's matrix."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        sheet = view.landing.sheet
        if sheet.settling or not (sheet.rows or sheet.problems or sheet.refused or sheet.erased):
            return None
        return Basis(deliveries={"samples.csv": digest(vars(self.value(view, key)))})

    def value(self, view: View, key: str | None) -> Sheet:
        landing, sheet = view.landing, view.landing.sheet
        ready = [
            row
            for k, row in view.rows.items()
            if landing.samples[row.sample_id].state == "ready"
            or view.versions.current("raw_counts", k) is not None
        ]
        return Sheet(
            rows=tuple(ready),
            problems=tuple(f"{where}: {what}" for where, what in sheet.problems),
            refused=sheet.refused,
            kept=tuple(sorted(sheet.kept)),
            erased=tuple(sheet.erased),
            lost=_lost(view),
            waiting=sum(d.state == "incomplete" for d in landing.samples.values()),
        )


def _lost(view: View) -> tuple[str, ...]:
    """Samples that were read and are no longer in the sheet, but for withdrawn and erased ones."""
    read = {view.people.sample(k) for k in view.versions.partitions("raw_counts")}
    absent = sorted(read - set(view.landing.sheet.rows))
    gone = view.erased_of(absent)
    return tuple(s for s in absent if s not in gone)


@asset(
    model=Samples,
    gate=Gate(
        title="samples.csv can be read and its rows keep the schema",
        todo="Correct samples.csv as the message says.",
    ),
    owners=("team:data-management",),
    layer="landing",
)
def samples(sheet: Annotated[Sheet, SampleSheetFile()]) -> Output:
    """Samples whose row and complete matrix were delivered. A bad row of the sheet is left out
    and told, the others go on."""
    if sheet.refused:
        raise Refused(sheet.refused, code="sample_sheet")
    columns = [*Samples.to_schema().columns, "path"]
    table = pd.DataFrame([vars(r) for r in sheet.rows], columns=columns).drop(columns="path")
    table["tissue"] = table["tissue"].fillna("unknown").replace("", "unknown")
    return Output(
        table=table,
        bundle=Bundle(facts={"rows": [vars(row) for row in sheet.rows]}),
        metadata={
            "rows_refused": len(_problems(sheet)),
            "waiting_for_matrix": sheet.waiting,
        },
    )


def _problems(sheet: Sheet) -> list[str]:
    kept = [f"the earlier rows of {', '.join(sheet.kept)} stay"] if sheet.kept else []
    return kept + list(sheet.problems)


@samples.check(severity="WARN", todo="Correct the named lines of samples.csv.")
def rows_are_good(sheet: Annotated[Sheet, SampleSheetFile()]) -> Verdict:
    """Every row of samples.csv is good"""
    problems = _problems(sheet)
    text = "; ".join(problems[:SHOWN]) or "every row of samples.csv is good"
    return Verdict(not problems, text, len(problems))


@samples.check(severity="WARN", todo="Put the row back, or leave it out on purpose.")
def no_sample_lost(sheet: Annotated[Sheet, SampleSheetFile()]) -> Verdict:
    """Every sample that was read is still in samples.csv"""
    lost = ", ".join(sheet.lost[:SHOWN])
    text = f"no longer in samples.csv and left out of every table: {lost}"
    good = "every sample read is in samples.csv"
    return Verdict(not lost, text if lost else good, len(sheet.lost))


@samples.check(todo=NO_ERASED_TODO)
def no_erased_subject(sheet: Annotated[Sheet, SampleSheetFile()]) -> Verdict:
    """No erased subject was delivered again"""
    lines = ", ".join(map(str, sheet.erased[:SHOWN]))
    return erased_verdict(len(sheet.erased), f"samples.csv, line {lines}, with its matrix")
