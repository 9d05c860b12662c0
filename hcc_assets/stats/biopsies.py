"""Biopsies as units: samples of one subject, timepoint and tissue are one biopsy, pairs are made
within one tissue, the patient is the replicate.

What is measured on a biopsy (composition, expression) belongs to the modules that use this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.study.config import StudyConfig

UNKNOWN_TISSUE = "unknown"

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Biopsies:
    """Samples grouped into biopsies.

    Attributes
    ----------
    units
        One row per biopsy, sorted: ``subject_id, timepoint, tissue``; a missing tissue is
        ``unknown``.
    unit_of
        Row of ``units`` for each ``sample_id``.
    before, after
        Timepoints that are compared.
    """

    units: pd.DataFrame
    unit_of: dict[str, int]
    before: str
    after: str

    def sum_rows(self, sample_ids: npt.ArrayLike, values: Array) -> Array:
        """Sum rows of a (samples x k) array within biopsies, giving (biopsies x k); samples of no
        biopsy are left out."""
        rows = np.array(
            [self.unit_of.get(str(s), -1) for s in np.asarray(sample_ids, dtype=object)],
            dtype=np.intp,
        )
        out = np.zeros((len(self.units), *values.shape[1:]), dtype=values.dtype)
        np.add.at(out, rows[rows >= 0], values[rows >= 0])
        return out

    def pairs(self, usable: npt.NDArray[np.bool_] | None = None) -> Pairs:
        """Pairs of a biopsy before and one after treatment in the same tissue of the same subject,
        among the usable biopsies."""
        units = self.units if usable is None else self.units[usable]
        first = units[units["timepoint"] == self.before].reset_index(names="row_before")
        second = units[units["timepoint"] == self.after].reset_index(names="row_after")
        both = first.merge(second, on=["subject_id", "tissue"], validate="1:1").sort_values(
            ["subject_id", "tissue"], kind="stable"
        )
        subjects, owner = np.unique(both["subject_id"].to_numpy(dtype=str), return_inverse=True)
        return Pairs(
            both["row_before"].to_numpy(np.intp),
            both["row_after"].to_numpy(np.intp),
            owner.astype(np.intp),
            subjects,
        )


@dataclass(frozen=True)
class Pairs:
    """Rows of the two biopsies of each pair, the patient of each pair (index into ``subjects``),
    and the patients in order."""

    before: Index
    after: Index
    owner: Index
    subjects: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return self.before.size

    @property
    def n_subjects(self) -> int:
        """Number of patients with at least one pair: the n of every test."""
        return self.subjects.size

    def by_subject(self, values: Array) -> Array:
        """Average rows of (pairs x …) within patients, so that a patient with pairs in two tissues
        counts once."""
        if len(self) == self.n_subjects:
            return values
        total = np.zeros((self.n_subjects, *values.shape[1:]))
        np.add.at(total, self.owner, values)
        return total / np.bincount(self.owner, minlength=self.n_subjects).reshape(
            -1, *([1] * (values.ndim - 1))
        )


def tissue_names(tissue: pd.Series) -> pd.Series:
    """Tissue as text, ``unknown`` where none was given."""
    text = (
        tissue.astype(object)
        .where(tissue.notna(), UNKNOWN_TISSUE)
        .map(lambda v: str(v).strip() or UNKNOWN_TISSUE)
    )
    return text.astype(object)


def group_biopsies(samples: pd.DataFrame, config: StudyConfig) -> Biopsies:
    """Group samples into biopsies.

    Parameters
    ----------
    samples
        ``sample_id, subject_id, timepoint`` and, where known, ``tissue``. Row order does not
        matter.
    config
        ``samples.timepoints``: the first is before treatment, the second after it.

    Raises
    ------
    ValueError
        A sample id occurs twice, or the study names fewer than two timepoints.
    """
    if samples["sample_id"].duplicated().any():
        raise ValueError("a sample_id occurs more than once in the table of samples")
    if len(config.samples.timepoints) < 2:
        raise ValueError(
            "samples.timepoints must name at least two timepoints: before and after treatment"
        )
    frame = pd.DataFrame(
        {
            "sample_id": samples["sample_id"].astype(str).to_numpy(),
            "subject_id": samples["subject_id"].astype(str).to_numpy(),
            "timepoint": samples["timepoint"].astype(str).to_numpy(),
            "tissue": tissue_names(samples["tissue"]).to_numpy()
            if "tissue" in samples
            else UNKNOWN_TISSUE,
        }
    )
    keys = ["subject_id", "timepoint", "tissue"]
    units = frame[keys].drop_duplicates().sort_values(keys, kind="stable").reset_index(drop=True)
    rows = frame.merge(units.reset_index(names="unit"), on=keys, validate="m:1")
    unit_of = {str(s): int(u) for s, u in zip(rows["sample_id"], rows["unit"], strict=True)}
    return Biopsies(units, unit_of, *config.samples.timepoints[:2])
