"""Strengths of the simulation from real profiles: what the biopsies hold, how far studies, patients
and chemistries differ. No generator belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass

PLAIN = "aneuploid"
NEAR_DIPLOID = "near-diploid"
DEDIFFERENTIATED = "dedifferentiated"
EMT = "mesenchymal"


@dataclass(frozen=True)
class RealSettings:
    """Strengths of effects and nuisances; all defaults are our choice where nothing else is said.

    Attributes
    ----------
    study_scatter
        Factor on the prior's variance between studies by which the states of a simulated study
        differ from the prior; 1 is a further real study, 0 the prior itself.
    patient_sd, class_patient_sd, batch_sd
        Sd of natural-log gene effects between patients in all cells, between patients in cells of
        one class, and between samples.
    tumour_sd
        Sd of further natural-log gene effects of a patient's tumour: no two tumours are alike.
    chemistry_sd
        Sd of natural-log gene factors of the second chemistry.
    chemistry_by
        ``patient``: every second patient has the second chemistry; ``timepoint``: every biopsy
        under treatment has it (confounded); ``none``: there is one.
    tumour_kinds
        Kinds of tumour, dealt to the patients in turn.
    ambient, ambient_high
        Share of ambient molecules in the average cell of a sample: log-uniform between the two.
    ambient_slope
        Ambient molecules of a droplet grow with its own to this power.
    haemoglobin
        Share of the ambient molecules that burst red cells left, in the average sample.
    doublets, damaged
        Share of droplets with two cells and of damaged cells.
    umi_scale
        Factor on the median molecules of all classes (SINGLE_CELL.md, section 6.7: hepatocytes
        13,300, myeloid cells 5,770, T and NK cells 2,530).
    dispersion
        Gamma shape of the cell-to-cell variation of one gene.
    continuum
        Share of the monocytes, macrophages, T and NK cells that lie between two classes.
    cycling
        Factor on the share of cycling cells (15 % of tumour, 8 % of T cells; our choice).
    composition_patient_sd, composition_sample_sd
        Sd of log class abundance between patients and between samples of one patient.
    composition_effect, expression_effect
        Factor on the known effects of treatment on class abundance and on genes.
    target_effect
        Log2 fall under treatment of the genes of the receptors that the drug inhibits, in every
        cell: what moves markers of endothelium and macrophages without moving the classes.
    hazard_effect
        Log hazard ratio of progression per sd of the patient's change in T cells.
    novel, novel_share
        State of no class that is added (``islet-like``, or a state of the prior such as
        ``epithelium/ciliated``) and its share of the cells.
    absent_after
        Classes that no biopsy under treatment holds.
    without
        Classes that no biopsy holds at all.
    """

    study_scatter: float = 1.0
    patient_sd: float = 0.2
    class_patient_sd: float = 0.15
    batch_sd: float = 0.12
    tumour_sd: float = 0.45
    chemistry_sd: float = 0.35
    chemistry_by: str = "patient"
    tumour_kinds: tuple[str, ...] = (
        PLAIN,
        PLAIN,
        DEDIFFERENTIATED,
        NEAR_DIPLOID,
        PLAIN,
        EMT,
        PLAIN,
        PLAIN,
    )
    ambient: float = 0.04
    ambient_high: float = 0.30
    ambient_slope: float = 0.5
    haemoglobin: float = 0.05
    doublets: float = 0.05
    damaged: float = 0.05
    umi_scale: float = 1.0
    dispersion: float = 2.5
    continuum: float = 0.25
    cycling: float = 1.0
    composition_patient_sd: float = 0.6
    composition_sample_sd: float = 0.35
    composition_effect: float = 1.0
    expression_effect: float = 1.0
    target_effect: float = 1.0
    hazard_effect: float = -0.5
    novel: str = ""
    novel_share: float = 0.05
    absent_after: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
