"""Tables of what could pass for a change of composition: missing biopsies, cells kept by QC.

No derivation here: the rules are in ``stats.composition_confounders``.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS

_CLASSES = list(CELL_CLASSES)


_DENOMINATORS = list(DENOMINATORS)


class BiopsyMissingness(Table):
    """Which patients have which biopsies, by response.

    Who progresses early tends to skip the second biopsy: then pairs are no random sample.
    """

    response: str = column(
        "Best response of the headline, NOT EVALUATED where none is derived, ALL for everyone"
    )
    n_subjects: int = column("Subjects", ge=0)
    n_before: int = column("With a usable biopsy before treatment", ge=0)
    n_after: int = column("With a usable biopsy after treatment", ge=0)
    n_paired: int = column("With a pair within one tissue", ge=0)
    n_before_only: int = column("Before only (or no second one in the same tissue)", ge=0)
    n_after_only: int = column("After only (or no first one in the same tissue)", ge=0)
    n_none: int = column("Without a usable biopsy", ge=0)
    pct_paired: float = maybe("Paired among the subjects", unit="%")
    p_value: float = maybe(
        "ALL: Fisher's exact test, paired or not against CR/PR or not", ge=0, le=1
    )

    class Config(Table.Config):
        name = "biopsy_missingness"
        unique = ["response"]


class DesignConfounding(Table):
    """Whether the comparison of two timepoints is confounded with how samples were made.

    One row per contrast and factor; ``expression`` sees also what was not declared.
    """

    factor: str = column("Column of samples.csv, or expression: a change that all classes share")
    contrast: str = column("Timepoints compared, before>after")
    statistic: float = maybe(
        "Imbalance of the factor between the timepoints (0 alike, 1 no level in common); for "
        "expression the median correlation between the changes of unrelated classes"
    )
    p_value: float = maybe(
        "Exact, exchanging before and after within patients; null without a pair", ge=0, le=1
    )
    verdict: str = maybe(
        "CLEAR, WARN or CONFOUNDED; null where nothing could be compared: statement says why",
        isin=["CLEAR", "WARN", "CONFOUNDED"],
    )
    statement: str = column("What was seen, in words")

    class Config(Table.Config):
        name = "design_confounding"
        unique = ["contrast", "factor"]


class QcKept(Table):
    """Share of the cells of each class that QC keeps, per timepoint, with a paired test: a
    difference is a confounder of every composition change."""

    cell_class: str = column("Cell class as called before QC decides; ALL for every barcode")
    timepoint: str = column("Timepoint")
    n_samples: int = column("Biopsies with at least ten cells of the class before QC", ge=0)
    n_called: int = column("Cells of the class before QC", ge=0)
    n_kept: int = column("Cells that QC keeps", ge=0)
    kept_median: float = maybe("Median kept fraction over biopsies")
    kept_q1: float = maybe("First quartile")
    kept_q3: float = maybe("Third quartile")
    n_pairs: int = column("Patients with a pair (repeated on both timepoints)", ge=0)
    delta_median: float = maybe("Median change of the kept fraction, after - before (repeated)")
    delta_ci_low: float = maybe("Lower bound, Hodges-Lehmann, exact (repeated)")
    delta_ci_high: float = maybe("Upper bound (repeated)")
    p_value: float = maybe("Exact signed-rank test (repeated)", ge=0, le=1)
    p_adjusted: float = maybe("Benjamini-Hochberg over classes (repeated)", ge=0, le=1)

    class Config(Table.Config):
        name = "qc_kept"
        unique = ["cell_class", "timepoint"]
