"""ADaM-style datasets built from the derived tables, for a statistician to take away.

Nothing is derived here that another module derives; writing files is in ``files``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.adam.sources import traced
from hcc_assets.clinical.adam.tumour import response_records, tumour_measurements
from hcc_assets.clinical.safety.counting import aesi_masks
from hcc_assets.clinical.safety.events import derive_events, flag_first_worst, study_day
from hcc_assets.clinical.safety.exposure import exposure_summary
from hcc_assets.clinical.treatment.deaths import known_deaths, words
from hcc_assets.schemas import clinical as inputs
from hcc_assets.schemas.adam import ADAM_MODELS
from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.endpoints import BestResponses, Responses, TimeToEvent
from hcc_assets.schemas.exposure import TreatmentCourse
from hcc_assets.stats.kaplan_meier import DAYS_PER_MONTH
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of

INPUTS: Final = {
    "subjects": inputs.Subjects,
    "exposure": inputs.Exposure,
    "tumour_assessments": inputs.TumourAssessments,
    "disposition": inputs.Disposition,
    "adverse_events": inputs.AdverseEvents,
    "treatment_course": TreatmentCourse,
    "responses": Responses,
    "best_responses": BestResponses,
    "time_to_event": TimeToEvent,
}
"""Tables that `build_adam` takes, by published name; one that is absent counts as empty."""

TTE_NAMES: Final = {
    "PFS_TP": "Progression-Free Survival, Protocol Policy",
    "PFS_FDA": "Progression-Free Survival, FDA-Style",
    "TTP": "Time to Progression",
    "OS": "Overall Survival",
    "DOR": "Duration of Response",
    "TTR": "Time to Response",
}
EX_NAMES: Final = {
    "TDURD": ("Overall Duration (days)", "duration_days"),
    "TDOSD": ("Days with a Dose above 0", "days_on_drug"),
    "TINTD": ("Days Recorded at Dose 0", "interruption_days"),
    "TGAPD": ("Days without a Record", "gap_days"),
    "TDOSE": ("Cumulative Dose (mg)", "cumulative_mg"),
    "DOSINT": ("Dose Intensity (mg/day)", "dose_intensity"),
    "RDI": ("Relative Dose Intensity (%)", "relative_dose_intensity"),
    "NREDUC": ("Number of Dose Reductions", "reductions"),
    "NINTER": ("Number of Dose Interruptions", "interruptions"),
}


_EOTSTT: Final = {"ONGOING": "ONGOING", "ENDED": "DISCONTINUED"}
"""End of treatment status by status of the treatment course (CDISC code list SBJTSTAT, which has no
word for an unknown one)."""


def build_adam(
    tables: Mapping[str, pd.DataFrame],
    config: StudyConfig,
    *,
    cutoff: dt.date,
    left_out_rows: Collection[int] = frozenset(),
) -> dict[str, pd.DataFrame]:
    """ADSL, ADTR, ADRS, ADTTE, ADAE and ADEX.

    Parameters
    ----------
    tables
        Published tables by name (`INPUTS`).
    config
        The study's choices.
    cutoff
        Data cutoff; records after it are ignored.
    left_out_rows
        ``SRCROW`` of adverse event rows that an E finding leaves out: they stay in ADAE with
        ANL01FL = N.

    Returns
    -------
    dict
        Dataset name to frame of ``schemas.adam``, sorted by subject and parameter. Every dataset is
        there, without rows where nothing has come yet.
    """
    t = {name: tables[name] if name in tables else empty(model) for name, model in INPUTS.items()}
    first = config.recist.criteria[0]
    t = {n: rows_of(f, first) if "CRITERION" in f else f for n, f in t.items()}
    adsl = _adsl(t, config, cutoff)
    common = adsl[["STUDYID", "USUBJID", "TRT01A", "SAFFL", "TRTSDT"]]
    tumours = tumour_measurements(t["tumour_assessments"], t["responses"], cutoff=cutoff)
    start = dict(zip(adsl["USUBJID"], adsl["TRTSDT"], strict=True))
    frames = {
        "ADSL": adsl,
        "ADTR": _joined(tumours, common),
        "ADRS": _joined(
            response_records(
                t["responses"], t["best_responses"], tumours, start, headline=config.recist.headline
            ),
            common,
        ),
        "ADTTE": _joined(_adtte(traced(t["time_to_event"], t, cutoff)), common),
        "ADAE": _joined(_adae(t, config, cutoff, left_out_rows), common),
        "ADEX": _joined(_adex(t, config, cutoff), common),
    }
    out = {}
    for name, frame in frames.items():
        spec = columns(ADAM_MODELS[name])
        if "ADY" in spec:
            frame["ADY"] = study_day(frame["ADT"], frame["TRTSDT"])
        absent = {
            c: None if m["dtype"] == "text" else np.nan for c, m in spec.items() if c not in frame
        }
        out[name] = conform(ADAM_MODELS[name], frame.assign(**absent)[list(spec)])
    return out


def _joined(frame: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """Rows of known subjects with the subject's columns, in the order of ``frame``."""
    own = [c for c in frame.columns if c == "USUBJID" or c not in common.columns]
    return frame[own].merge(common, on="USUBJID", how="inner").reset_index(drop=True)


