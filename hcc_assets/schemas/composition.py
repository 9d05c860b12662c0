"""Tables of cell composition: per sample and timepoint, paired change and its sensitivity.

No derivation here.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import CONTRAST
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS

_CLASSES = list(CELL_CLASSES)
_DENOMINATORS = list(DENOMINATORS)


class Compositions(Table):
    """Share of each class in each sample.

    The interval is that of cell sampling only: it says nothing about patients.
    """

    sample_id: str = pa.Field(description="Sample")
    subject_id: str = pa.Field(description="Subject")
    timepoint: str = pa.Field(description="Timepoint")
    tissue: str = pa.Field(description="Tissue; unknown where none was given")
    denominator: str = pa.Field(isin=_DENOMINATORS, description="all, immune or non_parenchymal")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    n_cells: int = pa.Field(ge=0, description="QC-passed cells of the class")
    n_total: int = pa.Field(ge=0, description="QC-passed cells of the denominator")
    proportion: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="n_cells / n_total; null when the denominator has no cell",
    )
    ci_low: float = pa.Field(
        nullable=True, ge=0, le=1, description="Lower bound, Wilson, 95 %, cell sampling only"
    )
    ci_high: float = pa.Field(
        nullable=True, ge=0, le=1, description="Upper bound, Wilson, 95 %, cell sampling only"
    )
    interval: str = pa.Field(description="What the interval covers")
    few_cells: bool = pa.Field(
        description="Fewer than 200 cells in the denominator: read with care"
    )
    in_tests: bool = pa.Field(
        description=(
            "False: its biopsy has fewer cells than min_cells_per_sample, or none in the "
            "denominator; left out of summaries and tests"
        )
    )

    class Config(Table.Config):
        name = "compositions"
        unique = ["sample_id", "denominator", "cell_class"]


class TimepointCompositions(Table):
    """Share of each class over subjects at each timepoint; the interval is over subjects."""

    timepoint: str = pa.Field(description="Timepoint")
    denominator: str = pa.Field(isin=_DENOMINATORS, description="all, immune or non_parenchymal")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    n_samples: int = pa.Field(ge=0, description="Samples that contribute")
    n_subjects: int = pa.Field(
        ge=0, description="Subjects that contribute; their number makes the interval"
    )
    mean: float = pa.Field(nullable=True, description="Mean proportion over subjects")
    ci_low: float = pa.Field(
        nullable=True, description="Lower bound of the mean, t, 95 %, cut at 0"
    )
    ci_high: float = pa.Field(
        nullable=True, description="Upper bound of the mean, t, 95 %, cut at 1"
    )
    median: float = pa.Field(nullable=True, description="Median over subjects")
    q1: float = pa.Field(nullable=True, description="First quartile")
    q3: float = pa.Field(nullable=True, description="Third quartile")

    class Config(Table.Config):
        name = "timepoint_compositions"
        unique = ["timepoint", "denominator", "cell_class"]


class CompositionChanges(Table):
    """Paired change of each class, after against before treatment, on two scales that answer two
    questions.

    The proportion scale (``delta_*``, ``p_signed_rank``) is the registered estimand: did the share
    of the class change? A share also moves when others move. The log-ratio scale (``log2_ratio*``,
    ``p_value``) asks whether the class changed relative to the classes that stayed.
    """

    denominator: str = pa.Field(isin=_DENOMINATORS, description="all, immune or non_parenchymal")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    n_pairs: int = pa.Field(
        ge=0, description="Pairs of biopsies within one tissue, both with enough cells"
    )
    n_subjects: int = pa.Field(
        ge=0,
        description="Patients with a pair; the n of the tests (pairs of one patient are averaged)",
    )
    mean_before: float = pa.Field(
        nullable=True, description="Mean proportion before, over the paired patients"
    )
    mean_after: float = pa.Field(nullable=True, description="Mean proportion after")
    delta_median: float = pa.Field(
        nullable=True,
        description="Median over patients of the change in proportion (after - before)",
    )
    delta_ci_low: float = pa.Field(nullable=True, description="Lower bound, Hodges-Lehmann, exact")
    delta_ci_high: float = pa.Field(nullable=True, description="Upper bound, Hodges-Lehmann, exact")
    delta_ci_level: float = pa.Field(
        nullable=True,
        description=(
            "Confidence that the exact interval has; 0.9375 at five patients, else at least 0.95"
        ),
    )
    delta_hodges_lehmann: float = pa.Field(
        nullable=True, description="Hodges-Lehmann estimate of the change in proportion"
    )
    p_signed_rank: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Wilcoxon signed-rank test of the change in proportion, exact, two-sided",
    )
    delta_mean: float = pa.Field(nullable=True, description="Mean change in proportion")
    delta_mean_ci_low: float = pa.Field(
        nullable=True, description="Lower bound of the mean, bootstrap over patients"
    )
    delta_mean_ci_high: float = pa.Field(
        nullable=True, description="Upper bound of the mean, bootstrap over patients"
    )
    log2_ratio: float = pa.Field(
        nullable=True,
        description=(
            "Log2 fold change relative to the classes that did not change (robust median-log-ratio)"
        ),
        metadata={"unit": "log2"},
    )
    log2_ratio_ci_low: float = pa.Field(
        nullable=True, description="Lower bound, 95 %, moderated", metadata={"unit": "log2"}
    )
    log2_ratio_ci_high: float = pa.Field(
        nullable=True, description="Upper bound, 95 %, moderated", metadata={"unit": "log2"}
    )
    p_value: float = pa.Field(
        nullable=True, ge=0, le=1, description="Moderated paired t test of log2_ratio, two-sided"
    )
    p_adjusted: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description=(
            "Benjamini-Hochberg over the nine primary classes of the denominator; null for "
            "other classes"
        ),
    )
    reference_weight: float = pa.Field(
        nullable=True,
        description=(
            "Weight of the class in the reference of the log-ratio; the weights of a "
            "denominator sum to 1"
        ),
    )
    sampling_share: float = pa.Field(
        nullable=True,
        description="Share of the variance between patients that counting few cells explains",
    )
    clr_log2_ratio: float = pa.Field(
        nullable=True,
        description="Sensitivity: change relative to the average class (CLR)",
        metadata={"unit": "log2"},
    )
    clr_p_value: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Sensitivity: moderated paired t test of the CLR change",
    )
    mixed_n_subjects: int = pa.Field(
        ge=0, description="Patients in the mixed model, unpaired ones included"
    )
    mixed_log2_ratio: float = pa.Field(
        nullable=True,
        description="Sensitivity: change by a mixed model that uses unpaired biopsies",
        metadata={"unit": "log2"},
    )
    mixed_p_value: float = pa.Field(nullable=True, ge=0, le=1, description="Sensitivity: its test")
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "composition_changes"
        unique = ["contrast", "denominator", "cell_class"]


class CompositionSensitivity(Table):
    """The change of each class under other analyses: other references, other models, merged
    classes, doublets in, small biopsies in."""

    analysis: str = pa.Field(description="Analysis; primary is the published one")
    description: str = pa.Field(description="What it does differently")
    denominator: str = pa.Field(isin=_DENOMINATORS, description="all, immune or non_parenchymal")
    cell_class: str = pa.Field(description="Cell class, or merged classes joined by +")
    n_pairs: int = pa.Field(ge=0, description="Pairs of biopsies")
    n_subjects: int = pa.Field(ge=0, description="Patients used")
    delta_median: float = pa.Field(
        nullable=True, description="Median change in proportion, where the analysis has one"
    )
    p_signed_rank: float = pa.Field(
        nullable=True, ge=0, le=1, description="Exact signed-rank test of it"
    )
    log2_ratio: float = pa.Field(
        nullable=True,
        description="Log2 fold change relative to the analysis' reference",
        metadata={"unit": "log2"},
    )
    log2_ratio_ci_low: float = pa.Field(nullable=True, description="Lower bound, 95 %")
    log2_ratio_ci_high: float = pa.Field(nullable=True, description="Upper bound, 95 %")
    p_value: float = pa.Field(nullable=True, ge=0, le=1, description="Two-sided test of log2_ratio")
    p_adjusted: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Benjamini-Hochberg over the primary classes of analysis and denominator",
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "composition_sensitivity"
        unique = ["contrast", "analysis", "denominator", "cell_class"]
