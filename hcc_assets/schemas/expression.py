"""Tables of expression across samples: differential expression per class, related genes, gene
programs. No derivation belongs here."""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import CONTRAST, column, maybe
from hcc_assets.study.classes import CELL_CLASSES

_CLASSES = list(CELL_CLASSES)
_LOG2 = "log2"


class _Genes(Table):
    cell_class: str = column("Cell class", isin=_CLASSES)
    gene_id: str = maybe(
        "Ensembl gene id (or symbol, where the delivery has nothing else); null in the "
        "row of an untestable class"
    )
    gene: str = maybe("Gene symbol")
    n_pairs: int = column(
        "Patients with a usable pseudobulk of the class, and the gene measured, before and after",
        ge=0,
    )
    mean_cells: float = maybe("Mean number of cells behind a pseudobulk of the pairs")
    base_mean: float = maybe("Mean count, scaled to the mean library of the class")
    log2_fold_change: float = maybe("Mean paired change, after - before", unit=_LOG2)
    lfc_se: float = maybe("Its standard error", unit=_LOG2)
    ci_low: float = maybe("Lower bound, 95 %", unit=_LOG2)
    ci_high: float = maybe("Upper bound, 95 %", unit=_LOG2)
    p_value: float = maybe("Two-sided test of the change", ge=0, le=1)
    p_adjusted: float = maybe(
        "Benjamini-Hochberg within the class, over genes that are not flagged", ge=0, le=1
    )
    p_adjusted_global: float = maybe("Benjamini-Hochberg over all classes", ge=0, le=1)
    ambient_share: float = maybe(
        "Share of the gene's counts that ambient RNA explains, the larger of before and after"
    )
    ambient_flag: bool = column(
        "True when ambient RNA explains more than half: shown, not part of the tested family"
    )


class DegTables(_Genes):
    """Paired differential expression per class by the fast engine (moderated paired t on log
    counts). A class that cannot be tested has one row."""

    few_cells: bool = column(
        "A rare class that is accepted with half the usual number of cells: read with care"
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "deg_tables"
        unique = ["contrast", "cell_class", "gene_id"]


class DegConfirmatory(_Genes):
    """The same comparison by PyDESeq2 (negative binomial, patient as block), beside the fast
    engine."""

    fast_log2_fold_change: float = maybe("Change by the fast engine", unit=_LOG2)
    fast_p_adjusted: float = maybe("Adjusted p-value of the fast engine", ge=0, le=1)
    agrees: bool = column(
        "Both engines call the gene at 0.05 in the same direction, or neither calls it"
    )
    class_rank_correlation: float = maybe(
        "Spearman correlation of signed evidence between the engines, over the class (repeated)"
    )
    class_overlap: float = maybe("Called by both among called by either, over the class (repeated)")
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "deg_confirmatory"
        unique = ["contrast", "cell_class", "gene_id"]


class RelatedGenes(Table):
    """Every gene of every pre-registered program in every class, before and after treatment."""

    program: str = column("Program")
    gene: str = column("Gene symbol")
    cell_class: str = column("Cell class", isin=_CLASSES)
    n_pairs: int = column("Patients with a usable pair", ge=0)
    mean_pre: float = maybe(
        "Mean log2 counts per million before, over the paired patients", unit=_LOG2
    )
    mean_post: float = maybe("Mean log2 counts per million after", unit=_LOG2)
    log2_fold_change: float = maybe(
        "Mean paired change; null where too few counts or pairs", unit=_LOG2
    )
    ci_low: float = maybe("Lower bound, 95 %", unit=_LOG2)
    ci_high: float = maybe("Upper bound, 95 %", unit=_LOG2)
    p_value: float = maybe("Moderated paired t test", ge=0, le=1)
    p_adjusted: float = maybe(
        "Benjamini-Hochberg within the program, over its genes and classes", ge=0, le=1
    )
    ambient_flag: bool = column(
        "True when ambient RNA explains more than half of the counts; not part of the tested family"
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "related_genes"
        unique = ["contrast", "program", "gene", "cell_class"]


class ProgramScores(Table):
    """Score of each program in each class of each sample."""

    sample_id: str = column("Sample")
    subject_id: str = column("Subject")
    timepoint: str = column("Timepoint")
    tissue: str = column("Tissue; unknown where none was given")
    cell_class: str = column("Cell class", isin=_CLASSES)
    program: str = column("Program")
    n_cells: int = column("Cells behind the pseudobulk", ge=0)
    n_genes: int = column("Genes of the program with enough counts in the class", ge=0)
    score: float = maybe(
        "Weighted mean z of log2 counts per million over these genes", unit="standard deviations"
    )

    class Config(Table.Config):
        name = "program_scores"
        unique = ["sample_id", "cell_class", "program"]


class GenePrograms(Table):
    """Paired change of each program in each class; all tests are one family."""

    cell_class: str = column("Cell class", isin=_CLASSES)
    program: str = column("Program")
    n_pairs: int = column("Patients with a usable pair", ge=0)
    n_genes: int = column("Genes of the program with enough counts in the class", ge=0)
    delta: float = maybe(
        "Mean paired change of the score, after - before", unit="standard deviations"
    )
    ci_low: float = maybe("Lower bound, 95 %")
    ci_high: float = maybe("Upper bound, 95 %")
    p_value: float = maybe("Moderated paired t test", ge=0, le=1)
    p_adjusted: float = maybe("Benjamini-Hochberg over all classes and programs", ge=0, le=1)
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "gene_programs"
        unique = ["contrast", "cell_class", "program"]


class ProgramChanges(Table):
    """Change of each program in each class of each patient: what associations and figures read."""

    subject_id: str = column("Subject")
    cell_class: str = column("Cell class", isin=_CLASSES)
    program: str = column("Program")
    before: float = maybe("Score before treatment")
    after: float = maybe("Score after treatment")
    delta: float = maybe("after - before, within one tissue, averaged over tissues")
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "program_changes"
        unique = ["contrast", "subject_id", "cell_class", "program"]
