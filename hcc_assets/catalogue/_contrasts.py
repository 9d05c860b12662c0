"""Comparisons of two timepoints: every pair of ``[samples] contrasts``, with its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from hcc_assets.study.config import StudyConfig, contrast_name, of_contrast

CONTRAST_SETTINGS = ("samples.timepoints", "samples.contrasts")
"""Keys of ``study.toml`` that say what is compared."""


def each_contrast(
    samples: pd.DataFrame,
    config: StudyConfig,
    compare: Callable[[pd.DataFrame, StudyConfig], pd.DataFrame],
) -> pd.DataFrame:
    """The tables of all contrasts, one below the other.

    Parameters
    ----------
    samples
        Rows of samples; each comparison gets those of its two timepoints.
    compare
        Gets samples and choices of one contrast; its table names the contrast.
    """
    parts = []
    for before, after in config.samples.contrasts:
        chosen = samples[samples["timepoint"].isin((before, after))].reset_index(drop=True)
        parts.append(compare(chosen, of_contrast(config, before, after)))
    return pd.concat(parts, ignore_index=True)


def first_contrast(config: StudyConfig) -> StudyConfig:
    """The choices of the first contrast, which is the registered one."""
    return of_contrast(config, *config.samples.contrasts[0])


def drawn(
    table: pd.DataFrame,
    config: StudyConfig,
    draw: Callable[[pd.DataFrame, StudyConfig], Mapping[str, Any]],
) -> dict[str, Any]:
    """Figures of each contrast; names of those after the first end in its timepoints."""
    figures: dict[str, Any] = {}
    for number, (before, after) in enumerate(config.samples.contrasts):
        narrow = of_contrast(config, before, after)
        own = table[table["contrast"] == contrast_name(narrow)].reset_index(drop=True)
        end = f"_{before}_{after}" if number else ""
        figures |= {f"{name}{end}": figure for name, figure in draw(own, narrow).items()}
    return figures


def uncompared(samples: pd.DataFrame, config: StudyConfig) -> dict[str, int]:
    """Timepoints with samples that no contrast compares, and how many samples they have."""
    compared = {name for pair in config.samples.contrasts for name in pair}
    counts = samples["timepoint"].value_counts().sort_index()
    return {str(name): int(n) for name, n in counts.items() if name not in compared}
