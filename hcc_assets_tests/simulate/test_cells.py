"""The simulated biopsy keeps its promises: what the truth says is what the counts show."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from hcc_assets.simulate import cells, programs
from hcc_assets.simulate.cells import SimulatedSample, SimulationSettings, World
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.genes import Y_GENES


def digest(sample: SimulatedSample) -> str:
    h = hashlib.sha256()
    for part in (sample.counts.data, sample.counts.indices, sample.counts.indptr):
        h.update(np.ascontiguousarray(part).tobytes())
    h.update("\n".join(sample.barcodes).encode() + sample.truth.to_csv().encode())
    return h.hexdigest()


def share(world: World, sample: SimulatedSample, keep: np.ndarray, genes: list[str]) -> float:
    part = sample.counts[keep]
    return float(part[:, world.index_of(genes)].sum() / part.sum())


@pytest.fixture(scope="module")
def world() -> World:
    return cells.make_world(7)


@pytest.fixture(scope="module")
def pre(world: World) -> SimulatedSample:
    return cells.simulate_sample(world, 0, "pre", 1500, 0)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(world: World) -> None:
    first = cells.simulate_sample(world, 3, "pre", 200, 5)
    again = cells.simulate_sample(cells.make_world(7), 3, "pre", 200, 5)
    assert digest(first) == digest(again)
    assert digest(first) != digest(cells.simulate_sample(world, 3, "pre", 200, 6))
    assert digest(first) != digest(cells.simulate_sample(world, 4, "pre", 200, 5))


def test_counts_are_whole_and_named(world: World, pre: SimulatedSample) -> None:
    assert (
        pre.counts.dtype == np.int32
        and pre.counts.shape == (1500, len(world.genes))
        and pre.counts.data.min() > 0
    )
    assert (
        len(set(pre.barcodes)) == 1500
        and world.genes["gene"].is_unique
        and world.genes["gene_id"].is_unique
    )
    assert (pre.truth["n_umi"].to_numpy() == np.asarray(pre.counts.sum(axis=1)).ravel()).all()
    assert set(pre.truth["cell_class"]) <= set(CELL_CLASSES) - {UNASSIGNED}


def test_library_sizes_and_mitochondria_by_class(world: World, pre: SimulatedSample) -> None:
    clean = pre.truth[~pre.truth["doublet"] & ~pre.truth["damaged"]]
    median = clean.groupby("cell_class")["n_umi"].median()
    assert 500 <= median["neutrophil"] <= 950 and 7500 <= median["tumour"] <= 11500
    mitochondrial = [g for g in world.genes["gene"] if g.startswith("MT-")]
    truth = pre.truth

    def burden(keep: np.ndarray) -> float:
        return share(world, pre, keep, mitochondrial)

    intact = (~truth["damaged"] & ~truth["doublet"]).to_numpy()
    assert (
        burden(intact & (truth["cell_class"] == "hepatocyte").to_numpy())
        > 0.12
        > burden(intact & (truth["cell_class"] == "T").to_numpy())
    )
    assert burden((truth["damaged"] & ~truth["doublet"]).to_numpy()) > 0.3


def test_sex_is_in_the_counts(world: World) -> None:
    for sex in ("M", "F"):
        patient = world.patient(11, sex=sex)
        sample = cells.simulate_sample(world, patient, "pre", 100, 0)
        every = np.ones(100, dtype=bool)
        y, xist = share(world, sample, every, list(Y_GENES)), share(world, sample, every, ["XIST"])
        assert (y > 0) == (sex == "M") and (xist > 0) == (sex == "F")


def test_tumour_cells_carry_the_clone_and_hepatocytes_do_not(
    world: World, pre: SimulatedSample
) -> None:
    patient = world.patient(0)
    truth = pre.truth
    single = (~truth["doublet"] & ~truth["damaged"]).to_numpy()
    tumour = pre.counts[single & truth["malignant"].to_numpy()].sum(axis=0)
    normal = pre.counts[single & (truth["cell_class"] == "hepatocyte").to_numpy()].sum(axis=0)
    ratio = np.log((np.asarray(tumour).ravel() + 1) / (np.asarray(normal).ravel() + 1))
    enough = np.asarray(normal).ravel() > 20
    by_arm = {
        a: np.median(ratio[enough & (world.genes["arm"] == a).to_numpy()]) for a in patient.arms
    }
    gained = [v for a, v in by_arm.items() if patient.arms[a] > 1]
    lost = [v for a, v in by_arm.items() if patient.arms[a] < 1]
    assert min(gained) > max(lost)


def test_treatment_moves_the_named_classes_and_genes_and_nothing_else(world: World) -> None:
    pre = [cells.simulate_sample(world, p, "pre", 800, 0) for p in range(6)]
    post = [cells.simulate_sample(world, p, "post", 800, 0) for p in range(6)]

    def mean_log(samples: list[SimulatedSample], name: str) -> float:
        return float(
            np.mean([np.log((s.truth["cell_class"] == name).sum() + 0.5) for s in samples])
        )

    assert mean_log(post, "T") > mean_log(pre, "T") + 0.3
    assert mean_log(post, "macrophage") < mean_log(pre, "macrophage") - 0.3
    effects = world.effects.set_index(["cell_class", "gene"])["log2_fold_change"]
    assert effects["vascular_endothelial", "ESM1"] < -1 and (
        "monocyte" not in effects.index.get_level_values(0)
    )
    down = [g for (c, g), e in effects.items() if c == "tumour" and e < -0.7]
    up = [g for (c, g), e in effects.items() if c == "tumour" and e > 0.7]

    def level(samples: list[SimulatedSample], genes: list[str]) -> float:
        return float(
            np.mean(
                [np.log(share(world, s, s.truth["malignant"].to_numpy(), genes)) for s in samples]
            )
        )

    assert level(post, up) - level(pre, up) > 0.3 > -0.3 > level(post, down) - level(pre, down)


def test_the_null_world_has_no_effect() -> None:
    world = cells.make_world(7, SimulationSettings.null())
    patient = world.patient(2)
    assert world.effects.empty
    assert cells.expected_composition(world, patient, "pre") == cells.expected_composition(
        world, patient, "post"
    )


def test_hard_is_as_hard_as_it_says() -> None:
    world = cells.make_world(1, SimulationSettings.hard())
    sample = cells.simulate_sample(world, 0, "pre", 1200, 0)
    truth = sample.truth
    assert 0.05 < truth["doublet"].mean() < 0.11
    assert truth["ambient_umi"].sum() / truth["n_umi"].sum() == pytest.approx(0.12, abs=0.02)
    detected = np.diff(sample.counts.indptr)
    clean = (~truth["doublet"] & ~truth["damaged"]).to_numpy()
    median = {
        c: np.median(detected[clean & (truth["cell_class"] == c).to_numpy()])
        for c in ("T", "neutrophil", "mast")
    }
    assert median["T"] < 1100 and median["neutrophil"] < 560 and median["mast"] < 1150


def test_droplets_without_a_cell_and_a_class_left_out(world: World) -> None:
    sample = cells.simulate_sample(
        world, 1, "pre", 300, 0, shift={"mast": -np.inf}, empty_droplets=400
    )
    assert (
        sample.empty is not None
        and sample.empty.shape[0] == 400
        and 20 < sample.empty.sum(axis=1).mean() < 80
    )
    assert not (sample.truth["cell_class"] == "mast").any() and sample.composition["mast"] == 0
    assert sample.empty_barcodes is not None and not set(sample.empty_barcodes) & set(
        sample.barcodes
    )


def test_a_novel_type_only_when_asked_for() -> None:
    world = cells.make_world(3, SimulationSettings(novel=0.1, n_genes=4000))
    sample = cells.simulate_sample(world, 0, "pre", 500, 0)
    assert 10 < (sample.truth["cell_class"] == programs.NOVEL).sum() < 120
    assert sum(sample.composition.values()) == pytest.approx(1)


def test_presets_by_name() -> None:
    assert SimulationSettings.named("hard") == SimulationSettings.hard()
    with pytest.raises(ValueError, match="easy, hard, null"):
        SimulationSettings.named("medium")
