"""How hard a simulated trial is: every strength of effect and of nuisance, with three presets.

No generator belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SimulationSettings:
    """Strengths of effects and nuisances.

    Attributes
    ----------
    n_genes
        Genes of the world; every panel gene is among them.
    marker_level, marker_spread
        Median share of a cell's molecules that a class marker has in its class, and its log-normal
        sd between markers.
    marker_leak
        Share of a marker outside its class, relative to ``marker_level``.
    dominance
        Factor on the shares of the transcripts that fill a class (tryptases, S100A8, collagens).
    lineage_genes, lineage_sd, class_genes, class_sd
        Number of further genes and sd of their natural-log fold change in the program that a
        lineage shares and in the program of one class.
    patient_sd, batch_sd
        Sd of natural-log gene effects between patients and between samples.
    tumour_contrast
        Strength of the onco-fetal and of the lost mature program of tumour cells, 1 being plain.
    gain, loss
        Expression factor of a gained and of a lost chromosome arm.
    arms_changed
        Arms changed in the main clone of a patient's tumour.
    ambient
        Share of ambient molecules in the average cell.
    ambient_slope
        Ambient molecules of a droplet grow with its own to this power: 0 the same in each droplet,
        1 proportional.
    doublets, damaged
        Share of droplets with two cells and of damaged cells.
    umi_scale
        Factor on the median library sizes of all classes.
    dispersion
        Gamma shape of the cell-to-cell variation of one gene.
    composition_patient_sd, composition_sample_sd
        Sd of log class abundance between patients and between samples of one patient.
    composition_effect, expression_effect
        Factor on the known effects of treatment on class abundance and on genes; 0 is none.
    hazard_effect
        Log hazard ratio of progression per sd of the patient's change in T cells.
    novel
        Share of cells of a type that no panel knows.
    """

    n_genes: int = 15_000
    marker_level: float = 6e-4
    marker_spread: float = 0.7
    marker_leak: float = 0.006
    dominance: float = 1.0
    lineage_genes: int = 500
    lineage_sd: float = 0.9
    class_genes: int = 500
    class_sd: float = 1.0
    patient_sd: float = 0.12
    batch_sd: float = 0.10
    tumour_contrast: float = 1.0
    gain: float = 1.5
    loss: float = 0.6
    arms_changed: int = 6
    ambient: float = 0.05
    ambient_slope: float = 0.5
    doublets: float = 0.03
    damaged: float = 0.04
    umi_scale: float = 1.0
    dispersion: float = 4.0
    composition_patient_sd: float = 0.5
    composition_sample_sd: float = 0.25
    composition_effect: float = 1.0
    expression_effect: float = 1.0
    hazard_effect: float = -0.5
    novel: float = 0.0

    @classmethod
    def easy(cls) -> SimulationSettings:
        """A clean trial: classes far apart, little ambient RNA; what the demo shows."""
        return cls()

    @classmethod
    def hard(cls) -> SimulationSettings:
        """Few genes per cell, 12 % ambient RNA, 8 % doublets, patient sd 0.3, batch sd 0.25,
        neighbours confusable, tumour close to hepatocyte."""
        return cls(
            marker_level=1.2e-4,
            marker_spread=1.1,
            marker_leak=0.06,
            dominance=0.3,
            lineage_genes=900,
            lineage_sd=0.9,
            class_genes=150,
            class_sd=0.7,
            patient_sd=0.30,
            batch_sd=0.25,
            tumour_contrast=0.7,
            gain=1.4,
            loss=0.6,
            ambient=0.12,
            doublets=0.08,
            damaged=0.08,
            umi_scale=0.65,
            dispersion=2.0,
            composition_patient_sd=0.7,
            composition_sample_sd=0.5,
        )

    @classmethod
    def null(cls) -> SimulationSettings:
        """The easy world in which treatment does nothing: what calibrates a test."""
        return replace(cls(), composition_effect=0.0, expression_effect=0.0, hazard_effect=0.0)

    @classmethod
    def named(cls, name: str) -> SimulationSettings:
        """The preset ``easy``, ``hard`` or ``null``.

        Raises
        ------
        ValueError
            For any other name.
        """
        presets = {"easy": cls.easy, "hard": cls.hard, "null": cls.null}
        if name not in presets:
            raise ValueError(f"setting is one of {', '.join(presets)}")
        return presets[name]()
