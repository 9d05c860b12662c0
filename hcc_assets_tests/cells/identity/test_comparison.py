"""Swaps, doubles and wrong dates are suspected; honest samples are not."""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from hcc_assets.cells.identity.comparison import sample_identity
from hcc_assets.cells.identity.fingerprint import (
    content_digest,
    expressed_sex,
    fingerprint,
    overlaps,
)
from hcc_assets.cells.malignancy.decision import call_malignancy
from hcc_assets.simulate.cells import (
    SimulatedSample,
    SimulationSettings,
    make_world,
    simulate_sample,
)
from hcc_assets.study.classes import CELL_CLASSES


@dataclass
class Cohort:
    """Five subjects, two biopsies each, and what the checks are given."""

    samples: pd.DataFrame
    subjects: pd.DataFrame
    exposure: pd.DataFrame
    cells: dict[str, SimulatedSample]
    fingerprints: dict[str, pd.DataFrame]
    profiles: dict[str, pd.Series | None]
    pseudobulks: dict[str, anndata.AnnData]

    def judge(self, **changed: object) -> tuple[pd.DataFrame, pd.DataFrame]:
        given = {
            "subjects": self.subjects,
            "exposure": self.exposure,
            "profiles": self.profiles,
            "pseudobulks": self.pseudobulks,
            "samples": self.samples,
            "fingerprints": self.fingerprints,
        } | changed
        samples, fingerprints = given.pop("samples"), given.pop("fingerprints")
        return sample_identity(samples, fingerprints, **given)  # type: ignore[arg-type]


def bulk(sample: SimulatedSample) -> anndata.AnnData:
    labels = sample.truth["cell_class"].to_numpy()
    classes = [c for c in CELL_CLASSES if (labels == c).any()]
    sums = np.vstack(
        [
            np.asarray(sample.counts[np.flatnonzero(labels == c)].sum(axis=0)).ravel()
            for c in classes
        ]
    )
    obs = pd.DataFrame(
        {"cell_class": classes, "n_cells": [int((labels == c).sum()) for c in classes]},
        index=classes,
    )
    return anndata.AnnData(
        X=sums, obs=obs, var=pd.DataFrame(index=sample.genes["gene_id"].to_numpy())
    )


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    world = make_world(5, SimulationSettings.hard())
    rows, cells = [], {}
    for p in range(5):
        patient = world.patient(p, sex="F" if p == 3 else "M")
        for timepoint in ("pre", "post"):
            name = f"S{p}-{timepoint}"
            cells[name] = simulate_sample(world, patient, timepoint, 700, 0)
            rows.append(
                (
                    name,
                    f"S{p}",
                    timepoint,
                    "LIVER",
                    pd.Timestamp("2025-01-10" if timepoint == "pre" else "2025-03-01"),
                )
            )
    samples = pd.DataFrame(
        rows, columns=["sample_id", "subject_id", "timepoint", "tissue", "collection_date"]
    )
    ids = [f"S{p}" for p in range(5)]
    first = pd.Timestamp("2025-01-10")
    subjects = pd.DataFrame(
        {"USUBJID": ids, "SEX": ["M", "M", "M", "F", "M"], "TRTSDT": [first] * 5}
    )
    exposure = pd.DataFrame(
        {
            "USUBJID": ids,
            "EXDOSE": 300.0,
            "EXSTDT": first,
            "EXENDT": [pd.NaT, pd.Timestamp("2025-02-19"), *[pd.NaT] * 3],
        }
    )
    prints = {
        s: fingerprint(c.counts, pd.Index(c.barcodes), pd.Index(c.genes["gene_id"]))
        for s, c in cells.items()
    }
    profiles = {
        s: call_malignancy(c.counts, c.genes, c.truth["cell_class"]).profile
        for s, c in cells.items()
    }
    return Cohort(
        samples, subjects, exposure, cells, prints, profiles, {s: bulk(c) for s, c in cells.items()}
    )


def test_honest_samples_raise_no_suspicion(cohort: Cohort) -> None:
    identity, suspicions = cohort.judge()
    assert suspicions.empty and identity["suspicions"].isna().all()
    assert identity["expressed_sex"].tolist() == ["M"] * 6 + ["F"] * 2 + ["M"] * 2
    assert (identity["copy_number_r"] > 0.6).all() and (
        identity["expression_r"] > identity["expression_other_r"]
    ).all()
    assert identity["barcode_overlap"].max() < 0.05


def test_days_from_doses(cohort: Cohort) -> None:
    identity, _ = cohort.judge()
    rows = identity.set_index("sample_id")
    assert (
        rows.loc["S0-pre", "days_from_first_dose"] == 0
        and rows.loc["S0-post", "days_from_first_dose"] == 50
    )
    assert (
        rows.loc["S0-post", "days_from_last_dose"] == 0
        and rows.loc["S1-post", "days_from_last_dose"] == 10
    )


def test_swapped_biopsies_of_two_men_are_seen_by_tumour_and_expression(cohort: Cohort) -> None:
    labels = cohort.samples.copy()
    labels["subject_id"] = labels["subject_id"].where(
        ~labels["sample_id"].isin(["S0-post", "S1-post"]),
        labels["sample_id"].map({"S0-post": "S1", "S1-post": "S0"}),
    )
    _, suspicions = cohort.judge(samples=labels)
    assert set(suspicions["check"]) == {"copy_number", "expression"}
    assert set(suspicions["sample_id"]) == {"S0-pre", "S0-post", "S1-pre", "S1-post"}
    best = suspicions[suspicions["check"] == "copy_number"].set_index("sample_id")[
        "other_sample_id"
    ]
    assert best["S0-post"] == "S0-pre"


