"""``hcc reference list`` and ``compare``: the endpoint under two references, with nothing
published. Calls and tests are those of the pure rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.inputs import Version
from hcc_assets.assets.view import HomeView
from hcc_assets.catalogue._contrasts import each_contrast
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.catalogue.single_cell._quality import quality_of
from hcc_assets.home.paths import Home
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from hcc_assets.cells.reference.model import Reference

ASSET = "annotation_reference"
STANDING = "standing"
COLUMNS = ("log2_ratio", "log2_ratio_ci_low", "log2_ratio_ci_high", "verdict")


def kept_references(home: Home) -> list[dict[str, Any]]:
    """Versions of the reference that the store still has, the newest first: ``version, since,
    stands``."""
    view = HomeView(home, all_assets())
    standing = view.versions.current(ASSET)
    found = [
        m for name in view.versions.kept(ASSET) if (m := view.versions.manifest(ASSET, None, name))
    ]
    found += [standing] if standing and standing not in found else []
    newest = sorted(found, key=lambda m: m.at, reverse=True)
    return [
        {
            "version": str(m.notes["version"]),
            "since": m.at.isoformat(timespec="minutes"),
            "stands": standing is not None and m.folder == standing.folder,
        }
        for m in newest
    ]


@dataclass(frozen=True)
class _Called:
    """What one reference makes of a sample: calls and soft counts."""

    calls: pd.DataFrame
    counts: pd.DataFrame


def compare_references(
    home: Home, first: str, second: str, *, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Call every sample with two references, and compare calls and the registered change.

    Parameters
    ----------
    first, second
        ``standing``, the beginning of a version that the store keeps, or a path of a labelled
        ``.h5ad`` that a reference is trained from.
    progress
        Told the sample that is worked on.

    Returns
    -------
    dict
        ``references`` (two versions), ``cells`` (passing in both), ``agreement`` (share with the
        same class), ``classes``: per contrast and class of the registered denominator the cells
        called and `COLUMNS` under each. Corrections and calls of other tools are left aside.

    Raises
    ------
    LookupError
        A name is none of these, or there is no sample yet.
    """
    view = HomeView(home, all_assets())
    references = [_named(view, name) for name in (first, second)]
    keys = view.by_collection(view.standing("qc_cells"))
    if not keys:
        raise LookupError("no sample has passed quality control yet; run hcc refresh")
    called: list[dict[str, _Called]] = [{}, {}]
    profiles: list[dict[str, list[pd.Series]]] = [{}, {}]
    for key in keys:
        progress(view.rows[key].sample_id)
        for reference, calls, known in zip(references, called, profiles, strict=True):
            calls[view.rows[key].sample_id] = _called(view, key, reference, known)
    names = [reference.version for reference in references]
    left, right = (
        pd.concat([c.calls.assign(sample_id=s) for s, c in calls.items()]) for calls in called
    )
    both = left.merge(right, on=["sample_id", "barcode"], suffixes=("_1", "_2"))
    both = both[(both["qc_status_1"] == "pass") & (both["qc_status_2"] == "pass")]
    same = (both["cell_class_1"] == both["cell_class_2"]).mean() if len(both) else None
    return {
        "references": names,
        "cells": len(both),
        "agreement": None if same is None else round(float(same), 4),
        "classes": _side_by_side([_changes(view, calls) for calls in called]),
    }


def comparison_lines(found: dict[str, Any]) -> list[str]:
    """The comparison for a person: a line for each class."""
    a, b = found["references"]
    share = "NE" if found["agreement"] is None else f"{100 * found['agreement']:.1f} %"
    lines = [f"1: {a}", f"2: {b}", f"{found['cells']} cells pass under both, {share} agree", ""]
    lines.append(f"{'contrast':12} {'class':22} {'cells 1':>8} {'cells 2':>8}  change 1, change 2")
    for row in found["classes"]:
        changes = [_change(row, number) for number in (1, 2)]
        lines.append(
            f"{row['contrast']:12} {row['cell_class']:22} {row['n_cells_1']:8d} "
            f"{row['n_cells_2']:8d}  {changes[0]}, {changes[1]}"
        )
    return lines


def _change(row: dict[str, Any], number: int) -> str:
    value, low, high, verdict = (row[f"{name}_{number}"] for name in COLUMNS)
    if value is None:
        return f"NE ({verdict})" if verdict else "NE"
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}] {verdict}"


