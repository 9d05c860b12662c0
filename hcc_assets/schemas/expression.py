"""Tables of expression across samples: differential expression per class, related genes, gene
programs. No derivation belongs here."""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import CONTRAST
from hcc_assets.study.classes import CELL_CLASSES

_CLASSES = list(CELL_CLASSES)
_LOG2 = {"unit": "log2"}


class _Genes(Table):
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    gene_id: str = pa.Field(
        nullable=True,
        description=(
            "Ensembl gene id (or symbol, where the delivery has nothing else); null in the "
            "row of an untestable class"
        ),
    )
    gene: str = pa.Field(nullable=True, description="Gene symbol")
    n_pairs: int = pa.Field(
        ge=0,
        description=(
            "Patients with a usable pseudobulk of the class, and the gene measured, before "
            "and after"
        ),
    )
    mean_cells: float = pa.Field(
        nullable=True, description="Mean number of cells behind a pseudobulk of the pairs"
    )
    base_mean: float = pa.Field(
        nullable=True, description="Mean count, scaled to the mean library of the class"
    )
    log2_fold_change: float = pa.Field(
        nullable=True, description="Mean paired change, after - before", metadata=_LOG2
    )
    lfc_se: float = pa.Field(nullable=True, description="Its standard error", metadata=_LOG2)
    ci_low: float = pa.Field(nullable=True, description="Lower bound, 95 %", metadata=_LOG2)
    ci_high: float = pa.Field(nullable=True, description="Upper bound, 95 %", metadata=_LOG2)
    p_value: float = pa.Field(nullable=True, ge=0, le=1, description="Two-sided test of the change")
    p_adjusted: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Benjamini-Hochberg within the class, over genes that are not flagged",
    )
    p_adjusted_global: float = pa.Field(
        nullable=True, ge=0, le=1, description="Benjamini-Hochberg over all classes"
    )
    ambient_share: float = pa.Field(
        nullable=True,
        description=(
            "Share of the gene's counts that ambient RNA explains, the larger of before and after"
        ),
    )
    ambient_flag: bool = pa.Field(
        description=(
            "True when ambient RNA explains more than half: shown, not part of the tested family"
        )
    )


class DegTables(_Genes):
    """Paired differential expression per class by the fast engine (moderated paired t on log
    counts). A class that cannot be tested has one row."""

    few_cells: bool = pa.Field(
        description=(
            "A rare class that is accepted with half the usual number of cells: read with care"
        )
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "deg_tables"
        unique = ["contrast", "cell_class", "gene_id"]


class DegConfirmatory(_Genes):
    """The same comparison by PyDESeq2 (negative binomial, patient as block), beside the fast
    engine."""

    fast_log2_fold_change: float = pa.Field(
        nullable=True, description="Change by the fast engine", metadata=_LOG2
    )
    fast_p_adjusted: float = pa.Field(
        nullable=True, ge=0, le=1, description="Adjusted p-value of the fast engine"
    )
    agrees: bool = pa.Field(
        description="Both engines call the gene at 0.05 in the same direction, or neither calls it"
    )
    class_rank_correlation: float = pa.Field(
        nullable=True,
        description=(
            "Spearman correlation of signed evidence between the engines, over the class (repeated)"
        ),
    )
    class_overlap: float = pa.Field(
        nullable=True,
        description="Called by both among called by either, over the class (repeated)",
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "deg_confirmatory"
        unique = ["contrast", "cell_class", "gene_id"]


class RelatedGenes(Table):
    """Every gene of every pre-registered program in every class, before and after treatment."""

    program: str = pa.Field(description="Program")
    gene: str = pa.Field(description="Gene symbol")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    n_pairs: int = pa.Field(ge=0, description="Patients with a usable pair")
    mean_pre: float = pa.Field(
        nullable=True,
        description="Mean log2 counts per million before, over the paired patients",
        metadata=_LOG2,
    )
    mean_post: float = pa.Field(
        nullable=True, description="Mean log2 counts per million after", metadata=_LOG2
    )
    log2_fold_change: float = pa.Field(
        nullable=True,
        description="Mean paired change; null where too few counts or pairs",
        metadata=_LOG2,
    )
    ci_low: float = pa.Field(nullable=True, description="Lower bound, 95 %", metadata=_LOG2)
    ci_high: float = pa.Field(nullable=True, description="Upper bound, 95 %", metadata=_LOG2)
    p_value: float = pa.Field(nullable=True, ge=0, le=1, description="Moderated paired t test")
    p_adjusted: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="Benjamini-Hochberg within the program, over its genes and classes",
    )
    ambient_flag: bool = pa.Field(
        description=(
            "True when ambient RNA explains more than half of the counts; not part of the "
            "tested family"
        )
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "related_genes"
        unique = ["contrast", "program", "gene", "cell_class"]


class ProgramScores(Table):
    """Score of each program in each class of each sample."""

    sample_id: str = pa.Field(description="Sample")
    subject_id: str = pa.Field(description="Subject")
    timepoint: str = pa.Field(description="Timepoint")
    tissue: str = pa.Field(description="Tissue; unknown where none was given")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    program: str = pa.Field(description="Program")
    n_cells: int = pa.Field(ge=0, description="Cells behind the pseudobulk")
    n_genes: int = pa.Field(
        ge=0, description="Genes of the program with enough counts in the class"
    )
    score: float = pa.Field(
        nullable=True,
        description="Weighted mean z of log2 counts per million over these genes",
        metadata={"unit": "standard deviations"},
    )

    class Config(Table.Config):
        name = "program_scores"
        unique = ["sample_id", "cell_class", "program"]


class GenePrograms(Table):
    """Paired change of each program in each class; all tests are one family."""

    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    program: str = pa.Field(description="Program")
    n_pairs: int = pa.Field(ge=0, description="Patients with a usable pair")
    n_genes: int = pa.Field(
        ge=0, description="Genes of the program with enough counts in the class"
    )
    delta: float = pa.Field(
        nullable=True,
        description="Mean paired change of the score, after - before",
        metadata={"unit": "standard deviations"},
    )
    ci_low: float = pa.Field(nullable=True, description="Lower bound, 95 %")
    ci_high: float = pa.Field(nullable=True, description="Upper bound, 95 %")
    p_value: float = pa.Field(nullable=True, ge=0, le=1, description="Moderated paired t test")
    p_adjusted: float = pa.Field(
        nullable=True, ge=0, le=1, description="Benjamini-Hochberg over all classes and programs"
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "gene_programs"
        unique = ["contrast", "cell_class", "program"]


class ProgramChanges(Table):
    """Change of each program in each class of each patient: what associations and figures read."""

    subject_id: str = pa.Field(description="Subject")
    cell_class: str = pa.Field(isin=_CLASSES, description="Cell class")
    program: str = pa.Field(description="Program")
    before: float = pa.Field(nullable=True, description="Score before treatment")
    after: float = pa.Field(nullable=True, description="Score after treatment")
    delta: float = pa.Field(
        nullable=True, description="after - before, within one tissue, averaged over tissues"
    )
    contrast: str = CONTRAST

    class Config(Table.Config):
        name = "program_changes"
        unique = ["contrast", "subject_id", "cell_class", "program"]
