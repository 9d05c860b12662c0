"""Conjunctive rules: a cell is a seed of a class when several markers of the class, and none of its
neighbours, are there beyond what ambient RNA brings.

Cheap, per cell and per sample, so that seeds add up over samples. They decide when a reference may
be frozen and rescue rare classes; they are no annotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.special import pdtrc


def gene_names(text: str) -> tuple[str, ...]:
    """Symbols that a text names, parted by blanks."""
    return tuple(text.split())


EPITHELIAL: Final = gene_names(
    "EPCAM KRT8 KRT18 KRT19 KRT7 CDH1 CLDN3 CLDN4 CLDN7 ELF3 TACSTD2 KRT5 KRT14 KRT17 KRT15 "
    "KRT6A ESRP1 SPINT2 RAB25 AGR2 MUC1 PERP SFN CDH3"
)
"""Genes of epithelia of any organ."""
HEPATIC: Final = gene_names(
    "ALB APOA1 APOA2 APOC3 APOH TTR SERPINA1 FGB FGA AMBP RBP4 AHSG VTN APOB"
)
"""Secreted proteins of hepatocytes, normal and malignant."""
BILIARY: Final = gene_names(
    "FXYD2 CFTR PKHD1 SOX9 KRT7 KRT19 DCDC2 HNF1B SLC5A1 DEFB1 ANXA4 BICC1 SPP1 PIGR EPCAM"
)
NONCLASSICAL_MONOCYTE: Final = gene_names(
    "FCGR3A LILRB2 CDKN1C MS4A7 LYPD2 VMO1 HES4 SIGLEC10 TCF7L2 LILRB1 CFP APOBEC3A"
)
"""CD16 monocytes: they lack most genes of the classical ones and have some C1Q, yet are no
macrophages.
"""
CYCLING: Final = frozenset({"TOP2A", "MKI67", "UBE2C", "STMN1", "TYMS"})
"""Genes of dividing cells of any class."""
_SURE: Final = 1e-3
"""Chance of the genes of a rule from ambient RNA: own choice, 1 in 1,000."""


@dataclass(frozen=True)
class Rule:
    """At least ``minimum`` distinct genes of ``any_of`` (beyond ambient RNA), at most ``allowed``
    molecules of ``none_of`` beyond ambient RNA.
    """

    cell_class: str
    minimum: int
    any_of: tuple[str, ...]
    none_of: tuple[str, ...] = ()


RULES: Final = (
    Rule(
        "erythroid",
        3,
        gene_names("HBB HBA1 HBA2 ALAS2 AHSP SLC4A1 CA1 HBD GYPA HEMGN"),
        gene_names("PTPRC CD3D LYZ ALB COL1A1 PECAM1"),
    ),
    Rule(
        "platelet",
        3,
        gene_names("PPBP PF4 GP9 ITGA2B TUBB1 CLU GNG11 TREML1 CMTM5"),
        gene_names("CD3D LYZ MS4A1 ALB COL1A1 VWF NKG7 S100A8"),
    ),
    Rule(
        "mast",
        2,
        gene_names("TPSAB1 TPSB2 CPA3 MS4A2 HDC"),
        gene_names("CD3D CD3E C1QA MS4A1 ALB COL1A1"),
    ),
    Rule(
        "neutrophil",
        3,
        gene_names("CSF3R FCGR3B CXCR2 CMTM2 G0S2 CXCR1 FPR2 ADGRG3 PROK2 VNN2"),
        gene_names("HLA-DRA HLA-DPB1 C1QA CD3D MS4A1 CD14"),
    ),
    Rule(
        "neutrophil",
        2,
        gene_names("FCGR3B CXCR2 CMTM2 CXCR1 FPR2 ADGRG3 PROK2 VNN2 CSF3R G0S2"),
        gene_names(
            "HLA-DRA HLA-DRB1 HLA-DPB1 HLA-DPA1 CD74 C1QA CD3D MS4A1 CD14 VCAN NKG7 ALB COL1A1"
        ),
    ),
    Rule(
        "plasma",
        3,
        gene_names("MZB1 SDC1 DERL3 TNFRSF17 POU2AF1 JCHAIN FKBP11"),
        gene_names("MS4A1 CD3D LYZ LILRA4 ALB"),
    ),
    Rule(
        "B",
        2,
        gene_names("MS4A1 CD79A CD19 BANK1 PAX5 VPREB3 FCRL1 FCRLA CD22"),
        gene_names("CD3D CD3E LYZ SDC1 LILRA4 ALB"),
    ),
    Rule(
        "T",
        2,
        gene_names("CD3D CD3E CD3G TRAC CD2 CD5 CD6 THEMIS BCL11B TRBC2"),
        gene_names("MS4A1 CD79A LYZ C1QA ALB COL1A1 KLRF1"),
    ),
    Rule(
        "NK",
        3,
        gene_names("KLRF1 NCAM1 KLRD1 GNLY NKG7 FGFBP2 XCL1 XCL2 KLRC1 NCR1 SH2D1B"),
        gene_names("CD3D CD3E CD3G TRAC LYZ MS4A1 ALB"),
    ),
    Rule(
        "dendritic",
        2,
        gene_names("CLEC9A XCR1 CADM1 WDFY4"),
        gene_names("CD3D FCN1 C1QC S100A12 MS4A1 ALB"),
    ),
    Rule(
        "dendritic",
        2,
        gene_names("CD1C CLEC10A FCER1A CD1E"),
        gene_names("CD3D FCN1 C1QC C1QA S100A12 CD163 MS4A1 ALB"),
    ),
    Rule(
        "dendritic",
        2,
        gene_names("LAMP3 CCL19 CCL22 FSCN1"),
        gene_names("CD3D FCN1 C1QC S100A12 MS4A1 ALB"),
    ),
    Rule(
        "dendritic",
        2,
        gene_names("LILRA4 CLEC4C IL3RA SMPD3 SCT"),
        gene_names("CD3D FCN1 C1QC LYZ S100A12 ALB"),
    ),
    Rule(
        "macrophage",
        2,
        gene_names("C1QA C1QB C1QC CD163 MRC1 MSR1 MARCO VSIG4 CD5L"),
        gene_names("FCN1 S100A12 CD3D MS4A1 FCGR3B"),
    ),
    Rule(
        "monocyte",
        2,
        gene_names("FCN1 VCAN S100A12 CD14 CD300E CFP LILRB2"),
        gene_names("C1QA C1QB C1QC FCGR3B CXCR2 CD3D MS4A1 CD1C"),
    ),
    Rule(
        "lymphatic_endothelial",
        2,
        gene_names("PROX1 CCL21 PDPN MMRN1 RELN"),
        gene_names("PTPRC COL1A1 ALB VWF CD3D"),
    ),
    Rule(
        "vascular_endothelial",
        3,
        gene_names(
            "PECAM1 VWF CDH5 CLDN5 KDR FLT1 TEK TIE1 EGFL7 ESAM PLVAP EMCN RAMP2 ERG ROBO4 "
            "CLEC14A STAB2"
        ),
        gene_names("PTPRC CD3D COL1A1 PROX1 CCL21"),
    ),
    Rule(
        "fibroblast",
        3,
        gene_names("COL1A1 COL1A2 COL3A1 DCN LUM PDGFRB PDGFRA ACTA2 RGS5 COL6A3 NOTCH3"),
        gene_names("PTPRC PECAM1 VWF EPCAM CD3D"),
    ),
    Rule(
        "hepatocyte",
        3,
        gene_names("CYP3A4 CYP2E1 CYP2C9 CYP2C8 CYP1A2 HAMP ADH1B ADH4 C9 TAT G6PC1 HAO1 SLC22A1"),
        gene_names("GPC3 AFP PEG10 PTPRC CD3D COL1A1"),
    ),
    Rule(
        "tumour",
        2,
        gene_names("GPC3 AFP AKR1B10 SPINK1 PEG10 DLK1 S100P REG3A GOLM1 CAP2 COX7B2 MAGEA6"),
        gene_names("PTPRC CD3D PECAM1 COL1A1 LYZ CYP3A4 CYP2C8"),
    ),
    Rule(
        "tumour", 4, EPITHELIAL, gene_names("PTPRC CD3D PECAM1 VWF COL1A1 LYZ ALB FXYD2 CFTR PKHD1")
    ),
    Rule("cholangiocyte", 4, BILIARY, gene_names("PTPRC CD3D ALB COL1A1 PECAM1")),
)
"""In order of precedence within a draw: a cell that satisfies rules of two classes is no seed,
except of the same class twice.
"""


def rule_evidence(
    counts: sp.csr_matrix,
    symbols: npt.NDArray[np.object_],
    ambient: npt.NDArray[np.float64],
    ambient_umi: npt.NDArray[np.float64],
    rule: Rule,
) -> npt.NDArray[np.bool_]:
    """Cells that satisfy one rule.

    A gene counts as there when its molecules are improbable (Poisson, 0.001) under the ambient RNA
    of the droplet, or a single molecule of a gene that the ambient RNA hardly has. Genes of
    ``none_of`` may be there as far as ambient RNA explains them.
    """
    where = {str(s): i for i, s in enumerate(symbols)}
    want = [where[g] for g in rule.any_of if g in where]
    if len(want) < rule.minimum:
        return np.zeros(counts.shape[0], dtype=bool)

    def above(columns: list[int]) -> npt.NDArray[np.bool_]:
        block = counts[:, columns].toarray().astype(float)
        at, gene = np.nonzero(block > 0)  # the tail is dear, and most of the block is empty
        expected = np.maximum(1.5 * ambient_umi[at] * ambient[columns][gene], 1e-9)
        out = np.zeros(block.shape, dtype=bool)
        out[at, gene] = pdtrc(np.maximum(block[at, gene] - 1, 0), expected) < 0.05
        return out

    found = above(want)
    together = counts[:, want].toarray().sum(axis=1).astype(float)
    beyond = (
        pdtrc(
            np.maximum(together - 1, 0), np.maximum(1.5 * ambient_umi * ambient[want].sum(), 1e-9)
        )
        < _SURE
    )
    out = (found.sum(axis=1) >= rule.minimum) & beyond
    against = [where[g] for g in rule.none_of if g in where]
    if against and out.any():
        rows = np.flatnonzero(out)
        block = counts[rows][:, against].toarray().astype(float)
        expected = np.maximum(2.0 * ambient_umi[rows, None] * ambient[against][None, :], 1e-9)
        out[rows] = ~((block > 0) & (pdtrc(np.maximum(block - 1, 0), expected) < 0.02)).any(axis=1)
    return out


def seed_classes(
    counts: sp.csr_matrix,
    symbols: npt.NDArray[np.object_],
    ambient: npt.NDArray[np.float64],
    ambient_umi: npt.NDArray[np.float64],
) -> npt.NDArray[np.object_]:
    """Class of each seed cell, an empty text for all others.

    Parameters
    ----------
    counts, symbols
        Cells x genes and the symbols of the columns.
    ambient, ambient_umi
        Share of each gene in the sample's ambient RNA, expected ambient molecules of each cell.
    """
    names = sorted({r.cell_class for r in RULES})
    hit = np.zeros((counts.shape[0], len(names)), dtype=bool)
    wanted = np.flatnonzero(
        pd.Index(symbols).isin({g for r in RULES for g in (*r.any_of, *r.none_of)})
    )
    narrow = sp.csr_matrix(counts[:, wanted])
    for rule in RULES:
        hit[:, names.index(rule.cell_class)] |= rule_evidence(
            narrow, symbols[wanted], ambient[wanted], ambient_umi, rule
        )
    single = hit.sum(axis=1) == 1
    out = np.full(counts.shape[0], "", dtype=object)
    out[single] = np.array(names, dtype=object)[hit[single].argmax(axis=1)]
    return out