def _adsl(t: Mapping[str, pd.DataFrame], config: StudyConfig, cutoff: dt.date) -> pd.DataFrame:
    limit: Any = pd.Timestamp(cutoff)
    nothing: Any = None
    dm = t["subjects"].sort_values("USUBJID").reset_index(drop=True)
    course = t["treatment_course"]
    period = course[["USUBJID", "TRTSDT", "TRTEDT", "STATUS"]]
    dosing = exposure_summary(course, t["exposure"], config, cutoff=cutoff).drop(
        columns=["TRTSDT", "TRTEDT", "ongoing"]
    )
    out = dm[["USUBJID", "SITEID", "AGE", "SEX", "ARM", "RFICDT", "DTHDTF", "DTHCAUS"]].merge(
        period, on="USUBJID", how="left"
    )
    out = out.merge(dosing, on="USUBJID", how="left").merge(
        t["best_responses"].drop(columns=["EVALUATOR", "CRITERION"]), on="USUBJID", how="left"
    )
    treated = out["TRTSDT"].notna()
    deaths = known_deaths(t["subjects"], t["disposition"], cutoff=cutoff)
    died = deaths["died"]
    os_rows = (
        t["time_to_event"]
        .loc[lambda f: (f["PARAMCD"] == "OS") & (f["CNSR"] == 1)]
        .set_index("USUBJID")["ADT"]
    )
    therapy = t["disposition"].loc[
        lambda f: f["DOMAIN"].isin(["CM", "PR"]) & (f["DSSTDT"] <= limit)
    ]
    therapy = therapy.merge(period[["USUBJID", "TRTSDT"]], on="USUBJID", how="left")
    therapy = (
        therapy.loc[
            words(therapy["DSDECOD"]).eq("NEW ANTICANCER THERAPY")
            & ~(therapy["DSSTDT"] < therapy["TRTSDT"])  # a prior one [CLINICAL.md 11.11]
        ]
        .groupby("USUBJID")["DSSTDT"]
        .min()
    )
    return out.assign(
        STUDYID=config.study.id,
        AGEU=pd.Series(
            np.where(out["AGE"].notna(), "YEARS", nothing), index=out.index, dtype=object
        ),
        TRT01P=out["ARM"].fillna(config.treatment.name),
        TRT01A=pd.Series(
            np.where(treated, config.treatment.name, nothing), index=out.index, dtype=object
        ),
        SAFFL=np.where(treated, "Y", "N"),
        EVALFL=np.where(out["EVALUABLE"].eq(True), "Y", "N"),
        BLOCKFL=np.where(out["BLOCKED"].eq(True), "Y", "N"),
        TRTDURD=out["duration_days"],
        EOTSTT=out["STATUS"].map(_EOTSTT).astype(object).where(treated, nothing),
        CUMDOSE=out["cumulative_mg"],
        DOSEINT=out["dose_intensity"],
        RDI=out["relative_dose_intensity"],
        NREDUC=out["reductions"],
        NINTER=out["interruptions"],
        DTHDT=deaths["DTHDT"],
        DTHDTF=dm["DTHDTF"].where(deaths["DTHDT"].notna(), nothing),
        DTHFL=pd.Series(np.where(died, "Y", nothing), index=out.index, dtype=object),
        DTHCAUS=dm["DTHCAUS"].where(died, nothing),
        LSTALVDT=out["USUBJID"].map(os_rows),
        NACTDT=out["USUBJID"].map(therapy),
        BESTPCHG=out["BEST_PCHG"],
        DCUTDT=limit,
    )


def _adtte(times: pd.DataFrame) -> pd.DataFrame:
    order = {code: i for i, code in enumerate(TTE_NAMES)}
    out = times.sort_values(
        ["USUBJID", "PARAMCD"], key=lambda c: c.map(order) if c.name == "PARAMCD" else c
    )
    return out.assign(
        PARAM=out["PARAMCD"].map(TTE_NAMES), AVALU="DAYS", AVALMON=out["AVAL"] / DAYS_PER_MONTH
    )


def _adae(
    t: Mapping[str, pd.DataFrame],
    config: StudyConfig,
    cutoff: dt.date,
    left_out_rows: Collection[int],
) -> pd.DataFrame:
    events = flag_first_worst(
        derive_events(t["treatment_course"], t["adverse_events"], config, cutoff=cutoff)
    )
    names = pd.Series("", index=events.index, dtype=object)
    for name, mask in aesi_masks(events, config.safety.aesi).items():
        names = names.where(~mask, names + "; " + name)
    nothing: Any = None
    counted = (events["TRTEMFL"] == "Y") & ~events["SRCROW"].isin(list(left_out_rows))
    out = events.assign(
        AEDECOD=events["PT"],
        AEBODSYS=events["SOC"],
        ADURN=(events["AENDT"] - events["ASTDT"]).dt.days + 1.0,
        AESINAM=names.str.removeprefix("; ").where(names != "", nothing),
        ANL01FL=np.where(counted, "Y", "N"),
    )
    return out.sort_values(["USUBJID", "ASTDT", "AESEQ", "SRCROW"])


def _adex(t: Mapping[str, pd.DataFrame], config: StudyConfig, cutoff: dt.date) -> pd.DataFrame:
    summary = exposure_summary(t["treatment_course"], t["exposure"], config, cutoff=cutoff)
    parts = [
        pd.DataFrame(
            {
                "USUBJID": summary["USUBJID"],
                "PARAMCD": code,
                "PARAM": name,
                "AVAL": summary[column].astype(float),
                "order": i,
            }
        )
        for i, (code, (name, column)) in enumerate(EX_NAMES.items())
    ]
    return (
        pd.concat(parts, ignore_index=True).sort_values(["USUBJID", "order"]).drop(columns="order")
    )
