"""When the reference of a cohort may be frozen, and from which samples. Building it belongs to
``building``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig

SEEDS_TO_FREEZE: Final = 50
"""Seed cells of each primary class before a reference of the cohort is frozen: SINGLE_CELL.md,
section 2.4.
"""


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
