"""A few delivered rows, read and derived as `hcc refresh` does: for the examples of the documents.

Every day counts from the first dose on 2024-01-01, which is day 0. Rows stand in a grid: names of
the columns first, blanks between, ``.`` is empty and ``_`` a blank within a word.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import textwrap
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hcc_assets.clinical.adam.datasets import build_adam
from hcc_assets.clinical.checks.run import blocked, rows_left_out, run_checks, unusable_rows
from hcc_assets.clinical.endpoints.best_response import derive_best_responses, response_rates
from hcc_assets.clinical.endpoints.bounds import Given, derive_bounds
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.laboratory.findings import lab_findings
from hcc_assets.clinical.laboratory.liver import liver_safety, raised_afp
from hcc_assets.clinical.laboratory.records import derive_labs
from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.clinical.safety.events import treatment_emergent
from hcc_assets.clinical.safety.exposure import exposure_summary
from hcc_assets.clinical.safety.summaries import ae_summary
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.study.config import parse_config

FIRST_DOSE = dt.date(2024, 1, 1)
CUTOFF = dt.date(2024, 12, 31)
WIDTH = 100
"""Characters of a printed line, as of the code."""
Rows = list[dict[str, str]]
_ALSO: dict[str, dict[str, str]] = {
    "dm": {"RFICDTC": "2023-12-12"},
    "ex": {"EXTRT": "SURUFATINIB", "EXDOSE": "300", "EXDOSU": "mg", "EXSTDTC": "2024-01-01"},
    "ae": {"AEDECOD": "Rash", "AESTDTC": "2024-02-01", "AETOXGR": "2"},
    "lb": {"LBSPEC": "SERUM"},
}
"""What a row of the grid has unless it says otherwise."""


def day(text: str) -> str:
    """ISO date of a day after first dose; a date stays what it is."""
    number = text.removeprefix("-")
    return str(FIRST_DOSE + dt.timedelta(days=int(text))) if len(number) < 4 else text


def grid(text: str) -> Rows:
    """Rows of a grid; columns of dates (``--DTC``) may hold days."""
    head, *lines = [line.split() for line in text.strip().splitlines()]
    words = [["" if w == "." else w.replace("_", " ") for w in line] for line in lines]
    return [
        {c: day(w) if c.endswith("DTC") and w else w for c, w in zip(head, line, strict=True)}
        for line in words
    ]


def _lesions(rows: Rows) -> Rows:
    """TR as delivered, a row per lesion, from a grid with a row per visit."""
    found = []
    for row in rows:
        for name, value in row.items():
            if name in ("USUBJID", "visit", "day", "TRCAT", "TREVAL") or not value:
                continue
            lesion, node = name.removesuffix("(node)"), name.endswith("(node)")
            group = {"NT": "NON-TARGET", "NE": "NEW"}.get(lesion[:2], "TARGET")
            length = "LPERP" if node else "LDIAM"
            found.append(
                {
                    "USUBJID": row.get("USUBJID", "S1"),
                    "VISITNUM": row["visit"],
                    "VISIT": "SCREENING" if row["visit"] == "0" else f"VISIT {row['visit']}",
                    "TRDTC": day(row["day"]),
                    "TRLNKID": lesion,
                    "TRGRPID": group,
                    "TULOC": "LYMPH NODE" if node else "LIVER",
                    "TRTESTCD": length if group == "TARGET" else "TUMSTATE",
                    "TRORRES": "" if value == "NOT DONE" else value,
                    "TRORRESU": "mm" if group == "TARGET" else "",
                    "TRSTAT": value if value == "NOT DONE" else "",
                    "TRCAT": row.get("TRCAT", ""),
                    "TREVAL": row.get("TREVAL", "INVESTIGATOR"),
                }
            )
    return found


class Trial:
    """What a small delivery comes to. ``scans`` has a row per ``visit`` and ``day`` with a column
    per lesion; the other domains have their own columns; ``settings`` is text of ``study.toml``."""

    def __init__(self, scans: str = "", settings: str = "", **domains: str):
        self.config = parse_config(settings)
        rows = {name: grid(text) for name, text in domains.items()}
        rows["tr"] = _lesions(grid(scans)) if scans else []
        ids = sorted({r.get("USUBJID", "S1") for some in rows.values() for r in some})
        rows.setdefault("ex", [{"USUBJID": i} for i in ids])
        known = {r.get("USUBJID", "S1"): r for r in rows.get("dm", [])}
        rows["dm"] = [{"USUBJID": i} | known.get(i, {}) for i in ids]
        self.files = {
            name: pd.DataFrame([{"USUBJID": "S1"} | _ALSO.get(name, {}) | r for r in some]).to_csv(
                index=False
            )
            for name, some in rows.items()
            if some
        }
        self.files.setdefault("tr", "USUBJID,VISITNUM,TRDTC,TRLNKID,TRGRPID,TRTESTCD,TRORRES\n")
        self.files.setdefault("ae", "USUBJID,AEDECOD,AESTDTC\n")
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.files.items():
                (Path(folder) / f"{name}.csv").write_text(text)
            self.export = read_export(Path(folder), self.config, cutoff=CUTOFF)
        self.tables: Any = self.export.tables

    def _of(self, derive: Callable[..., Any], names: str, *more: Any, **by_name: Any) -> Any:
        tables = [self.tables[n] if n in self.tables else getattr(self, n) for n in names.split()]
        return derive(*tables, *more, cutoff=CUTOFF, **by_name)

    @cached_property
    def issues(self) -> pd.DataFrame:
        """Findings of reading and of the checks."""
        found = run_checks(self.tables, self.config, cutoff=CUTOFF, absent=self.export.absent)
        return pd.concat([self.export.issues, found], ignore_index=True)

    @cached_property
    def _shut(self) -> frozenset[str]:
        return blocked(self.issues, ("DM", "EX", "TR"), self.tables["tumour_assessments"])

    @cached_property
    def _unusable(self) -> frozenset[int]:
        return unusable_rows(self.issues, self.tables["tumour_assessments"])

    @cached_property
    def responses(self) -> pd.DataFrame:
        return self._of(
            *(derive_responses, "subjects tumour_assessments", self.config),
            blocked=self._shut,
            unusable=self._unusable,
            markers=raised_afp(self.labs) if "lb" in self.files else None,
        )

    @cached_property
    def best(self) -> pd.DataFrame:
        names = "subjects tumour_assessments responses disposition"
        return self._of(derive_best_responses, names, self.config, blocked=self._shut)

    @cached_property
    def rates(self) -> pd.DataFrame:
        return response_rates(self.best)

    @cached_property
    def times(self) -> pd.DataFrame:
        names = "subjects tumour_assessments responses disposition"
        return self._of(derive_time_to_event, names, self.config, blocked=self._shut)

    @cached_property
    def bounds(self) -> pd.DataFrame:
        names = ("subjects", "tumour_assessments", "exposure", "disposition")
        given = Given(
            **{name: self.tables[name] for name in names},
            issues=self.issues,
            best=self.best,
            times=self.times,
            unusable=self._unusable,
        )
        return derive_bounds(given, self.config, cutoff=CUTOFF)

    @cached_property
    def course(self) -> pd.DataFrame:
        return self._of(treatment_course, "subjects exposure disposition", self.config)

    @cached_property
    def events(self) -> pd.DataFrame:
        return self._of(treatment_emergent, "course adverse_events", self.config)

    @cached_property
    def ae_summary(self) -> pd.DataFrame:
        more = {"disposition": self.tables["disposition"]}
        more |= {"left_out_rows": rows_left_out(self.issues)}
        return self._of(ae_summary, "subjects course adverse_events", self.config, **more)

    @cached_property
    def exposure(self) -> pd.DataFrame:
        course, records = self.course, self.tables["exposure"]
        return exposure_summary(course, records, self.config, cutoff=CUTOFF)

    @cached_property
    def labs(self) -> pd.DataFrame:
        return self._of(derive_labs, "subjects course lab_results vital_signs", self.config)

    @cached_property
    def liver(self) -> pd.DataFrame:
        return liver_safety(self.labs, self.config.labs)

    @cached_property
    def lab_issues(self) -> pd.DataFrame:
        names = ("lab_results", "vital_signs", "adverse_events", "subjects")
        lb, vs, ae, dm = (self.tables[n] for n in names)
        return lab_findings(lb, vs, self.labs, ae, dm)

    @cached_property
    def adam(self) -> dict[str, pd.DataFrame]:
        own = {
            "responses": self.responses,
            "best_responses": self.best,
            "time_to_event": self.times,
            "treatment_course": self.course,
            "exposure_summary": self.exposure,
        }
        return build_adam({**self.tables, **own}, self.config, cutoff=CUTOFF)


def _word(value: Any, digits: int) -> str:
    if value is None or pd.isna(value):
        return "."
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if isinstance(value, float):
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
    return str(value)


def show(frame: pd.DataFrame, names: str, where: str = "", digits: int = 4) -> None:
    """Print columns of a table; ``where`` is a condition for ``DataFrame.query``. A long last
    column goes on below itself."""
    rows = (frame.query(where) if where else frame)[names.split()]
    columns = [[name, *(_word(v, digits) for v in rows[name].tolist())] for name in rows.columns]
    wide = [max(map(len, c)) for c in columns]
    indent = " " * sum(n + 2 for n in wide[:-1])
    for *first, last in zip(*columns, strict=True):
        start = "".join(f"{w:<{n}}  " for w, n in zip(first, wide[:-1], strict=True))
        text = textwrap.fill(
            last,
            max(WIDTH, len(indent) + 30),
            initial_indent=start,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        print(text.rstrip())  # noqa: T201
