"""``hcc export atlas``: the file and the store, a part of it, and what is told."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from click.testing import CliRunner

from hcc_assets.commands import hcc
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets_tests.tiny import Tiny


def exported(tiny: Tiny, *words: str) -> str:
    found = CliRunner().invoke(hcc, ["export", "atlas", *words, "--home", str(tiny.root)])
    return f"{found.exit_code} {found.output}"


def test_all_of_the_atlas_and_a_part_of_it(tiny: Tiny, place: Path) -> None:
    atlas = pd.read_parquet(tiny.root / "published" / "atlas.parquet")
    sample, name = atlas[["sample_id", "cell_class"]].iloc[0]
    assert exported(tiny, str(place)).startswith("0 Wrote")
    whole = ad.read_h5ad(place / "atlas.h5ad")
    assert list(whole.obs_names) == list(atlas["cell_id"])
    assert whole.obsm["X_pca_harmony"].shape == whole.obsm["X_pca"].shape
    posterior = whole.obsm["class_posterior"]
    assert posterior.shape == (whole.n_obs, len(CELL_CLASSES))
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-5)
    called = np.array(whole.uns["class_posterior_classes"])[posterior.argmax(axis=1)]
    known = (whole.obs["cell_class"] != "unassigned").to_numpy()
    assert (called == whole.obs["cell_class"].astype(str))[known].mean() > 0.95
    assert list(whole.obs["timepoint"].cat.categories) == ["pre", "post"]
    for _ in range(2):  # the second takes the place of the first
        words = ("--format", "zarr", "--sample", sample, "--class", name)
        assert exported(tiny, str(place), *words).startswith("0 Wrote")
    part = ad.read_zarr(place / "atlas.zarr")
    wanted = atlas[(atlas["sample_id"] == sample) & (atlas["cell_class"] == name)]
    assert list(part.obs_names) == list(wanted["cell_id"])
    assert sorted(p.name for p in place.iterdir()) == ["atlas.h5ad", "atlas.zarr"]


def test_what_the_atlas_does_not_have_is_named(tiny: Tiny, place: Path) -> None:
    told = exported(tiny, str(place), "--sample", "NOBODY", "--class", "Kupffer")
    assert told.startswith("2") and "the atlas has no Kupffer, NOBODY" in told
