"""Time of the clinical derivations in one process: ``python -m benchmarks.performance.clinical
endpoints SUBJECTS`` or ``safety ROWS``.

Prints CPU seconds of the derivation (imports and making the data left out) and, as a yardstick, of
reading the same rows from a CSV file as text. Method: 12 visits after baseline and 5 lesions a
subject for the endpoints; ten adverse events a subject for safety.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime as dt
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.endpoints import START, big_trial, complete
from hcc_assets.clinical.endpoints.best_response import derive_best_responses, response_rates
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.clinical.safety.summaries import ae_summary
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas import clinical as tables
from hcc_assets.schemas.base import columns, empty
from hcc_assets.stats.kaplan_meier import summarise
from hcc_assets.study.config import StudyConfig

CUTOFF = dt.date(2026, 1, 1)
EVENTS_PER_SUBJECT = 10
TERMS, CLASSES = 400, 26


def safety_trial(rows: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Subjects, one dosing record each, and adverse events."""
    rng = np.random.default_rng(seed)
    n = max(rows // EVENTS_PER_SUBJECT, 1)
    names = np.array([f"S{i:07d}" for i in range(n)], dtype=object)
    end = START + pd.Timedelta(days=300)
    people = pd.DataFrame(
        {"USUBJID": names, "TRTSDT": START, "TRTEDT": end, "SRCROW": np.arange(1, n + 1)}
    )
    doses = pd.DataFrame(
        {
            "USUBJID": names,
            "EXTRT": "SURUFATINIB",
            "EXDOSE": 300.0,
            "EXDOSU": "mg",
            "EXSTDT": START,
            "EXENDT": end,
        }
    )
    doses = doses.assign(
        EXSTDTC="2024-01-01", EXENDTC=end.strftime("%Y-%m-%d"), SRCROW=np.arange(1, n + 1)
    )
    term = rng.integers(0, TERMS, rows)
    start = START + pd.to_timedelta(rng.integers(0, 300, rows), unit="D")
    text = {
        "AEDECOD": np.array([f"Term {i:03d}" for i in range(TERMS)], dtype=object)[term],
        "AEBODSYS": np.array([f"Class {i:02d}" for i in range(CLASSES)], dtype=object)[
            term % CLASSES
        ],
        "AEOUT": rng.choice(
            np.array(["RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED", "UNKNOWN"], dtype=object),
            rows,
        ),
        "AEREL": rng.choice(np.array(["RELATED", "NOT RELATED"], dtype=object), rows),
        "AESER": rng.choice(np.array(["Y", "N"], dtype=object), rows, p=[0.1, 0.9]),
        "AEACN": rng.choice(
            np.array(
                ["DOSE NOT CHANGED", "DRUG INTERRUPTED", "DOSE REDUCED", "DRUG WITHDRAWN"],
                dtype=object,
            ),
            rows,
        ),
    }
    events = pd.DataFrame(
        {
            "USUBJID": names[np.arange(rows) % n],
            **text,
            "AESTDTC": start.strftime("%Y-%m-%d"),
            "AESTDT": start,
        }
    )
    grade = columns(tables.AdverseEvents)["AETOXGR"]["dtype"]
    grades = rng.integers(1, 6, rows)
    events = events.assign(
        AETOXGR=grades.astype(float) if grade == "number" else grades.astype(str).astype(object)
    )
    events = events.assign(AESEQ=np.arange(rows, dtype=float), SRCROW=np.arange(1, rows + 1))
    return (
        complete(tables.Subjects, people),
        complete(tables.Exposure, doses),
        complete(tables.AdverseEvents, events),
    )


def endpoints(subjects: int) -> tuple[Callable[[], object], pd.DataFrame]:
    """The derivation of all efficacy endpoints, ready to run, and the rows that it reads."""
    config, records = StudyConfig(), empty(tables.Disposition)
    people, rows = big_trial(subjects)

    def derive() -> None:
        responses = derive_responses(people, rows, config)
        response_rates(derive_best_responses(people, rows, responses, records, config))
        summarise(derive_time_to_event(people, rows, responses, records, config), config)

    return derive, rows


def safety(rows: int) -> tuple[Callable[[], object], pd.DataFrame]:
    """The summary of adverse events, ready to run, and the rows that it reads."""
    people, doses, events = safety_trial(rows)
    config, records = StudyConfig(), empty(tables.Disposition)

    def derive() -> None:
        course = treatment_course(people, doses, records, config, cutoff=CUTOFF)
        ae_summary(people, course, events, config, cutoff=CUTOFF)

    return derive, events


def reading_seconds(rows: pd.DataFrame) -> float:
    """CPU seconds of reading the rows from a CSV file as text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        rows.to_csv(path, index=False)
        started = time.process_time()
        pd.read_csv(path, dtype=str)
        return time.process_time() - started


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["endpoints", "safety"])
    parser.add_argument("size", type=int)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    kinds = {"endpoints": endpoints, "safety": safety}
    small, _ = kinds[given.what](20)
    small()
    work, rows = kinds[given.what](given.size)
    yardstick = reading_seconds(rows)
    profile = cProfile.Profile()
    started = time.process_time()
    if given.profile:
        profile.runcall(work)
        profile.dump_stats(given.profile)
    else:
        work()
    print(
        json.dumps(
            {
                "work_cpu_s": time.process_time() - started,
                "reading_cpu_s": yardstick,
                "rows": len(rows),
            }
        )
    )


if __name__ == "__main__":
    main()
