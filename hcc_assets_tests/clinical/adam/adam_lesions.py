"""Lesion rows of the small trial behind the ADaM tests. No assertions here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hcc_assets.schemas.base import columns, conform
from hcc_assets.schemas.clinical import TumourAssessments


def lesions() -> pd.DataFrame:
    spec = columns(TumourAssessments)
    plan: dict[str, list[tuple[str, tuple[int | None, ...]]]] = {
        "S1": [
            ("2023-12-20", (30, 20)),
            ("2024-02-12", (20, 10)),
            ("2024-03-25", (15, 8)),
            ("2024-05-06", (40, 30)),
        ],
        "S2": [("2023-12-28", (50, 25)), ("2024-02-15", (50, None)), ("2024-03-28", (49, 25))],
        "S3": [("2023-12-28", (12, 11))],
    }
    rows: list[dict[str, Any]] = []
    for who, visits in plan.items():
        for number, (date, sizes) in enumerate(visits):
            for lesion, size in enumerate(sizes, start=1):
                rows.append(
                    {
                        "USUBJID": who,
                        "EVALUATOR": "INVESTIGATOR",
                        "CRITERION": "RECIST 1.1",
                        "VISITNUM": float(number),
                        "VISIT": "SCREENING" if number == 0 else f"WEEK {6 * number}",
                        "TRDTC": date,
                        "TRDT": pd.Timestamp(date),
                        "TRLNKID": f"T{lesion:02d}",
                        "TRGRPID": "TARGET",
                        "TULOC": "LIVER",
                        "TRTESTCD": "LDIAM",
                        "TRORRES": None if size is None else str(size),
                        "TRORRESU": "mm",
                        "TRSTAT": "NOT DONE" if size is None else None,
                        "BASELINE": number == 0,
                        "SRCROW": len(rows) + 1,
                    }
                )
    frame = pd.DataFrame([{c: r.get(c) for c in spec} for r in rows], columns=list(spec))
    return conform(TumourAssessments, frame)
