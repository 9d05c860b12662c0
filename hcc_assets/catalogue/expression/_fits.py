"""The paired fits of all classes, which the tables of this group are read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, each_contrast
from hcc_assets.catalogue.cohort._pseudobulks import pseudobulks
from hcc_assets.catalogue.cohort._samples import standing_samples
from hcc_assets.home.manifests import digest
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from hcc_assets.stats.differential_expression import Fits
    from hcc_assets.stats.expression_units import Ambient

FIT_SETTINGS = (
    *CONTRAST_SETTINGS,
    "single_cell.min_cells_pseudobulk",
    "single_cell.min_pairs",
)
"""Keys of ``study.toml`` that a fit rests on."""

MOST_KEPT = 3
"""Fits that are kept: one for each contrast of a usual study; a fit holds some 50 MB."""

_last_fits: dict[str, Fits] = {}
"""The fits of the newest inputs: five tables of one run are read from one fit."""


def paired_fits(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> Fits:
    """The fits of all classes over the samples that stand, made once for the same content.

    Parameters
    ----------
    samples
        Table ``samples``.
    qc_cells, annotated_cells, pseudobulk
        Versions by sample.
    config
        The study; only ``FIT_SETTINGS`` are read.
    """
    standing = standing_samples(samples, annotated_cells)
    chosen = standing[standing["sample_id"].isin(list(pseudobulk))]
    names = sorted(chosen["sample_id"])
    versions = {s: (pseudobulk[s].data_version, qc_cells[s].data_version) for s in names}
    key = digest(versions, chosen.to_csv(index=False), _settings(config))
    if key not in _last_fits:
        from hcc_assets.stats.differential_expression import fit_classes

        sums, ambient = pseudobulks(pseudobulk, names), _ambient(qc_cells, names)
        fits = fit_classes(chosen, sums, config, ambient=ambient)
        if len(_last_fits) >= MOST_KEPT:
            _last_fits.clear()
        _last_fits[key] = fits
    return _last_fits[key]


def each_fitted(
    derive: Callable[..., pd.DataFrame],
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """A table of every contrast, read from its fits.

    Parameters
    ----------
    derive
        Gets samples, sums, choices and ``fits`` of one contrast (as ``deg_tables``).
    samples, qc_cells, annotated_cells, pseudobulk, config
        As for `paired_fits`.
    """

    def compare(chosen: pd.DataFrame, narrow: StudyConfig) -> pd.DataFrame:
        fits = paired_fits(chosen, qc_cells, annotated_cells, pseudobulk, narrow)
        return derive(chosen, fits.stack, narrow, fits=fits)

    return each_contrast(samples, config, compare)


def _settings(config: StudyConfig) -> dict[str, object]:
    """The values of ``FIT_SETTINGS``."""
    single = config.single_cell
    return {
        "timepoints": list(config.samples.timepoints),
        "min_cells_pseudobulk": single.min_cells_pseudobulk,
        "min_pairs": single.min_pairs,
    }


def _ambient(qc_cells: BySample, names: list[str]) -> dict[str, Ambient]:
    """Ambient RNA of the samples where it could be estimated."""
    from hcc_assets.stats.expression_units import Ambient

    found: dict[str, Ambient] = {}
    for name in names:
        quality = qc_cells[name]
        fraction = float(quality.frame("sample").iloc[0]["ambient_fraction"])
        if not pd.isna(fraction):
            profile = quality.frame("ambient").set_index("gene_id")["share"]
            found[name] = Ambient(profile, fraction)
    return found
