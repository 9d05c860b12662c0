"""Tables of cell composition: per sample and timepoint, paired change and its sensitivity.

No derivation here.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import CONTRAST, column, maybe
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS

_CLASSES = list(CELL_CLASSES)
_DENOMINATORS = list(DENOMINATORS)
VERDICTS = ("IDENTIFIABLE", "DEPENDS ON REFERENCE", "CONFOUNDED", "INSUFFICIENT")
"""What a change of composition may be called."""


class Compositions(Table):
    """Share of each class in each sample.

    Each cell counts for every class as much as its calibrated posterior says; one that a person or
    another tool called counts whole. The interval holds cell sampling and the doubt of the calls:
    it says nothing about patients.
    """

    sample_id: str = column("Sample")
    subject_id: str = column("Subject")
    timepoint: str = column("Timepoint")
    tissue: str = column("Tissue; unknown where none was given")
    denominator: str = column("all, immune or non_parenchymal", isin=_DENOMINATORS)
    cell_class: str = column("Cell class", isin=_CLASSES)
    n_cells: int = column("QC-passed cells that are called the class", ge=0)
    n_total: int = column("QC-passed cells of the denominator", ge=0)
    n_expected: float = column(
        "Expected cells of the class: sum of the posteriors of all QC-passed cells", ge=0
    )
    proportion: float = maybe(
        "n_expected over its sum in the denominator; null where that is less than half a cell",
        ge=0,
        le=1,
    )
    ci_low: float = maybe(
        "Lower bound, Wilson, 95 %, cell sampling, doubt of single calls and calibration error",
        ge=0,
        le=1,
    )
    ci_high: float = maybe("Upper bound of the same", ge=0, le=1)
    proportion_min: float = maybe(
        "Share if no cell that is called unassigned is of the class, and all are of the others",
        ge=0,
        le=1,
    )
    proportion_max: float = maybe(
        "Share if every cell that is called unassigned is of the class", ge=0, le=1
    )
    interval: str = column("What the interval covers")
    few_cells: bool = column("Fewer than 200 cells in the denominator: read with care")
    in_tests: bool = column(
        "False: its biopsy has fewer cells than min_cells_per_sample, or none in the "
        "denominator; left out of summaries and tests"
    )

    class Config(Table.Config):
        name = "compositions"
        unique = ["sample_id", "denominator", "cell_class"]


class TimepointCompositions(Table):
    """Share of each class over subjects at each timepoint; the interval is over subjects."""

    timepoint: str = column("Timepoint")
    denominator: str = column("all, immune or non_parenchymal", isin=_DENOMINATORS)
    cell_class: str = column("Cell class", isin=_CLASSES)
    n_samples: int = column("Samples that contribute", ge=0)
    n_subjects: int = column("Subjects that contribute; their number makes the interval", ge=0)
    mean: float = maybe("Mean proportion over subjects")
    ci_low: float = maybe("Lower bound of the mean, t, 95 %, cut at 0")
    ci_high: float = maybe("Upper bound of the mean, t, 95 %, cut at 1")
    median: float = maybe("Median over subjects")
    q1: float = maybe("First quartile")
    q3: float = maybe("Third quartile")

    class Config(Table.Config):
        name = "timepoint_compositions"
        unique = ["timepoint", "denominator", "cell_class"]


class CompositionChanges(Table):
    """Paired change of each class, after against before treatment, on two scales that answer two
    questions.

    The proportion scale (``delta_*``, ``p_signed_rank``) is the registered estimand: did the share
    of the class change? A share also moves when others move. The log-ratio scale (``log2_ratio*``,
    ``p_value``) asks whether the class changed relative to the classes that stayed; ``verdict``
    says whether the data can tell which those are.
    """

    denominator: str = column("all, immune or non_parenchymal", isin=_DENOMINATORS)
    role: str = column(
        "primary for the registered denominator, sensitivity for the others",
        isin=["primary", "sensitivity"],
    )
    cell_class: str = column("Cell class", isin=_CLASSES)
    n_pairs: int = column("Pairs of biopsies within one tissue, both with enough cells", ge=0)
    n_subjects: int = column(
        "Patients with a pair; the n of the tests (pairs of one patient are averaged)", ge=0
    )
    mean_before: float = maybe("Mean proportion before, over the paired patients")
    mean_after: float = maybe("Mean proportion after")
    delta_median: float = maybe("Median over patients of the change in proportion (after - before)")
    delta_ci_low: float = maybe(
        "Lower bound, Hodges-Lehmann, exact: shifts that the signed-rank test does not reject"
    )
    delta_ci_high: float = maybe("Upper bound, Hodges-Lehmann, exact")
    delta_ci_level: float = maybe(
        "Confidence that the exact interval has; 0.9375 at five patients, else at least 0.95"
    )
    delta_hodges_lehmann: float = maybe("Hodges-Lehmann estimate of the change in proportion")
    p_signed_rank: float = maybe(
        "Wilcoxon signed-rank test of the change in proportion, exact, two-sided; with zeros and "
        "opposite ties the largest of the p-values at and beside a shift of zero",
        ge=0,
        le=1,
    )
    delta_mean: float = maybe("Mean change in proportion")
    delta_mean_ci_low: float = maybe("Lower bound of the mean, bootstrap t over patients")
    delta_mean_ci_high: float = maybe("Upper bound of the mean, bootstrap t over patients")
    log2_ratio: float = maybe(
        "Log2 fold change relative to the classes that did not change (reference_weight)",
        unit="log2",
    )
    log2_ratio_ci_low: float = maybe("Lower bound, 95 %, paired t", unit="log2")
    log2_ratio_ci_high: float = maybe("Upper bound, 95 %, paired t", unit="log2")
    p_value: float = maybe("Paired t test of log2_ratio, two-sided", ge=0, le=1)
    p_adjusted: float = maybe(
        "Benjamini-Hochberg over the nine primary classes of the primary denominator; null for "
        "other classes and in the other denominators",
        ge=0,
        le=1,
    )
    verdict: str = column(
        "IDENTIFIABLE: every admissible reference gives significance and sign alike; DEPENDS ON "
        "REFERENCE: they differ, or none is admissible; CONFOUNDED: the design cannot tell the "
        "change from something else; INSUFFICIENT: no estimate",
        isin=list(VERDICTS),
    )
    no_estimate: str = maybe("Why there is no estimate on the log-ratio scale; null where there is")
    mde_log2: float = maybe(
        "Smallest detectable change: found with power 0.8 at this n and spread, two-sided 0.05",
        unit="log2",
        ge=0,
    )
    reference_weight: float = maybe(
        "Weight of the class in the reference of the log-ratio; the weights of a "
        "denominator sum to 1"
    )
    sampling_share: float = maybe(
        "Share of the variance between patients that counting few cells explains"
    )
    calls_share: float = maybe(
        "Doubt of calls against the variance between patients: this much was added to the "
        "variance of the test",
        ge=0,
        le=1,
    )
    needle_sd_log2: float = maybe(
        "Standard deviation of the log ratio between samples of one subject, timepoint and "
        "tissue, beyond counting and doubt of calls; null where there are no two",
        unit="log2",
        ge=0,
    )
    target_blind_log2_ratio: float = maybe(
        "Sensitivity: log2_ratio from calls made without the genes of the receptor axes that the "
        "drug acts on (VEGFR, FGFR, CSF1R)",
        unit="log2",
    )
    clr_log2_ratio: float = maybe(
        "Sensitivity: change relative to the average class (CLR)", unit="log2"
    )
    clr_p_value: float = maybe("Sensitivity: paired t test of the CLR change", ge=0, le=1)
    mixed_n_subjects: int = column("Patients in the mixed model, unpaired ones included", ge=0)
    mixed_log2_ratio: float = maybe(
        "Sensitivity: change by a mixed model that uses unpaired biopsies", unit="log2"
    )
    mixed_p_value: float = maybe("Sensitivity: its test", ge=0, le=1)
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "composition_changes"
        unique = ["contrast", "denominator", "cell_class"]


class CompositionSensitivity(Table):
    """The change of each class under other analyses: other references, other models, merged
    classes, doublets in, small biopsies in."""

    analysis: str = column("Analysis; primary is the published one")
    description: str = column("What it does differently")
    denominator: str = column("all, immune or non_parenchymal", isin=_DENOMINATORS)
    cell_class: str = column("Cell class, or merged classes joined by +")
    n_pairs: int = column("Pairs of biopsies", ge=0)
    n_subjects: int = column("Patients used", ge=0)
    delta_median: float = maybe("Median change in proportion, where the analysis has one")
    p_signed_rank: float = maybe("Exact signed-rank test of it", ge=0, le=1)
    log2_ratio: float = maybe("Log2 fold change relative to the analysis' reference", unit="log2")
    log2_ratio_ci_low: float = maybe("Lower bound, 95 %")
    log2_ratio_ci_high: float = maybe("Upper bound, 95 %")
    p_value: float = maybe("Two-sided test of log2_ratio", ge=0, le=1)
    p_adjusted: float = maybe(
        "Benjamini-Hochberg over the primary classes of the analysis, in the primary denominator; "
        "null in the others",
        ge=0,
        le=1,
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "composition_sensitivity"
        unique = ["contrast", "analysis", "denominator", "cell_class"]
