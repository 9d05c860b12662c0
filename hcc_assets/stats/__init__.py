"""Statistics over samples and subjects: plain functions over small tables.

Estimators by themselves (``proportions``, ``kaplan_meier``, ``cox``, ``mixed_model``,
``moderated``, ``multiplicity``, ``paired``, ``simon``) and the published tables made with them.
No work on single cells, no reading of files and no Dagster belongs here. Functions that share the
name of their module (``associations``, ``composition_changes``, ``composition_sensitivity``) are
reached through it.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "change_table": "paired_changes",
        "compositions": "composition",
        "timepoint_compositions": "composition",
        "biopsy_missingness": "composition_confounders",
        "qc_kept": "composition_confounders",
        "deg_confirmatory": "deseq",
        "Fits": "differential_expression",
        "deg_tables": "differential_expression",
        "fit_classes": "differential_expression",
        "Ambient": "expression_units",
        "Curve": "kaplan_meier",
        "curve_of": "kaplan_meier",
        "follow_up": "kaplan_meier",
        "quantile": "kaplan_meier",
        "summarise": "kaplan_meier",
        "benjamini_hochberg": "multiplicity",
        "related_genes": "program_genes",
        "gene_programs": "programs",
        "program_changes": "programs",
        "program_scores": "programs",
        "clopper_pearson": "proportions",
        "poisson_rate": "proportions",
        "wilson": "proportions",
        "monitor": "simon",
    },
)
