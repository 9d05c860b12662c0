"""Designs in which the treatment goes with how samples were made, and clean ones: how many of each
are flagged, by a declared factor and by what all classes share (``expression``).

Run ``python -m benchmarks.confounding`` or call ``compare``. A clean design has factors dealt out
at random and classes that share a part of their response to treatment (median correlation of
unrelated classes .2 to .5, as without a change of chemistry in SINGLE_CELL.md, section 6); in a
confounded one chemistry, run or operator changes with the timepoint, or every gene moves with the
batch in all classes alike and nobody declared it. It guards against regressions and is no evidence
about real batches.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from anndata import AnnData

from hcc_assets.stats.design_confounding import EXPRESSION, design_confounding
from hcc_assets.study.config import StudyConfig

CLASSES = ("T", "macrophage", "tumour", "fibroblast", "vascular_endothelial")
GENES = 1500
DECLARED = ("chemistry", "sequencing_run", "operator")
CONFIG = StudyConfig()


def sheet(rng: np.random.Generator, patients: int, confounded: str | None = None) -> pd.DataFrame:
    """Rows of ``samples.csv``: factors of two to four levels at random, or one that changes with
    the timepoint."""
    table = pd.DataFrame(
        [
            {"sample_id": f"P{i}-{t}", "subject_id": f"P{i}", "timepoint": t}
            for i in range(patients)
            for t in ("pre", "post")
        ]
    )
    for name, levels in zip(DECLARED, (2, 4, 3), strict=True):
        table[name] = rng.choice([f"{name} {i}" for i in range(levels)], len(table))
    if confounded:
        table[confounded] = np.where(table["timepoint"] == "pre", "old", "new")
    return table


def sums(rng: np.random.Generator, samples: pd.DataFrame, batch: float) -> dict[str, AnnData]:
    """Class sums of each sample. Classes answer to treatment each in its own way (log sd .3), in a
    twentieth of the genes all alike (.8), and to the batch all alike in every gene (``batch``)."""
    base = rng.lognormal(0, 1.2, (len(CLASSES), GENES))
    shared = rng.normal(0, batch, GENES)
    response = rng.normal(0, 0.8, GENES) * (rng.random(GENES) < 0.05)
    own = rng.normal(0, 0.3, (len(CLASSES), GENES))
    ids = [f"G{i:04d}" for i in range(GENES)]
    var = pd.DataFrame({"gene_id": ids, "gene": ids}, index=ids)
    found = {}
    for row in samples.itertuples():
        after = float(row.timepoint == "post")
        patient = rng.normal(0, 0.3, (len(CLASSES), GENES))
        rate = base * np.exp(patient + after * (shared + response + own))
        rate = rate / rate.sum(axis=1, keepdims=True) * 400_000
        obs = pd.DataFrame({"cell_class": CLASSES, "n_cells": 200}, index=list(CLASSES))
        found[str(row.sample_id)] = AnnData(rng.poisson(rate).astype(float), obs=obs, var=var)
    return found


def compare(
    *, designs: int = 40, patients: tuple[int, int] = (6, 11), seed: int = 7
) -> pd.DataFrame:
    """The table.

    Returns
    -------
    pandas.DataFrame
        ``factor`` (declared, expression), ``design`` (confounded, clean), ``designs``, ``flagged``
        (share that is not CLEAR), ``confounded`` (share CONFOUNDED), ``statistic_lowest,
        statistic_highest``.
    """
    rows = []
    for kind in ("confounded", "clean"):
        bad = kind == "confounded"
        declared, label_free = [], []
        for i in range(designs):
            rng = np.random.default_rng([seed, bad, i])
            n = int(rng.integers(*patients))
            samples = sheet(rng, n, DECLARED[i % len(DECLARED)] if bad else None)
            table = design_confounding(samples, {}, CONFIG)
            declared.append(table[table["factor"] != EXPRESSION])
            plain = sheet(rng, n)
            batch = float(rng.uniform(0.5, 0.9)) if bad else 0.0
            table = design_confounding(plain, sums(rng, plain, batch), CONFIG)
            label_free.append(table[table["factor"] == EXPRESSION])
        for name, tables in (("declared", declared), (EXPRESSION, label_free)):
            statistic = np.array([t["statistic"].max() for t in tables], dtype=float)
            rows.append(
                {
                    "factor": name,
                    "design": kind,
                    "designs": designs,
                    "flagged": np.mean([t["verdict"].ne("CLEAR").any() for t in tables]),
                    "confounded": np.mean([t["verdict"].eq("CONFOUNDED").any() for t in tables]),
                    "statistic_lowest": statistic.min(),
                    "statistic_highest": statistic.max(),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", type=int, default=40)
    print(compare(designs=parser.parse_args().designs).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
