"""Annotation: macro-F1, per class, composition error, unassigned and novel cells, with and without
a labelled reference, on simulated cohorts and real blood.

Run ``python -m benchmarks.annotation``; ``compare()`` gives the table to other benchmarks. Figures
from a simulation guard against regressions and are no evidence of clinical accuracy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData, concat

from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.quality.assessment import QcResult, assess
from hcc_assets.cells.reading.tenx import find_matrix, read_counts
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.study.classes import BLOOD_ELEMENTS, CELL_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig

BLOOD = Path(__file__).resolve().parents[1] / "../shared/data/pbmc4k"
CORE = tuple(
    c for c in CELL_CLASSES if c not in ("lymphatic_endothelial", *BLOOD_ELEMENTS, UNASSIGNED)
)
"""The 14 classes that are common enough to be judged in a cohort of a few patients."""
CONFIG = StudyConfig()


@dataclass(frozen=True)
class Sample:
    """One simulated biopsy with its quality and truth."""

    sample_id: str
    subject_id: str
    counts: AnnData
    qc: QcResult
    truth: pd.DataFrame


def cohort(
    setting: str, patients: Iterable[int], cells: int, seed: int, novel: float = 0.0
) -> list[Sample]:
    """Biopsies before and under treatment of some patients of one world."""
    world = make_world(seed, replace(SimulationSettings.named(setting), novel=novel))
    out = []
    for p in patients:
        for timepoint in ("pre", "post"):
            drawn = simulate_sample(world, p, timepoint, cells, 0)
            var = (
                drawn.genes[["gene_id", "gene"]].set_index("gene_id", drop=False).rename_axis(None)
            )
            counts = AnnData(
                drawn.counts, obs=pd.DataFrame(index=drawn.barcodes.astype(str)), var=var
            )
            out.append(
                Sample(
                    f"P{p:02d}-{timepoint}",
                    f"P{p:02d}",
                    counts,
                    assess(counts, CONFIG),
                    drawn.truth,
                )
            )
    return out


def free_reference(samples: list[Sample]) -> Reference:
    """Reference of the cohort itself."""
    return build_reference(
        [SampleInput(s.sample_id, lambda s=s: (s.counts, s.qc), s.subject_id) for s in samples],
        CONFIG,
    )


def labelled_reference(samples: list[Sample]) -> Reference:
    """Reference from the true labels of single, undamaged cells of known types."""
    parts = []
    for s in samples:
        keep = ~(
            s.truth["doublet"] | s.truth["damaged"] | (s.truth["cell_class"] == "novel")
        ).to_numpy()
        part = s.counts[keep].copy()
        part.obs = pd.DataFrame(
            {
                "cell_class": s.truth["cell_class"].to_numpy()[keep],
                "sample_id": s.sample_id,
                "patient": s.subject_id,
            },
            index=part.obs_names,
        )
        parts.append(part)
    joined = concat(parts, index_unique=":", keys=[s.sample_id for s in samples])
    joined.var = samples[0].counts.var
    return build_reference([], CONFIG, labelled=joined)


def score(reference: Reference, samples: list[Sample], name: str) -> dict[str, object]:
    """One row: accuracy over single, undamaged cells that pass; composition error over all passing
    cells of the sample against true single cells."""
    from sklearn.metrics import f1_score

    truth, calls, error, seconds, strange = [], [], [], 0.0, []
    for s in samples:
        start = time.process_time()
        table = annotate(s.counts, s.qc, reference, CONFIG, sample_id=s.sample_id).calls
        seconds += time.process_time() - start
        true, found = (
            s.truth["cell_class"].to_numpy(dtype=object),
            table["cell_class"].to_numpy(dtype=object),
        )
        single = ~(s.truth["doublet"] | s.truth["damaged"]).to_numpy()
        kept = single & table["qc_status"].isin(["pass", "erythroid", "platelet"]).to_numpy()
        strange.append(found[kept & (true == "novel")] == "unassigned")
        known = kept & (true != "novel")
        truth.append(true[known])
        calls.append(found[known])
        passing = table["qc_status"].to_numpy() == "pass"
        a = (
            pd.Series(true[single & np.isin(true, CORE)])
            .value_counts(normalize=True)
            .reindex(CORE, fill_value=0)
        )
        b = (
            pd.Series(found[passing & np.isin(found, CORE)])
            .value_counts(normalize=True)
            .reindex(CORE, fill_value=0)
        )
        error.append(0.5 * float((a - b).abs().sum()))
    t, c, odd = np.concatenate(truth), np.concatenate(calls), np.concatenate(strange)
    f1 = dict(
        zip(CORE, f1_score(t, c, labels=list(CORE), average=None, zero_division=0), strict=True)
    )
    row: dict[str, object] = {
        "case": name,
        "macro_f1": float(np.mean(list(f1.values()))),
        "accuracy": float((t == c).mean()),
        "unassigned": float((c == "unassigned").mean()),
        "composition_error": float(np.mean(error)),
        "novel_unassigned": float(odd.mean()) if len(odd) else float("nan"),
        "cpu_s_per_1000_cells": seconds / sum(s.counts.n_obs for s in samples) * 1000,
    }
    return row | {f"f1_{k}": float(v) for k, v in f1.items()}


def blood() -> list[dict[str, object]]:
    """Recall of the author's labels in the real PBMC sample, where the shared data are."""
    if not BLOOD.exists():
        return []
    counts = read_counts(find_matrix(BLOOD / "filtered_feature_bc_matrix"))
    qc = assess(counts, CONFIG)
    table = annotate(
        counts,
        qc,
        build_reference([SampleInput("pbmc4k", lambda: (counts, qc))], CONFIG),
        CONFIG,
        sample_id="pbmc4k",
    ).calls
    label = (
        pd.read_csv(BLOOD / "labels.csv")
        .set_index("barcode")["Annotation"]
        .reindex([b.split("-")[0] for b in table["barcode"]])
        .to_numpy()
        .astype(str)
    )
    kept = (table["qc_status"] == "pass").to_numpy()
    groups = {
        "T": (["T_CD4", "T_CD8"], ["T"]),
        "T and NK": (["T_CD4", "T_CD8", "NK"], ["T", "NK"]),
        "B": (["B"], ["B"]),
        "monocyte": (["MNP"], ["monocyte"]),
    }
    out = [
        {"class": n, "recall": float(table["cell_class"][kept & np.isin(label, a)].isin(b).mean())}
        for n, (a, b) in groups.items()
    ]
    wrong = (
        table["cell_class"][kept]
        .isin(["tumour", "hepatocyte", "vascular_endothelial", "lymphatic_endothelial"])
        .mean()
    )
    return [*out, {"class": "called tumour, hepatocyte or endothelial", "recall": float(wrong)}]


def compare(patients: int = 6, cells: int = 1500, seed: int = 21) -> pd.DataFrame:
    """The table: easy and hard setting, without and with labels, on the samples that taught the
    reference and on other patients; and a type that nobody knows."""
    rows = []
    for setting in ("easy", "hard"):
        own, other = (
            cohort(setting, range(patients), cells, seed),
            cohort(setting, range(patients, patients + 2), cells, seed),
        )
        free = free_reference(own)
        rows.append(score(free, own, f"{setting}, no labels, cohort itself"))
        rows.append(score(free, other, f"{setting}, no labels, other patients"))
        rows.append(score(labelled_reference(own), other, f"{setting}, labels, other patients"))
        strange = cohort(setting, range(patients, patients + 2), cells, seed + 1, novel=0.05)
        rows.append(
            score(free_reference(strange), strange, f"{setting}, no labels, 5 % of an unknown type")
        )
        rows.append(
            score(
                labelled_reference(strange), strange, f"{setting}, labels, 5 % of an unknown type"
            )
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Print both tables."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    table = compare()
    print(table.iloc[:, :7].round(4).to_string(index=False))
    print(table.set_index("case").filter(regex="^f1_").round(3).T.to_string())
    print(pd.DataFrame(blood()).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
