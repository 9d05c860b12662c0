"""What several checks look at: the tables with the possible days of each date, first doses that can
be trusted, lesion measurements in millimetres."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from hcc_assets.clinical.reading.assessments import FRAGMENT, is_nodal, visit_parts
from hcc_assets.clinical.reading.dates import parse_dates
from hcc_assets.clinical.reading.text import to_numbers
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas import clinical as models
from hcc_assets.schemas.base import Table, empty
from hcc_assets.study.codelists import DIAMETERS, LENGTH_UNITS, LONGEST_DIAMETER, SHORT_AXIS
from hcc_assets.study.config import StudyConfig

MODELS: dict[str, type[Table]] = {
    "subjects": models.Subjects,
    "exposure": models.Exposure,
    "tumour_assessments": models.TumourAssessments,
    "reported_responses": models.ReportedResponses,
    "disposition": models.Disposition,
    "adverse_events": models.AdverseEvents,
}


def _with_days(frame: pd.DataFrame, dates: Mapping[str, str]) -> pd.DataFrame:
    out = frame.copy()
    for source, short in dates.items():
        parsed = parse_dates(frame[source])
        out[f"{short}_low"], out[f"{short}_high"] = parsed["low"], parsed["high"]
    return out


@dataclass(frozen=True)
class Context:
    """Inputs of one run of the checks.

    Attributes
    ----------
    tables
        Validated tables by name; any may be missing.
    config, cutoff
        Study configuration and data cut-off.
    ctcae
        Terms of ``ctcae.read_terms``, or null.
    absent
        Table to the optional columns that its delivery does not have.
    """

    tables: Mapping[str, pd.DataFrame]
    config: StudyConfig
    cutoff: dt.date
    ctcae: pd.DataFrame | None = None
    absent: Mapping[str, Set[str]] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """A table, or an empty one of its model."""
        return self.tables[name] if name in self.tables else empty(MODELS[name])

    def collected(self, table: str, column: str) -> bool:
        """Whether the delivery has this column at all."""
        return column not in self.absent.get(table, frozenset())

    @cached_property
    def dm(self) -> pd.DataFrame:
        """``subjects`` with ``consent_`` and ``death_`` ``low`` and ``high``, index 0..n-1."""
        return _with_days(self.table("subjects"), {"RFICDTC": "consent", "DTHDTC": "death"})

    @cached_property
    def ex(self) -> pd.DataFrame:
        """``exposure`` with ``start_`` and ``end_`` ``low`` and ``high``."""
        return _with_days(self.table("exposure"), {"EXSTDTC": "start", "EXENDTC": "end"})

    @cached_property
    def ae(self) -> pd.DataFrame:
        """``adverse_events`` with ``start_``, ``end_``, ``death_``, ``consent_`` days."""
        frame = _with_days(self.table("adverse_events"), {"AESTDTC": "start", "AEENDTC": "end"})
        return self.with_subject(frame)

    @cached_property
    def course(self) -> pd.DataFrame:
        """The treatment course of every treated subject."""
        subjects, exposure = self.table("subjects"), self.table("exposure")
        return treatment_course(
            subjects, exposure, self.table("disposition"), self.config, cutoff=self.cutoff
        )

    def with_subject(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add the subject's consent and death days and ``in_dm``."""
        days = self.dm.set_index("USUBJID")[
            ["consent_low", "consent_high", "death_low", "death_high"]
        ]
        out = frame.join(days, on="USUBJID")
        out["in_dm"] = out["USUBJID"].isin(days.index)
        return out

    @cached_property
    def first_dose(self) -> pd.DataFrame:
        """Possible days of the first dose (``low``, ``high``) by subject; without subjects whose
        earliest dosing rows carry an error.

        A negative or missing dose, or a missing start, makes the first dose doubtful: checks that
        rest on it stay silent until that row is corrected.
        """
        ex = self.ex
        dosed = ex[(ex["EXDOSE"] > 0) & ex["EXSTDT"].notna()].sort_values(
            ["USUBJID", "EXSTDT", "SRCROW"], kind="stable"
        )
        first = (
            dosed.drop_duplicates("USUBJID")
            .set_index("USUBJID")[["start_low", "start_high"]]
            .set_axis(["low", "high"], axis=1)
        )
        wrong = ex[
            (ex["EXDOSE"] < 0) | ex["EXDOSE"].isna() | (ex["EXSTDT"].isna() & (ex["EXDOSE"] > 0))
        ]
        begun = wrong["USUBJID"].map(first["high"]).astype("datetime64[ns]")
        doubtful = wrong.loc[wrong["EXSTDT"].isna() | (wrong["EXSTDT"] <= begun), "USUBJID"]
        return first[~first.index.isin(doubtful)]

    @cached_property
    def tr(self) -> pd.DataFrame:
        """``tumour_assessments`` with ``day_``, ``dose_``, ``death_`` days and what the checks of
        lesions need.

        Further columns: ``part`` (`visit_parts`); ``in_dm``; ``mm`` the measurement in millimetres
        (a missing unit is mm; null where there is no number or no known unit), ``number`` whether
        the result is a number; ``nodal``; ``root`` the lesion id without fragment number; ``used``
        whether the row is the measurement that RECIST uses.
        """
        frame = _with_days(self.table("tumour_assessments"), {"TRDTC": "day"})
        frame = frame.assign(part=visit_parts(frame))
        frame = self.with_subject(frame).join(self.first_dose.add_prefix("dose_"), on="USUBJID")
        values, wrong = to_numbers(frame["TRORRES"])
        frame["number"] = frame["TRORRES"].notna() & ~wrong & values.notna()
        scale = (
            frame["TRORRESU"]
            .str.upper()
            .map(LENGTH_UNITS)
            .where(frame["TRORRESU"].notna(), 1.0)
            .astype("float64")
        )
        measured = frame["number"] & frame["TRTESTCD"].isin(DIAMETERS)
        # nine decimals: equal texts in mm and cm become equal floats, no delivered digit is lost
        frame["mm"] = (values * scale).round(9).where(measured)
        frame["nodal"] = frame["TULOC"].map(is_nodal).astype(bool)
        frame["root"] = frame["TRLNKID"].str.replace(FRAGMENT, r"\1", regex=True)
        axis = frame["TRTESTCD"].isin(SHORT_AXIS)
        frame["used"] = (frame["nodal"] & axis) | (
            ~frame["nodal"] & frame["TRTESTCD"].isin(LONGEST_DIAMETER)
        )
        return frame

    @cached_property
    def visits(self) -> pd.DataFrame:
        """One row per subject, reader, criterion, visit number and scan of that number: possible
        first and last days, baseline, name, first row number; in visit order."""
        tr = self.tr[self.tr["VISITNUM"].notna()]
        keys = ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM", "part"]
        return tr.groupby(keys, sort=True, as_index=False).agg(
            first_low=("day_low", "min"),
            first_high=("day_high", "min"),
            last_low=("day_low", "max"),
            last_high=("day_high", "max"),
            baseline=("BASELINE", "any"),
            name=("VISIT", "first"),
            dose_low=("dose_low", "first"),
            dose_high=("dose_high", "first"),
            death_high=("death_high", "first"),
            in_dm=("in_dm", "first"),
            SRCROW=("SRCROW", "min"),
        )

    @cached_property
    def after_baseline(self) -> pd.Series:
        """Mask over ``tr``: rows of a visit later than the reader's baseline (by day, by visit
        number where a day is missing)."""
        keys = ["USUBJID", "EVALUATOR", "CRITERION"]
        base = (
            self.tr[self.tr["BASELINE"]]
            .groupby(keys)
            .agg(base_day=("TRDT", "max"), base_number=("VISITNUM", "max"))
        )
        joined = self.tr[[*keys, "TRDT", "VISITNUM"]].join(base, on=keys)
        by_day = joined["TRDT"] > joined["base_day"]
        by_number = (joined["VISITNUM"] > joined["base_number"]) & (
            joined["TRDT"].isna() | joined["base_day"].isna()
        )
        return (by_day | by_number) & ~self.tr["BASELINE"]
