"""Tables of a small study with what is hard: ties, all censored, no events, one subject, NE. No
assertions belong here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.schemas.endpoints import OVERALL_WORDS, PARAMETERS
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()


def time_to_event(kind: str, seed: int = 0) -> pd.DataFrame:
    """Times of every parameter: ``plain``, ``ties``, ``censored``, ``events``, ``one`` or
    ``none``."""
    rng = np.random.default_rng(seed)
    rows = []
    for parameter in PARAMETERS:
        n = {"one": 1, "none": 0}.get(kind, 12)
        for i in range(n):
            days = float(rng.integers(1, 6) * 60 if kind == "ties" else rng.integers(2, 400))
            censored = {"censored": 1, "events": 0, "one": 0}.get(kind, int(rng.random() < 0.4))
            rows.append(
                {
                    "USUBJID": f"P{i:03d}",
                    "CRITERION": "RECIST 1.1",
                    "PARAMCD": parameter,
                    "STARTDT": pd.Timestamp("2024-01-08") + pd.Timedelta(days=7 * i),
                    "AVAL": days,
                    "CNSR": censored,
                }
            )
    columns = ["USUBJID", "CRITERION", "PARAMCD", "STARTDT", "AVAL", "CNSR"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["STARTDT"] = pd.to_datetime(frame["STARTDT"])
    frame["ADT"] = frame["STARTDT"] + pd.to_timedelta(frame["AVAL"] - 1, unit="D")
    return frame


def best_responses(words: list[str]) -> pd.DataFrame:
    """A subject for each word, which is its unconfirmed and, without CR and PR, its confirmed best
    response; every third is not evaluable."""
    return pd.DataFrame(
        {
            "USUBJID": [f"P{i:03d}" for i in range(len(words))],
            "CRITERION": "RECIST 1.1",
            "BOR": words,
            "CBOR": ["SD" if w in ("CR", "PR") else w for w in words],
            "BOR_SHORT_SD": ["SD" if w == "NE" else w for w in words],
            "CBOR_SHORT_SD": ["SD" if w in ("CR", "PR") else w for w in words],
            "CB24": [w in ("CR", "SD") for w in words],
            "CB24_WINDOW": [w in ("CR", "SD", "NE") for w in words],
            "EVALUABLE": [i % 3 > 0 for i in range(len(words))],
            "BLOCKED": [w == "NE" for w in words],
        }
    )


ALL_WORDS = [*OVERALL_WORDS, "PR", "SD", "SD", "PD", "NE", "PR"]


def compositions(n: int = 9) -> dict[str, Any]:
    """Samples and counts of patients of whom two have no second biopsy, one pair in two tissues, a
    biopsy of two samples, and a class that half of them never have."""
    samples = make_samples(n, unpaired=2)
    more = samples[samples["subject_id"] == "P005"].assign(
        sample_id=lambda f: f["sample_id"] + "-lung", tissue="LUNG"
    )
    needle = samples[samples["sample_id"] == "S006-pre"].assign(sample_id="S006-pre-b")
    samples = pd.concat([samples, more, needle], ignore_index=True)
    counts = make_counts(samples, effects={"T": 0.8})
    owner = samples.set_index("sample_id")["subject_id"]
    never = counts["sample_id"].map(owner).isin(["P002", "P003", "P004", "P007"])
    counts.loc[never & (counts["cell_class"] == "mast"), "n_cells"] = 0
    return {"samples": samples, "counts": counts}


def programs(subjects: int = 14, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and changes of two programs in one class, one of them with ties."""
    rng = np.random.default_rng(seed)
    scores, changes = [], []
    for i in range(subjects):
        for program in ("interferon", "rounded"):
            values = rng.normal(0, 1, 3)
            values = values.round() if program == "rounded" else values
            shared = {
                "subject_id": f"P{i:03d}",
                "cell_class": "T",
                "program": program,
                "contrast": "pre>post",
            }
            scores += [
                shared | {"timepoint": "pre", "score": values[0]},
                shared | {"timepoint": "post", "score": values[1]},
            ]
            changes.append(shared | {"delta": values[2]})
    return pd.DataFrame(scores), pd.DataFrame(changes)
