"""The reference: same content same bytes, samples in any order, freezing by the shortest prefix,
labels refused when unknown.
"""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from anndata import AnnData
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.freezing import (
    TEACHING_CELLS,
    freezing_prefix,
    lacking_seeds,
    provisional_prefix,
)
from hcc_assets.cells.reference.labels import LabelsRefused, with_our_classes
from hcc_assets.cells.reference.model import Reference, ReferenceOutdated, reference_summary
from hcc_assets.cells.reference.teaching import seed_counts
from hcc_assets.study.classes import CELL_CLASSES, PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.cells.cohort import CONFIG, cohort, reference


def _labelled(n_samples: int = 4) -> AnnData:
    import anndata

    parts = []
    for s in cohort()[:n_samples]:
        part = s.counts.copy()
        part.obs["cell_class"] = s.truth["cell_class"].to_numpy()
        part.obs["patient"] = s.subject_id
        part.obs["sample_id"] = s.sample_id
        parts.append(part[~(s.truth["doublet"] | s.truth["damaged"]).to_numpy()])
    out = anndata.concat(parts)
    out.obs_names_make_unique()
    out.var = cohort()[0].counts.var.copy()
    return out


def test_parquet_round_trip_gives_the_same_bytes_and_version() -> None:
    data = reference().to_parquet_bytes()
    again = Reference.from_parquet_bytes(data)
    assert again.version == reference().version
    assert again.to_parquet_bytes() == data


def test_parquet_without_header_is_no_reference() -> None:
    with pytest.raises(ValueError, match="not a reference"):
        Reference.from_parquet_bytes(pd.DataFrame({"a": [1]}).to_parquet())


def test_a_reference_of_an_older_format_says_so() -> None:
    table = pq.read_table(io.BytesIO(reference().to_parquet_bytes()))
    header = json.loads(table.schema.metadata[b"hcc_reference"])
    for changed in (
        {k: v for k, v in header.items() if k != "log_size"},
        header | {"limits": [[1.0, 2.0]]},
        header | {"owner": ["a class of old"]},
    ):
        sink = io.BytesIO()
        pq.write_table(table.replace_schema_metadata({"hcc_reference": json.dumps(changed)}), sink)
        with pytest.raises(ReferenceOutdated, match="another version of the code"):
            Reference.from_parquet_bytes(sink.getvalue())


def test_sample_and_cell_order_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    small = cohort()[:2]
    straight = build_reference([s.input() for s in small], CONFIG)
    from hcc_assets.cells.quality.assessment import assess
    from hcc_assets.cells.reference.teaching import SampleInput

    turned = []
    for s in small[::-1]:
        counts = s.counts[rng.permutation(s.counts.n_obs)].copy()
        turned.append(
            SampleInput(s.sample_id, lambda c=counts: (c, assess(c, CONFIG)), s.subject_id)
        )
    assert build_reference(turned, CONFIG).version == straight.version


def test_frozen_reference_is_returned_unchanged() -> None:
    frozen = build_reference([], CONFIG, labelled=_labelled(2))
    assert frozen.kind == "labels"
    assert build_reference([s.input() for s in cohort()[:1]], CONFIG, existing=frozen) is frozen


def test_few_samples_are_provisional() -> None:
    assert reference().version.startswith(("provisional-", "cohort-"))
    one = build_reference([cohort()[0].input()], CONFIG)
    assert one.version.startswith("provisional-")
    assert not one.frozen


def test_a_label_that_is_not_mapped_is_left_out_and_costs_no_other_cell() -> None:
    labelled = _labelled(1)
    ours = labelled.obs["cell_class"].astype(object)
    labelled.obs["cell_class"] = ours.replace({"macrophage": "macrofage", "B": "B cell"})
    mapped, left_out = with_our_classes(labelled, {"B cell": "B", "T": "B"})
    assert left_out == {"macrofage": int((ours == "macrophage").sum())}
    want = ours.mask(ours == "macrophage")
    assert list(mapped.obs["cell_class"].fillna("")) == list(want.fillna(""))
    without = labelled[(ours != "macrophage").to_numpy()].copy()
    without.obs["cell_class"] = ours[ours != "macrophage"]
    version = build_reference([], CONFIG, labelled=mapped).version
    assert version == build_reference([], CONFIG, labelled=without).version


