"""Clinical tables of any size for the figure tests, drawn at random and without medical sense.

No assertions belong here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import columns, conform
from hcc_assets.schemas.endpoints import BestResponses, Responses, TimeToEvent
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    course_of,
    exposure,
    exposure_summary,
    subjects,
)

CUTOFF = dt.date(2025, 6, 30)
_TERMS = [
    "Hypertension",
    "Proteinuria",
    "Diarrhoea",
    "Nausea",
    "Palmar-plantar erythrodysaesthesia syndrome",
    "Fatigue",
    "Alanine aminotransferase increased",
    "Aspartate aminotransferase increased",
    "Blood bilirubin increased",
    "Platelet count decreased",
    "Decreased appetite",
    "Abdominal pain",
    "Ascites",
    "Hypoalbuminaemia",
    "Blood thyroid stimulating hormone increased",
    "Gastrointestinal haemorrhage",
    "Pyrexia",
    "Rash",
    "Vomiting",
    "Weight decreased",
    "Hyperuricaemia",
    "Anaemia",
    "Cough",
    "Back pain",
    "Insomnia",
    "Arthralgia",
    "Pruritus",
    "Hyponatraemia",
]


@dataclass(frozen=True)
class Trial:
    """All tables that the clinical figures take."""

    subjects: pd.DataFrame
    exposure: pd.DataFrame
    adverse_events: pd.DataFrame
    responses: pd.DataFrame
    best: pd.DataFrame
    time_to_event: pd.DataFrame
    ae_summary: pd.DataFrame
    exposure_summary: pd.DataFrame
    course: pd.DataFrame


def _table(model, rows: list[dict]) -> pd.DataFrame:  # type: ignore[no-untyped-def, type-arg]
    spec = columns(model)
    zero = {"text": None, "number": np.nan, "integer": 0, "boolean": False, "date": pd.NaT}
    fill = {
        "TRGRESP": "SD",
        "NTRGRESP": "NA",
        "NEWLPROG": "N",
        "REASON": "-",
        "BOR_SHORT_SD": "SD",
        "CBOR_SHORT_SD": "SD",
        "EVNTDESC": "-",
        "SRCDOM": "-",
        "SRCVAR": "-",
    }
    return conform(
        model,
        pd.DataFrame(
            [{c: r.get(c, fill.get(c, zero[m["dtype"]])) for c, m in spec.items()} for r in rows],
            columns=list(spec),
        ),
    )


def trial(n: int, seed: int = 1) -> Trial:
    """A trial of ``n`` treated subjects."""
    rng = np.random.default_rng(seed)
    dosing, people, visits, best, times, events = [], [], [], [], [], []
    for i in range(n):
        who = f"SURU-HCC-{101 + i // 30}-{i % 30 + 1:03d}"
        start = dt.date(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 300)))
        days = int(min(rng.exponential(200) + 30, (CUTOFF - start).days))
        going = rng.random() < 0.25
        pause = int(rng.integers(20, 60))
        day = dt.timedelta(days=1)
        if going:
            days = (CUTOFF - start).days
        if rng.random() < 0.4 and days > pause + 30:
            dosing += [
                (who, 300, str(start), str(start + (pause - 1) * day)),
                (who, 0, str(start + pause * day), str(start + (pause + 9) * day)),
            ]
            dosing.append(
                (
                    who,
                    250,
                    str(start + (pause + 10) * day),
                    None if going else str(start + days * day),
                )
            )
        else:
            dosing.append((who, 300, str(start), None if going else str(start + days * day)))
        died = not going and rng.random() < 0.4
        death = min(start + (days + int(rng.integers(5, 120))) * day, CUTOFF)
        people.append({"USUBJID": who} | ({"DTHDTC": str(death), "DTHFL": "Y"} if died else {}))
        change, words = 0.0, []
        for visit in range(1, max(2, days // 42) + 1):
            change = max(-100.0, change + rng.normal(-4, 16))
            word = (
                "PD" if change > 20 else "CR" if change <= -100 else "PR" if change <= -30 else "SD"
            )
            words.append(word)
            when = pd.Timestamp(start + visit * 42 * day)
            visits.append(
                {
                    "USUBJID": who,
                    "EVALUATOR": "INVESTIGATOR",
                    "CRITERION": "RECIST 1.1",
                    "VISITNUM": visit,
                    "ADT": when,
                    "PCHG_BASE": change,
                    "SUMDIAM": 50.0,
                    "OVRLRESP": word,
                }
            )
            if word == "PD":
                break
        changes = [v["PCHG_BASE"] for v in visits if v["USUBJID"] == who]
        bor = next((w for w in ("CR", "PR", "SD", "PD") if w in words), "NE")
        cbor = "SD" if bor in ("CR", "PR") and words.count(bor) < 2 else bor
        best.append(
            {
                "USUBJID": who,
                "EVALUATOR": "INVESTIGATOR",
                "CRITERION": "RECIST 1.1",
                "BOR": bor,
                "CBOR": cbor,
                "BEST_PCHG": min(changes) if rng.random() > 0.06 else np.nan,
            }
        )
        for parameter, until, hit in (
            ("PFS_TP", days, "PD" in words or died),
            ("OS", (death - start).days + 1 if died else (CUTOFF - start).days + 1, died),
        ):
            end = pd.Timestamp(start + (max(until, 1) - 1) * day)
            times.append(
                {
                    "USUBJID": who,
                    "CRITERION": "RECIST 1.1",
                    "PARAMCD": parameter,
                    "STARTDT": pd.Timestamp(start),
                    "ADT": end,
                    "AVAL": float(max(until, 1)),
                    "CNSR": int(not hit),
                }
            )
        for _ in range(int(rng.poisson(5))):
            term = int(min(rng.geometric(0.09) - 1, len(_TERMS) - 1))
            grade = rng.choice(["1", "2", "3", "4", "5", None], p=[0.4, 0.3, 0.2, 0.05, 0.01, 0.04])
            onset = start + int(rng.integers(0, max(days, 1))) * day
            events.append(
                {
                    "USUBJID": who,
                    "AEDECOD": _TERMS[term],
                    "AEBODSYS": f"Class {term % 7}",
                    "AESTDTC": str(onset),
                    "AETOXGR": grade,
                }
            )
    ex = exposure(*dosing)
    dm = subjects(ex, *people)
    ae = adverse_events(*events)
    config = StudyConfig()
    return Trial(
        dm,
        ex,
        ae,
        _table(Responses, visits),
        _table(BestResponses, best),
        _table(TimeToEvent, times),
        ae_summary(dm, ex, ae, config, cutoff=CUTOFF),
        exposure_summary(dm, ex, config, cutoff=CUTOFF),
        course_of(dm, ex, config, CUTOFF),
    )