def _named(view: HomeView, name: str) -> Reference:
    from hcc_assets.cells.reference.model import Reference, ReferenceOutdated

    if name.endswith(".h5ad"):
        return _trained(view, Path(name))
    standing = view.versions.current(ASSET)
    for folder in dict.fromkeys(
        [*([standing.folder] if standing else []), *view.versions.kept(ASSET)]
    ):
        manifest = view.versions.manifest(ASSET, None, folder)
        if manifest is None:
            continue
        stands = name == STANDING and standing is not None and manifest.folder == standing.folder
        if stands or str(manifest.notes["version"]).startswith(name):
            try:
                blob = Version(view.versions, manifest).blob("reference.parquet")
                return Reference.from_parquet_bytes(blob)
            except ReferenceOutdated as outdated:
                raise LookupError(f"{name}: {outdated}") from None
    raise LookupError(
        f"the store has no reference {name}; hcc reference list names those that are kept, "
        "and a labelled .h5ad can be given by its path"
    )


def _trained(view: HomeView, path: Path) -> Reference:
    from hcc_assets.cells.reading.isolation import read_labelled
    from hcc_assets.cells.reading.refused import MatrixRefused
    from hcc_assets.cells.reference.building import build_reference
    from hcc_assets.cells.reference.labels import LabelsRefused, with_our_classes

    if not path.exists():
        raise LookupError(f"there is no file {path}")
    try:
        labelled, _ = with_our_classes(read_labelled(path), {})
        return build_reference([], view.config, labelled=labelled)
    except (LabelsRefused, MatrixRefused) as refusal:
        raise LookupError(f"{path.name}: {refusal}") from None


def _called(
    view: HomeView, key: str, reference: Reference, known: dict[str, list[pd.Series]]
) -> _Called:
    from hcc_assets.cells.calling.annotation import annotate
    from hcc_assets.cells.pseudobulk import soft_counts

    row = view.rows[key]
    counts, quality = (
        Version(view.versions, view.versions.require(asset, key))
        for asset in ("raw_counts", "qc_cells")
    )
    earlier = known.setdefault(row.subject_id, [])
    found = annotate(
        counts.cells("counts"),
        quality_of(quality),
        reference,
        view.config,
        sample_id=row.sample_id,
        subject_profiles=tuple(earlier),
    )
    if found.profile is not None:
        earlier.append(found.profile)
    return _Called(
        found.calls,
        soft_counts(found.calls, found.shares, reference.calibration, found.blind_shares),
    )


def _changes(view: HomeView, called: dict[str, _Called]) -> pd.DataFrame:
    from hcc_assets.stats.composition_changes import composition_changes

    sheet = view.versions.frame("samples", "table")
    samples = sheet[sheet["sample_id"].isin(list(called))].reset_index(drop=True)
    counts = pd.concat([c.counts.assign(sample_id=s) for s, c in called.items()], ignore_index=True)

    def compare(chosen: pd.DataFrame, narrow: Any) -> pd.DataFrame:
        own = counts[counts["sample_id"].isin(chosen["sample_id"])]
        return composition_changes(chosen, own, narrow)

    table = each_contrast(samples, view.config, compare)
    table = table[table["denominator"] == view.config.single_cell.primary_denominator]
    passing = counts[counts["qc_status"] == "pass"]
    cells = passing.groupby("cell_class")["n_cells"].sum()
    numbers = table["cell_class"].map(cells).fillna(0).astype(int)
    return table.assign(n_cells=numbers)[["contrast", "cell_class", "n_cells", *COLUMNS]]


def _side_by_side(tables: list[pd.DataFrame]) -> list[dict[str, Any]]:
    first, second = tables
    both = first.merge(second, on=["contrast", "cell_class"], suffixes=("_1", "_2"), how="outer")
    numbers = ["n_cells_1", "n_cells_2"]
    both[numbers] = both[numbers].fillna(0).astype(int)
    order = both["cell_class"].map(CELL_CLASSES.index)
    both = both.assign(order=order).sort_values(["contrast", "order"], kind="stable")
    return [
        {str(k): None if v != v else v for k, v in record.items() if k != "order"}
        for record in both.to_dict("records")
    ]
