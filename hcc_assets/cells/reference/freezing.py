"""When the reference of a cohort may be frozen, and from which samples. Building it belongs to
``building``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig

SEEDS_TO_FREEZE: Final = 50
"""Seed cells of each primary class before a reference of the cohort is frozen: SINGLE_CELL.md,
section 2.4.
"""
TEACHING_CELLS: Final = 5_000
"""Cells below which a provisional reference takes every sample: own choice, a few biopsies; with
fewer a rare class has too few to go beyond its prior."""


def freezing_prefix(seeds: pd.DataFrame, order: list[str], config: StudyConfig) -> list[str] | None:
    """The samples that the frozen reference is built from: the shortest run of samples, in the
    given order, that allows freezing.

    Because seed counts add up over samples and the order is that of collection, samples that arrive
    together or one after the other give the same set.

    Parameters
    ----------
    seeds
        ``sample_id, cell_class, n_seed``, from `seed_counts` of each sample.
    order
        Sample ids by collection date, then id.
    config
        ``single_cell.reference_min_samples``.

    Returns
    -------
    list or None
        None while there are fewer samples than needed, or fewer than 50 seed cells of a primary
        class.
    """
    table = (
        seeds.pivot_table(
            index="sample_id", columns="cell_class", values="n_seed", aggfunc="sum", fill_value=0
        )
        if len(seeds)
        else pd.DataFrame()
    )
    table = table.reindex(index=order, columns=list(PRIMARY_CLASSES), fill_value=0).fillna(0)
    enough = (table.cumsum() >= SEEDS_TO_FREEZE).all(axis=1).to_numpy() & (
        np.arange(1, len(order) + 1) >= config.single_cell.reference_min_samples
    )
    return order[: int(enough.argmax()) + 1] if enough.any() else None


def provisional_prefix(cells: Mapping[str, int], order: list[str]) -> list[str]:
    """The samples that a provisional reference is built from: the longest run of 1, 2, 4, 8, …
    samples, in the given order; all while these have fewer than `TEACHING_CELLS` cells.

    So a young home's calls are renewed when its samples have doubled and not with every sample, and
    are the same whether samples arrive together or one after the other.

    Parameters
    ----------
    cells
        Cells of each sample that pass the hard limits.
    order
        Sample ids by collection date, then id.
    """
    run = order[: 1 << (len(order).bit_length() - 1)] if order else []
    return run if sum(cells[s] for s in run) >= TEACHING_CELLS else order


def lacking_seeds(seeds: pd.DataFrame) -> dict[str, int]:
    """Primary classes with fewer seed cells than freezing needs, and how many they have.

    Parameters
    ----------
    seeds
        As for `freezing_prefix`.
    """
    found = seeds.groupby("cell_class")["n_seed"].sum()
    counts = {name: int(found.get(name, 0)) for name in PRIMARY_CLASSES}
    return {name: n for name, n in counts.items() if n < SEEDS_TO_FREEZE}