def test_a_man_labelled_as_a_woman(cohort: Cohort) -> None:
    subjects = cohort.subjects.assign(SEX=["F", "M", "M", "F", "U"])
    _, suspicions = cohort.judge(subjects=subjects)
    assert suspicions["sample_id"].tolist() == ["S0-post", "S0-pre"] and set(
        suspicions["check"]
    ) == {"sex"}


def test_cells_of_two_people(cohort: Cohort) -> None:
    mixed = pd.concat([cohort.fingerprints["S0-pre"], cohort.fingerprints["S3-pre"]])
    assert expressed_sex(mixed)[0] == "mixed"
    assert expressed_sex(mixed.iloc[:0])[0] == "undetermined"


def test_one_matrix_under_two_names(cohort: Cohort) -> None:
    again = cohort.cells["S2-pre"]
    order = np.random.default_rng(0).permutation(again.counts.shape[0])
    renamed = pd.Index([f"{b[:-2]}-7" for b in again.barcodes[order]])
    prints = cohort.fingerprints | {
        "S4-post": fingerprint(
            sp.csr_matrix(again.counts[order]), renamed, pd.Index(again.genes["gene_id"])
        )
    }
    _, suspicions = cohort.judge(fingerprints=prints, profiles=None, pseudobulks=None)
    assert suspicions[["check", "sample_id", "other_sample_id"]].to_numpy().tolist() == [
        ["same_content", "S2-pre", "S4-post"]
    ]


def test_barcodes_and_cells_in_common(cohort: Cohort) -> None:
    one, other = cohort.fingerprints["S0-pre"], cohort.fingerprints["S1-pre"]
    borrowed = other.copy()
    borrowed.loc[:99, "barcode"] = one["barcode"].to_numpy()[:100]
    _, suspicions = cohort.judge(
        fingerprints=cohort.fingerprints | {"S1-pre": borrowed}, profiles=None, pseudobulks=None
    )
    assert suspicions["check"].tolist() == ["barcode_overlap"] and suspicions[
        "sample_id"
    ].tolist() == ["S0-pre"]
    merged = pd.concat([other, one.iloc[:120].assign(barcode=lambda f: "X" + f["barcode"])])
    _, suspicions = cohort.judge(
        fingerprints=cohort.fingerprints | {"S1-pre": merged}, profiles=None, pseudobulks=None
    )
    assert suspicions["check"].tolist() == ["same_content"]
    table = overlaps({"a": one, "b": one.iloc[:10], "c": one.iloc[:0]}, "barcode")
    assert table.loc["a", "b"] == 1 and table.loc["a", "c"] == 0


def test_dates_tissue_and_subject(cohort: Cohort) -> None:
    samples = cohort.samples.copy()
    samples.loc[samples["sample_id"] == "S0-pre", "collection_date"] = pd.Timestamp("2025-01-11")
    samples.loc[samples["sample_id"] == "S1-post", "collection_date"] = pd.Timestamp("2025-01-10")
    samples.loc[samples["sample_id"] == "S2-post", "tissue"] = "LUNG"
    subjects = cohort.subjects[cohort.subjects["USUBJID"] != "S4"]
    _, suspicions = cohort.judge(
        samples=samples, subjects=subjects, profiles=None, pseudobulks=None
    )
    seen = {(c, s) for c, s in zip(suspicions["check"], suspicions["sample_id"], strict=True)}
    assert seen == {
        ("timing", "S0-pre"),
        ("timing", "S1-post"),
        ("tissue", "S2-pre"),
        ("tissue", "S2-post"),
        ("not_in_dm", "S4-pre"),
        ("not_in_dm", "S4-post"),
    }


def test_without_a_clinical_export_and_before_any_cell_is_read(cohort: Cohort) -> None:
    identity, suspicions = sample_identity(cohort.samples, {})
    assert (
        suspicions.empty
        and identity["in_dm"].isna().all()
        and set(identity["expressed_sex"]) == {"undetermined"}
    )
    nobody, none = sample_identity(cohort.samples.iloc[:0], {})
    assert nobody.empty and none.empty


def test_order_does_not_matter(cohort: Cohort) -> None:
    sample = cohort.cells["S0-pre"]
    rng = np.random.default_rng(1)
    cells, genes = rng.permutation(sample.counts.shape[0]), rng.permutation(sample.counts.shape[1])
    again = fingerprint(
        sp.csr_matrix(sample.counts[cells][:, genes]),
        pd.Index(sample.barcodes[cells]),
        pd.Index(sample.genes["gene_id"].to_numpy()[genes]),
    )
    pd.testing.assert_frame_equal(again, cohort.fingerprints["S0-pre"])
    other = sample.counts.copy()
    other.data[0] += 1
    changed = fingerprint(other, pd.Index(sample.barcodes), pd.Index(sample.genes["gene_id"]))
    assert content_digest(changed) != content_digest(again)
    first, second = (
        cohort.judge(),
        cohort.judge(samples=cohort.samples.sample(frac=1, random_state=0)),
    )
    for a, b in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(a, b)