def test_log_values_are_refused_as_a_reference() -> None:
    labelled = _labelled(1)
    labelled.X = labelled.X.astype(float) * 0.5
    with pytest.raises(LabelsRefused, match="raw counts"):
        build_reference([], CONFIG, labelled=labelled)


def test_reference_without_labels_column_is_refused() -> None:
    with pytest.raises(LabelsRefused, match="cell_class"):
        build_reference([], CONFIG, labelled=cohort()[0].counts)


def test_summary_has_a_row_for_every_class() -> None:
    table = reference_summary(reference())
    assert list(table["cell_class"]) == [c for c in CELL_CLASSES if c != "unassigned"]
    assert (table["reference_version"] == reference().version).all()
    assert int(table["n_training_cells"].sum()) > 1000


def test_empty_cohort_gives_an_empty_provisional_reference() -> None:
    nothing = build_reference([], CONFIG)
    assert nothing.classes == ()
    assert Reference.from_parquet_bytes(nothing.to_parquet_bytes()).version == nothing.version


@st.composite
def _seed_tables(draw: st.DrawFn) -> tuple[pd.DataFrame, list[str]]:
    n = draw(st.integers(1, 14))
    order = [f"s{i:02d}" for i in range(n)]
    rows = [
        {"sample_id": s, "cell_class": c, "n_seed": draw(st.integers(0, 40))}
        for s in order
        for c in PRIMARY_CLASSES
        if draw(st.booleans()) or c == "T"
    ]
    return pd.DataFrame(rows, columns=["sample_id", "cell_class", "n_seed"]), order


@settings(max_examples=60, deadline=None)
@given(_seed_tables())
def test_freezing_prefix_is_the_shortest_and_later_samples_do_not_change_it(
    case: tuple[pd.DataFrame, list[str]],
) -> None:
    seeds, order = case
    config = StudyConfig()
    found = freezing_prefix(seeds, order, config)
    totals = (
        seeds.pivot_table(index="sample_id", columns="cell_class", values="n_seed", aggfunc="sum")
        .reindex(index=order, columns=list(PRIMARY_CLASSES))
        .fillna(0)
    )
    good = [
        k
        for k in range(config.single_cell.reference_min_samples, len(order) + 1)
        if (totals.iloc[:k].sum() >= 50).all()
    ]
    assert found == (order[: good[0]] if good else None)
    for k in range(1, len(order)):
        earlier = freezing_prefix(seeds[seeds["sample_id"].isin(order[:k])], order[:k], config)
        if earlier is not None:
            assert earlier == found


@pytest.mark.parametrize(("number", "taken"), [(1, 1), (2, 2), (3, 2), (7, 4), (8, 8), (31, 16)])
def test_a_provisional_reference_is_renewed_when_samples_have_doubled(
    number: int, taken: int
) -> None:
    order = [f"S{k:02d}" for k in range(number)]
    assert provisional_prefix(dict.fromkeys(order, TEACHING_CELLS), order) == order[:taken]
    assert provisional_prefix(dict.fromkeys(order, 1), order) == order
    assert provisional_prefix({}, []) == []


def test_what_a_class_lacks_is_counted() -> None:
    seeds = pd.DataFrame(
        {"sample_id": ["a", "b", "a"], "cell_class": ["T", "T", "B"], "n_seed": [30, 20, 49]}
    )
    lacks = lacking_seeds(seeds)
    assert "T" not in lacks and lacks["B"] == 49 and lacks["mast"] == 0


def test_seed_counts_follow_the_truth() -> None:
    sample = cohort()[0]
    counts = seed_counts(sample.counts, sample.qc)
    truth = sample.truth["cell_class"].value_counts()
    for name in ("T", "macrophage", "fibroblast"):
        assert 0.3 * truth[name] <= counts.get(name, 0) <= 1.15 * truth[name] + 3
