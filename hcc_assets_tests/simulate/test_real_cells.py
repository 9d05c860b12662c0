"""The simulation from real profiles keeps its promises: what the truth says is what the counts
show."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hcc_assets.simulate.cells import SimulatedSample
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import EMT, NEAR_DIPLOID, RealSettings
from hcc_assets.simulate.real_states import ISLET
from hcc_assets.simulate.real_world import LIBRARY_SIZE, RealWorld, make_real_world
from hcc_assets.simulate.trial import simulate_trial
from hcc_assets.study.prior import prior


def digest(sample: SimulatedSample) -> str:
    h = hashlib.sha256()
    for part in (sample.counts.data, sample.counts.indices, sample.counts.indptr):
        h.update(np.ascontiguousarray(part).tobytes())
    h.update("\n".join(sample.barcodes).encode() + sample.truth.to_csv().encode())
    return h.hexdigest()


def profile(sample: SimulatedSample, keep: np.ndarray) -> pd.Series:
    mine = (keep & ~sample.truth["doublet"] & ~sample.truth["damaged"]).to_numpy()
    total = np.asarray(sample.counts[mine].sum(axis=0)).ravel()
    return pd.Series(total / total.sum(), index=sample.genes["gene"])


@pytest.fixture(scope="module")
def world() -> RealWorld:
    return make_real_world(5, RealSettings(ambient=0.01, ambient_high=0.02))


@pytest.fixture(scope="module")
def pre(world: RealWorld) -> SimulatedSample:
    return simulate_real_sample(world, 0, "pre", 1500, 0)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(world: RealWorld) -> None:
    first = digest(simulate_real_sample(world, 1, "post", 150, 2))
    again = make_real_world(5, RealSettings(ambient=0.01, ambient_high=0.02))
    assert first == digest(simulate_real_sample(again, 1, "post", 150, 2))
    assert first != digest(simulate_real_sample(world, 1, "post", 150, 3))


def test_depths_are_those_of_real_tumours(pre: SimulatedSample) -> None:
    single = pre.truth[~pre.truth["doublet"] & ~pre.truth["damaged"]]
    for name in ("tumour", "T"):
        median = single.loc[single["cell_class"] == name, "n_umi"].median()
        assert 0.85 < median / LIBRARY_SIZE[name] < 1.2


def test_cells_are_likest_to_their_class_in_the_prior_but_are_not_the_prior(
    pre: SimulatedSample,
) -> None:
    known = prior()
    for name in ("T", "macrophage"):
        seen = profile(pre, pre.truth["cell_class"] == name).reindex(known.symbols).fillna(0)
        log = np.log(seen.to_numpy() + 1e-6)
        r = [float(np.corrcoef(log, np.log(s + 1e-6))[0, 1]) for s in known.shares]
        assert known.classes[int(np.argmax(r))] == name and max(r) < 0.97


def test_copy_number_is_where_the_genes_are(world: RealWorld, pre: SimulatedSample) -> None:
    factor = world.patient(0).tumour.copy_number
    both = [profile(pre, pre.truth["cell_class"] == c).to_numpy() for c in ("tumour", "hepatocyte")]
    ratio = np.log((both[0] + 1e-6) / (both[1] + 1e-6))
    busy = both[1] > 2e-5
    usual, gained = ratio[busy & (factor == 1)], ratio[busy & (factor > 1)]
    assert len(gained) > 100
    assert 0.15 < np.median(gained) - np.median(usual) < 0.7


def test_kinds_of_tumour(world: RealWorld) -> None:
    kinds = {world.patient(i).tumour.kind: world.patient(i).tumour for i in range(8)}
    assert len(kinds) == 4
    assert len(kinds[NEAR_DIPLOID].segments) == 1 and kinds[NEAR_DIPLOID].subclone_share == 0
    collagen = world.genes["gene"].isin(["COL1A1", "COL3A1"]).to_numpy()
    assert kinds[EMT].logs[0, collagen].mean() > world.patient(0).tumour.logs[0, collagen].mean()


def test_structures_asked_for_are_there() -> None:
    world = make_real_world(
        6, RealSettings(novel=ISLET, novel_share=0.1, absent_after=("B",), umi_scale=0.2)
    )
    before, after = (simulate_real_sample(world, 1, t, 1500, 0) for t in ("pre", "post"))
    assert 0.05 < (before.truth["cell_class"] == "novel").mean() < 0.2
    assert (before.truth["cell_class"] == "B").any()
    assert not (after.truth["cell_class"] == "B").any()
    assert before.truth["state"].str.contains("monocyte/classical 0.35 macrophage").any()
    assert before.truth["state"].str.contains("cycling").any()
    assert world.second_chemistry(1, "pre") != world.second_chemistry(0, "pre")


def test_treatment_moves_the_markers_of_the_target(world: RealWorld) -> None:
    wanted = world.effects[world.effects["cell_class"] == "vascular_endothelial"]
    change = wanted.set_index("gene")["log2_fold_change"]
    assert change["KDR"] < -0.5
    both = [
        profile(s, s.truth["cell_class"] == "vascular_endothelial")
        for s in (
            simulate_real_sample(world, 3, t, 900, 0, shift={"vascular_endothelial": 3.0})
            for t in ("pre", "post")
        )
    ]
    assert both[1]["KDR"] < 0.75 * both[0]["KDR"]


def test_a_trial_of_real_profiles_is_delivered_like_any_other(tmp_path: Path) -> None:
    done = simulate_trial(tmp_path, subjects=4, cells=60, seed=1, setting="real")
    sheet = pd.read_csv(done.landing / "samples.csv")
    assert done.samples == len(sheet) and set(sheet["chemistry"]) == {"SC3Pv3", "SC5Pv2"}
    assert sheet.groupby("subject_id")["chemistry"].nunique().max() == 1
    assert json.loads((done.truth / "trial.json").read_text())["setting"] == "real"
    effects = pd.read_parquet(done.truth / "de_genes.parquet")
    assert {"KDR", "CSF1R"} <= set(effects["gene"])
