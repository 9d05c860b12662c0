"""Recipes of gene expression across samples: paired comparisons per class, pre-registered programs. Statistics are in ``hcc_assets.stats``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe
from hcc_assets.defs.cohort import pseudobulks, standing_samples
from hcc_assets.home.versions import CheckRecord, digest
from hcc_assets.schemas import expression as models
from hcc_assets.study.classes import PRIMARY_CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hcc_assets.stats.differential_expression import Fits

_last_fits: dict[str, Any] = {}
"""The fits of the newest inputs: five tables of one run are read from one fit."""


def _fits(ask: Ask) -> Fits:
    from hcc_assets.stats.differential_expression import fit_classes
    from hcc_assets.stats.expression_units import Ambient

    names = [s for s in ask.samples("pseudobulk") if s in set(standing_samples(ask)["sample_id"])]
    versions = {s: ask.bench.versions.require("pseudobulk", s).data_version for s in names}
    versions |= {f"qc {s}": ask.bench.versions.require("qc_cells", s).data_version for s in names}
    key = digest(
        str(ask.bench.home.root),
        versions,
        ask.bench.versions.require("samples").data_version,
        ask.config.model_dump(mode="json"),
    )
    if key not in _last_fits:
        samples = standing_samples(ask)
        ambient: dict[str, Ambient] = {}
        for name in names:
            profile, row = (
                ask.frame("qc_cells", "ambient", name),
                ask.frame("qc_cells", "sample", name).iloc[0],
            )
            if row["ambient_fraction"] == row["ambient_fraction"]:
                ambient[name] = Ambient(
                    profile.set_index("gene_id")["share"], float(row["ambient_fraction"])
                )
        fits = fit_classes(
            samples[samples["sample_id"].isin(names)],
            pseudobulks(ask, names),
            ask.config,
            ambient=ambient,
        )
        _last_fits.clear()
        _last_fits[key] = fits
    found: Fits = _last_fits[key]
    return found


def _deg_tables(ask: Ask) -> Output:
    from hcc_assets.stats.differential_expression import deg_tables

    fits = _fits(ask)
    table = deg_tables(standing_samples(ask), fits.stack, ask.config, fits=fits)
    tested = int(table.loc[table["p_value"].notna(), "cell_class"].nunique())
    flagged = int(table["ambient_flag"].sum())
    return Output(
        table=table,
        checks=[
            CheckRecord(
                name="classes_tested",
                passed=tested > 0,
                severity="WARN",
                affected=tested,
                description=f"{tested} classes have enough pairs",
            )
        ],
        metadata={"classes_tested": tested, "genes_flagged_ambient": flagged},
    )


def _deg_confirmatory(ask: Ask) -> Output:
    from hcc_assets.stats.deseq import deg_confirmatory

    fits = _fits(ask)
    return Output(table=deg_confirmatory(standing_samples(ask), fits.stack, ask.config, fits=fits))


def _related_genes(ask: Ask) -> Output:
    from hcc_assets.stats.program_genes import related_genes

    fits = _fits(ask)
    return Output(table=related_genes(standing_samples(ask), fits.stack, ask.config, fits=fits))


def _program_scores(ask: Ask) -> Output:
    from hcc_assets.stats.programs import program_scores

    fits = _fits(ask)
    return Output(table=program_scores(standing_samples(ask), fits.stack, ask.config, fits=fits))


def _gene_programs(ask: Ask) -> Output:
    from hcc_assets.stats.programs import gene_programs

    fits = _fits(ask)
    return Output(table=gene_programs(standing_samples(ask), fits.stack, ask.config, fits=fits))


def _program_changes(ask: Ask) -> Output:
    from hcc_assets.stats.programs import program_changes

    fits = _fits(ask)
    return Output(table=program_changes(standing_samples(ask), fits.stack, ask.config, fits=fits))


def _deg_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.expression import volcano

    assert output.table is not None
    tested = output.table.loc[output.table["p_value"].notna(), "cell_class"].unique()
    return {f"volcano_{c}": volcano(output.table, c) for c in PRIMARY_CLASSES if c in tested}


def _related_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.expression import dot_plot

    assert output.table is not None
    return {f"related_{p}": dot_plot(output.table, p) for p in _TARGET_PROGRAMS}


def _program_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.expression import program_heatmap

    assert output.table is not None
    return {"program_heatmap": program_heatmap(output.table)}


_TARGET_PROGRAMS = ("vegfr_axis", "fgfr_axis", "csf1r_axis")
"""Programs of the drug's targets: these have a figure of their own."""

_INPUTS = ("samples", "qc_cells", "annotated_cells", "pseudobulk")
_SETTINGS = ("single_cell", "samples")
_TAGS = {"layer": "cohort"}

EXPRESSION_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="deg_tables",
        compute=_deg_tables,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.DegTables,
        settings=_SETTINGS,
        checks=(
            Check(
                "classes_tested",
                "At least one class has enough pairs to test",
                "WARN",
                todo="Wait for second biopsies.",
            ),
        ),
        figures=_deg_figures,
        description="Differential expression after against before treatment within patients, class by class, on pseudobulk. Fast moderated paired engine.",
        tags=_TAGS,
    ),
    Recipe(
        name="deg_confirmatory",
        compute=_deg_confirmatory,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.DegConfirmatory,
        settings=_SETTINGS,
        automatic=False,
        description="The same comparison by PyDESeq2, with its agreement with the fast engine. On request or weekly.",
        kinds=("python", "pydeseq2"),
        tags=_TAGS,
    ),
    Recipe(
        name="related_genes",
        compute=_related_genes,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.RelatedGenes,
        settings=_SETTINGS,
        figures=_related_figures,
        description="Genes of the pre-registered programs before and after treatment, class by class. Adjusted within the program.",
        tags=_TAGS,
    ),
    Recipe(
        name="program_scores",
        compute=_program_scores,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.ProgramScores,
        settings=_SETTINGS,
        description="Score of each program in each class of each sample. Compares samples of one class and study.",
        tags=_TAGS,
    ),
    Recipe(
        name="program_changes",
        compute=_program_changes,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.ProgramChanges,
        settings=_SETTINGS,
        description="Change of each program in each class of each patient. What associations and figures read.",
        tags=_TAGS,
    ),
    Recipe(
        name="gene_programs",
        compute=_gene_programs,
        group="primary_outcome",
        inputs=_INPUTS,
        model=models.GenePrograms,
        settings=_SETTINGS,
        figures=_program_figures,
        description="Paired change of each program over patients, class by class. All classes and programs are one family of tests.",
        tags=_TAGS,
    ),
)
