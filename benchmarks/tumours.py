"""Annotation and malignancy on biopsies simulated from real profiles (`simulate.real_world`): worst
class first, and what the structures of tumours do to the calls.

Run ``python -m benchmarks.tumours``; ``compare()`` gives the table to other benchmarks. The
profiles come from the studies that the annotation knows, moved by as much as these differ from each
other: the figures guard against defects and are no accuracy.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from anndata import AnnData

from hcc_assets.cells.calling.annotation import Annotation, annotate
from hcc_assets.cells.malignancy.decision import call_malignancy
from hcc_assets.cells.pseudobulk import at_prevalence
from hcc_assets.cells.quality.assessment import QcResult, assess
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.simulate.cells import SimulatedSample
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.simulate.real_states import ISLET
from hcc_assets.simulate.real_world import RealWorld, make_real_world
from hcc_assets.study.classes import BLOOD_ELEMENTS, CELL_CLASSES, IMMUNE_CLASSES, UNASSIGNED
from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()
NOVEL = "novel"
_KEPT = ("pass", *BLOOD_ELEMENTS)
_HALF_CELL = 0.5  # added to both counts of a log ratio: our choice, the usual half


@dataclass(frozen=True)
class Called:
    """One simulated biopsy: truth, calls, quality and annotation, rows in the same order."""

    patient: int
    timepoint: str
    kind: str
    truth: pd.DataFrame
    found: Annotation

    @property
    def single(self) -> npt.NDArray[np.bool_]:
        """Single undamaged cells that pass quality control."""
        kept = self.found.calls["qc_status"].isin(_KEPT)
        return (~self.truth["doublet"] & ~self.truth["damaged"]).to_numpy() & kept.to_numpy()


def cohort(
    world: RealWorld, patients: Iterable[int], cells: int, seed: int = 0
) -> list[tuple[int, str, AnnData, QcResult, pd.DataFrame]]:
    """Biopsies before and under treatment of some patients, with their quality and truth."""
    out = []
    for p in patients:
        who = world.patient(p)
        for timepoint in ("pre", "post"):
            drawn = simulate_real_sample(world, who, timepoint, cells, seed)
            counts = _as_counts(drawn)
            out.append((p, timepoint, counts, assess(counts, CONFIG), drawn.truth))
    return out


def _as_counts(drawn: SimulatedSample) -> AnnData:
    var = drawn.genes[["gene_id", "gene"]].set_index("gene_id", drop=False).rename_axis(None)
    return AnnData(drawn.counts, obs=pd.DataFrame(index=drawn.barcodes.astype(str)), var=var)


def called(
    world: RealWorld, patients: Iterable[int], cells: int, seed: int = 0
) -> tuple[Reference, list[Called]]:
    """The real way: quality, a reference of the cohort without labels, annotation; the copy-number
    profile from before treatment is known after it."""
    samples = cohort(world, patients, cells, seed)

    def given(p: int, t: str, counts: AnnData, qc: QcResult) -> SampleInput:
        return SampleInput(f"P{p:02d}-{t}", lambda: (counts, qc), f"P{p:02d}")

    reference = build_reference([given(p, t, c, q) for p, t, c, q, _ in samples], CONFIG)
    out: list[Called] = []
    profiles: dict[int, list[pd.Series]] = {}
    for p, t, counts, qc, truth in samples:
        found = annotate(counts, qc, reference, CONFIG, subject_profiles=profiles.get(p, []))
        if found.profile is not None:
            profiles.setdefault(p, []).append(found.profile)
        out.append(Called(p, t, world.patient(p).tumour.kind, truth, found))
    return reference, out


def per_class(samples: list[Called]) -> pd.DataFrame:
    """Cells, recall, precision, F1 and the commonest wrong call of each class, worst recall
    first."""
    true = np.concatenate([s.truth["cell_class"].to_numpy(dtype=object)[s.single] for s in samples])
    call = np.concatenate(
        [s.found.calls["cell_class"].to_numpy(dtype=object)[s.single] for s in samples]
    )
    rows = []
    for name in sorted(set(true) - {NOVEL}):
        mine, said = true == name, call == name
        right = int((mine & said).sum())
        wrong = pd.Series(call[mine & ~said]).value_counts()
        rows.append(
            {
                "class": name,
                "cells": int(mine.sum()),
                "recall": right / mine.sum(),
                "precision": right / max(said.sum(), 1),
                "f1": 2 * right / (mine.sum() + said.sum()),
                "mostly": f"{wrong.index[0]} {wrong.iloc[0]}" if len(wrong) else "",
            }
        )
    return pd.DataFrame(rows).sort_values(["recall", "class"]).reset_index(drop=True)


def _proportions(sample: Called) -> tuple[pd.Series, pd.Series]:
    """True share of each class (single cells) and the share as published: sums of posteriors at the
    prevalence of the sample, without blood."""
    names = [c for c in CELL_CLASSES if c not in (*BLOOD_ELEMENTS, UNASSIGNED)]
    single = ~(sample.truth["doublet"] | sample.truth["damaged"])
    true = sample.truth["cell_class"][single].value_counts().reindex(names, fill_value=0)
    kept = (sample.found.calls["qc_status"] == "pass").to_numpy()
    shares = at_prevalence(sample.found.shares, kept)
    soft = pd.Series(shares[kept].sum(axis=0), index=CELL_CLASSES)[names]
    return true.astype(float), soft


def composition_error(samples: list[Called]) -> float:
    """Half the sum of absolute differences of the shares, mean over samples."""
    out = []
    for sample in samples:
        true, soft = _proportions(sample)
        out.append(0.5 * float((true / true.sum() - soft / soft.sum()).abs().sum()))
    return float(np.mean(out))


def change_bias(samples: list[Called], least: int = 20) -> pd.DataFrame:
    """Mean over patients of the log2 change of each class's share as counted, less the true one;
    patients with fewer cells of the class than ``least`` in both biopsies together are left out."""
    by = {(s.patient, s.timepoint): _proportions(s) for s in samples}
    rows = []
    for name in CELL_CLASSES:
        off = []
        for p in sorted({s.patient for s in samples}):
            (a, x), (b, y) = by[p, "pre"], by[p, "post"]
            if name not in a.index or a[name] + b[name] < least or min(a[name], b[name]) < 5:
                continue
            off.append(_change(x, y, name) - _change(a, b, name))
        if off:
            rows.append({"class": name, "patients": len(off), "bias": float(np.mean(off))})
    out = pd.DataFrame(rows, columns=["class", "patients", "bias"])
    return out.sort_values("bias", key=np.abs, ascending=False).reset_index(drop=True)


def _change(before: pd.Series, after: pd.Series, name: str) -> float:
    first = (before[name] + _HALF_CELL) / (before.sum() + 1)
    return float(np.log2((after[name] + _HALF_CELL) / (after.sum() + 1) / first))


def by_patient(samples: list[Called]) -> pd.DataFrame:
    """Per biopsy: kind of tumour, share of tumour cells called tumour and left unassigned, and of
    hepatocytes called tumour."""
    rows = []
    for s in samples:
        call = s.found.calls["cell_class"].to_numpy(dtype=object)
        true = s.truth["cell_class"].to_numpy(dtype=object)
        tumour, normal = s.single & (true == "tumour"), s.single & (true == "hepatocyte")
        rows.append(
            {
                "patient": s.patient,
                "timepoint": s.timepoint,
                "kind": s.kind,
                "tumour": int(tumour.sum()),
                "called_tumour": _share(call[tumour] == "tumour"),
                "unassigned": _share(call[tumour] == UNASSIGNED),
                "hepatocytes": int(normal.sum()),
                "false_tumour": _share(call[normal] == "tumour"),
                "by_copy_number": s.found.profile is not None,
            }
        )
    return pd.DataFrame(rows)


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def summary(samples: list[Called], name: str) -> dict[str, object]:
    """One row: the figures of a case."""
    table, people = per_class(samples), by_patient(samples)
    call = np.concatenate([s.found.calls["cell_class"].to_numpy(dtype=object) for s in samples])
    true = np.concatenate([s.truth["cell_class"].to_numpy(dtype=object) for s in samples])
    single = np.concatenate([s.single for s in samples])
    novel, known = single & (true == NOVEL), single & (true != NOVEL)
    bias = change_bias(samples)
    normal = single & (true == "hepatocyte")
    return {
        "case": name,
        "worst_recall": float(table["recall"].iloc[0]),
        "worst_class": str(table["class"].iloc[0]),
        "macro_f1": float(table["f1"].mean()),
        "composition_error": composition_error(samples),
        "known_lost": _share(call[known] == UNASSIGNED),
        "novel_unassigned": _share(call[novel] == UNASSIGNED),
        "bias": float(bias["bias"].abs().max()) if len(bias) else float("nan"),
        "bias_class": str(bias["class"].iloc[0]) if len(bias) else "",
        "false_tumour": _share(call[normal] == "tumour"),
        "tumour_unassigned_worst": float(people["unassigned"].max()),
    }


def bad_twin(
    world: RealWorld, patients: Iterable[int], cells: int, seed: int = 1
) -> list[dict[str, object]]:
    """Malignancy alone, with the true lineages, where the only normal cells are immune: share of
    hepatocytes called malignant and of tumour cells found, with and without tumour in the
    biopsy."""
    rows = []
    alone = dict.fromkeys(
        ("fibroblast", "vascular_endothelial", "lymphatic_endothelial", "cholangiocyte"), -np.inf
    )
    for p in patients:
        for with_tumour in (True, False):
            shift = alone if with_tumour else {**alone, "tumour": -np.inf, "hepatocyte": 1.5}
            drawn = simulate_real_sample(world, p, "pre", cells, seed, shift=shift)
            single = ~(drawn.truth["doublet"] | drawn.truth["damaged"]).to_numpy()
            true = drawn.truth["cell_class"].to_numpy(dtype=object)
            # who knows the lineage alone cannot tell a tumour from its hepatocytes
            lineage = np.where(true == "tumour", "hepatocyte", true)
            kept = single & np.isin(lineage, ("hepatocyte", *IMMUNE_CLASSES))
            malignant = (
                call_malignancy(drawn.counts[kept], drawn.genes, lineage[kept])
                .calls["malignant"]
                .to_numpy()
            )
            rows.append(
                {
                    "patient": p,
                    "kind": world.patient(p).tumour.kind if with_tumour else "no tumour",
                    "hepatocytes": int((true[kept] == "hepatocyte").sum()),
                    "false_malignant": _share(malignant[true[kept] == "hepatocyte"]),
                    "malignant_found": _share(malignant[true[kept] == "tumour"]),
                }
            )
    return rows


CASES = {
    "as it comes": RealSettings(),
    "30 % ambient": RealSettings(ambient=0.28, ambient_high=0.32, haemoglobin=0.15),
    "depth 0.35": RealSettings(umi_scale=0.35),
    "unknown type (islet-like)": RealSettings(novel=ISLET),
    "unknown type (ciliated)": RealSettings(novel="epithelium/ciliated"),
    "B and mast gone after": RealSettings(absent_after=("B", "mast")),
    "no change of markers": RealSettings(target_effect=0.0, expression_effect=0.0),
}
"""What is simulated, by name."""


def compare(
    patients: int = 8,
    cells: int = 900,
    seeds: Iterable[int] = (31,),
    cases: Iterable[str] = tuple(CASES),
) -> pd.DataFrame:
    """A row per case and seed."""
    rows = []
    for seed in seeds:
        for name in cases:
            settings = CASES[name]
            _, samples = called(make_real_world(seed, settings), range(patients), cells)
            rows.append(summary(samples, name) | {"seed": seed})
    return pd.DataFrame(rows)


def main() -> None:
    """Print all tables, worst first."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    world = make_real_world(31)
    _, samples = called(world, range(8), 900)
    for table in (per_class(samples), change_bias(samples), by_patient(samples)):
        print(table.round(3).to_string(index=False), end="\n\n")
    print(pd.DataFrame(bad_twin(world, range(8), 900)).round(3).to_string(index=False), end="\n\n")
    table = compare(seeds=(31, 32))
    print(table.sort_values("worst_recall").round(3).to_string(index=False))


if __name__ == "__main__":
    main()
