"""Time of the efficacy endpoints: 1,000 subjects with 12 visits and 5 lesions, and ten times as
many. Run: ``python -m benchmarks.endpoints``.

The vectorised path: result texts are parsed once per distinct text into exact integers
(``recist_arithmetic.Scale``, ``int64``), sums are scattered with ``np.add.at``, the smallest
earlier sum walks over visit positions for all subjects at once, and responses are column
comparisons. The second data set has texts with 20 decimals, which take the same path on Python
integers.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.best_response import derive_best_responses, response_rates
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.schemas import clinical as tables
from hcc_assets.schemas.base import columns, empty
from hcc_assets.stats.kaplan_meier import summarise
from hcc_assets.study.config import StudyConfig

START = pd.Timestamp("2024-01-01")


def complete(model: type[tables.Table], frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that are not needed, as nulls."""
    blank: dict[str, Any] = {
        "number": np.nan,
        "date": pd.NaT,
        "text": None,
        "boolean": False,
        "integer": 1,
    }
    return frame.assign(
        **{c: blank[m["dtype"]] for c, m in columns(model).items() if c not in frame}
    )[list(columns(model))]


def big_trial(
    n_subjects: int, n_visits: int = 12, n_lesions: int = 5, decimals: int = 1, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Subjects and lesion rows (one per subject, visit and lesion, baseline included)."""
    rng = np.random.default_rng(seed)
    visits = np.arange(n_visits + 1)
    subject, visit, lesion = (
        a.ravel()
        for a in np.meshgrid(np.arange(n_subjects), visits, np.arange(n_lesions), indexing="ij")
    )
    names = np.array([f"S{i:06d}" for i in range(n_subjects)], dtype=object)
    date = START + pd.to_timedelta(np.where(visit == 0, -10, visit * 42), unit="D")
    rows = pd.DataFrame(
        {
            "USUBJID": names[subject],
            "EVALUATOR": "INVESTIGATOR",
            "CRITERION": "RECIST 1.1",
            "VISITNUM": visit.astype(float),
            "VISIT": np.where(visit == 0, "SCREENING", "TUMOUR"),
            "TRDTC": date.strftime("%Y-%m-%d"),
            "TRDT": date,
            "TRLNKID": np.array([f"T{i + 1:02d}" for i in range(n_lesions)], dtype=object)[lesion],
            "TRGRPID": "TARGET",
            "TULOC": "LIVER",
            "TRTESTCD": "LDIAM",
            "TRORRES": [f"{v:.{decimals}f}" for v in rng.uniform(5, 60, len(subject))],
            "TRORRESU": "mm",
            "BASELINE": visit == 0,
            "SRCROW": np.arange(1, len(subject) + 1),
        }
    )
    people = pd.DataFrame({"USUBJID": names, "TRTSDT": START})
    return complete(tables.Subjects, people), complete(tables.TumourAssessments, rows)


def measure(n_subjects: int, decimals: int = 1) -> dict[str, Any]:
    """Seconds of each step on one data set."""
    config, records = StudyConfig(), empty(tables.Disposition)
    people, rows = big_trial(n_subjects, decimals=decimals)
    clock = [time.perf_counter()]
    responses = derive_responses(people, rows, config)
    clock.append(time.perf_counter())
    best = derive_best_responses(people, rows, responses, records, config)
    response_rates(best)
    clock.append(time.perf_counter())
    summarise(derive_time_to_event(people, rows, responses, records, config), config)
    clock.append(time.perf_counter())
    steps = dict(
        zip(
            ("responses_s", "best_responses_s", "time_to_event_s"),
            np.diff(clock).round(2).tolist(),
            strict=True,
        )
    )
    return {
        "subjects": n_subjects,
        "lesion_rows": len(rows),
        "visits": len(responses),
        "decimals": decimals,
        **steps,
        "all_s": round(clock[-1] - clock[0], 2),
    }


def main() -> None:
    for n_subjects, decimals in ((100, 1), (1_000, 1), (1_000, 20), (10_000, 1)):
        print(json.dumps(measure(n_subjects, decimals)))


if __name__ == "__main__":
    main()
