"""What the simulated cells express and how many there are, as plain data: programs, states, library
sizes, composition, effects of treatment.

Generators belong to ``world`` and ``cells``. Marker genes of the classes come from
``study.markers``; the programs here add what a class shares with its neighbours, so that neighbours
can be confused, and the few transcripts that fill most of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class State:
    """A sub-state of a class: its share of the class, and genes raised on top of its program."""

    name: str
    cell_class: str
    share: float
    genes: str = ""
    lowered: str = ""


NOVEL: Final = "novel"
"""Class name of cells that no panel knows (an islet-like type); simulated only when asked for."""

# Shares within a class are our choice.
STATES: Final = (
    State("tumour", "tumour", 0.85),
    State(
        "tumour_cycling",
        "tumour",
        0.15,
        "MKI67 TOP2A UBE2C STMN1 TYMS PCLAF CCNB1 CDK1 BIRC5 CENPF TUBA1B HMGB2",
    ),
    State("hepatocyte_central", "hepatocyte", 0.5, "CYP2E1 CYP1A2 CYP3A4 GLUL SLC1A2 RHBG"),
    State("hepatocyte_portal", "hepatocyte", 0.5, "CPS1 HAL SDS PCK1 ASS1 ALDOB"),
    State("tumour_endothelial", "vascular_endothelial", 0.6, "PLVAP ESM1 INSR COL4A1 ANGPT2 APLN"),
    State(
        "sinusoidal",
        "vascular_endothelial",
        0.4,
        "CLEC4G CLEC4M STAB2 FCN2 FCN3 CRHBP OIT3 DNASE1L3 LYVE1",
        "VWF",
    ),
    State("classical_monocyte", "monocyte", 0.75, "S100A12 VCAN CD14 S100A8"),
    State(
        "nonclassical_monocyte", "monocyte", 0.25, "FCGR3A LILRB2 MS4A7 CDKN1C LST1", "S100A12 CD14"
    ),
    State("kupffer", "macrophage", 0.35, "CD5L MARCO VSIG4 TIMD4 FOLR2 SLC40A1", "SPP1"),
    State("spp1_tam", "macrophage", 0.35, "SPP1 GPNMB CSTB FABP5 MMP9", "CD5L TIMD4"),
    State("lipid_macrophage", "macrophage", 0.3, "TREM2 APOC1 APOE LPL", "CD5L"),
    State("mast", "mast", 1.0),
    State("cd8_effector", "T", 0.35, "CD8A CD8B GZMK GZMB NKG7 CCL5 CCL4 CST7", "CD4 FOXP3"),
    State(
        "cd8_exhausted",
        "T",
        0.15,
        "CD8A CD8B PDCD1 HAVCR2 LAG3 TIGIT TOX ENTPD1 CXCL13 LAYN GZMB NKG7 CCL5",
        "CD4 IL7R FOXP3",
    ),
    State("cd4_naive", "T", 0.35, "CD4 IL7R CCR7 LEF1 TCF7 SELL LTB", "CD8A CD8B FOXP3"),
    State("treg", "T", 0.15, "CD4 FOXP3 IL2RA CTLA4 IKZF2 TNFRSF4 TNFRSF18", "CD8A CD8B IL7R"),
    State("b_naive", "B", 0.5, "TCL1A FCER2 IGHD IGHM"),
    State("b_memory", "B", 0.5, "CD27 AIM2 TNFRSF13B", "TCL1A FCER2"),
    State(
        "cdc1",
        "dendritic",
        0.2,
        "CLEC9A XCR1 CADM1 BATF3 WDFY4 CPNE3",
        "CD1C CLEC10A FCER1A LILRA4 CLEC4C LAMP3",
    ),
    State(
        "cdc2",
        "dendritic",
        0.45,
        "CD1C CLEC10A FCER1A CD1E PKIB",
        "CLEC9A XCR1 LILRA4 CLEC4C LAMP3 CCL19",
    ),
    State(
        "mregdc",
        "dendritic",
        0.15,
        "LAMP3 CCR7 FSCN1 CCL19 CCL22 IDO1",
        "CLEC9A CD1C LILRA4 CLEC4C",
    ),
    State(
        "pdc",
        "dendritic",
        0.2,
        "LILRA4 CLEC4C IL3RA TCF4 PLD4 SMPD3 IRF7",
        "CLEC9A CD1C CLEC10A FCER1A LAMP3 LYZ",
    ),
    State("neutrophil", "neutrophil", 0.6),
    State("tumour_neutrophil", "neutrophil", 0.4, "CCL4 CCL3 CD274 IFIT1 OLR1 VEGFA"),
    State("nk_cd16", "NK", 0.6, "FCGR3A FGFBP2 PRF1 SPON2 CX3CR1"),
    State("nk_resident", "NK", 0.4, "XCL1 XCL2 KLRC1 NCAM1 CD69 CXCR6"),
    State("plasma_igg", "plasma", 0.6, "IGHG1 IGHG3 IGKC"),
    State("plasma_iga", "plasma", 0.4, "IGHA1 JCHAIN IGLC2"),
    State("caf", "fibroblast", 0.5, "FAP POSTN COL1A1 LUM", "RGS5 MYH11"),
    State("pericyte", "fibroblast", 0.5, "RGS5 NOTCH3 MYH11 CNN1 ACTA2", "FAP LUM PDGFRA"),
    State("cholangiocyte", "cholangiocyte", 1.0),
    State("lymphatic", "lymphatic_endothelial", 1.0),
    State("erythroid", "erythroid", 1.0),
    State("platelet", "platelet", 1.0),
    State(
        "islet_like",
        NOVEL,
        1.0,
        "CHGA CHGB SYP INSM1 SCG2 SCG5 PCSK1 PCSK2 SYT4 STMN2 GAP43 SCGN NEUROD1 RFX6 CPE",
    ),
)

SHARED: Final = {
    "immune": (
        "PTPRC CORO1A LCP1 LAPTM5 CD37 CD53 ARHGDIB RAC2 SRGN CD48 CXCR4 PTPN6 ITGB2 HCLS1",
        5e-4,
    ),
    "myeloid": (
        (
            "TYROBP FCER1G AIF1 CTSS SPI1 CST3 LYZ FTL CYBB LST1 MNDA PLEK CEBPB NCF2 ITGAX C5AR1 "
            "LILRB1 CSTB"
        ),
        6e-4,
    ),
    "mhc2": ("HLA-DRA HLA-DRB1 HLA-DPA1 HLA-DPB1 HLA-DQA1 HLA-DQB1 CD74 HLA-DMA CIITA", 1.5e-3),
    "lymphoid": ("CD69 LTB CD52 ETS1 IKZF1 IL2RG BTG1 CD247 EVL ISG20 STK17A", 5e-4),
    "cytotoxic": ("NKG7 GNLY PRF1 GZMB GZMA CST7 CTSW CCL5 KLRD1 KLRB1", 5e-4),
    "granulocyte": ("S100A8 S100A9 S100A12 SELL NAMPT CXCL8 TREM1 MNDA", 8e-4),
    "endothelial": (
        "PECAM1 CDH5 CLDN5 RAMP2 EGFL7 ESAM ENG CAV1 TM4SF1 SPARCL1 GNG11 A2M IGFBP7 ECSCR",
        6e-4,
    ),
    "mesenchymal": ("SPARC IGFBP7 COL4A1 COL4A2 CALD1 TIMP1 TIMP3 VIM BGN", 6e-4),
    "hepatic": (
        (
            "ALB APOA1 APOA2 APOC3 APOH TTR SERPINA1 FGB FGA FGG TF AMBP HP APOB AHSG RBP4 APOC1 "
            "APOE FABP1 ORM1 VTN ITIH4"
        ),
        5e-3,
    ),
    "epithelial": ("KRT8 KRT18 EPCAM CDH1 CLDN3 SPINT2 CD24 ELF3", 4e-4),
}
"""Programs that several classes share: genes and their median share of the molecules (our choice,
so that neighbours are confusable: single-cell methods, section 5)."""

LINEAGES: Final = {
    "tumour": ("hepatic", "epithelial"),
    "hepatocyte": ("hepatic", "epithelial"),
    "cholangiocyte": ("epithelial",),
    "vascular_endothelial": ("endothelial", "mesenchymal"),
    "lymphatic_endothelial": ("endothelial", "mesenchymal"),
    "fibroblast": ("mesenchymal",),
    "monocyte": ("immune", "myeloid", "mhc2", "granulocyte"),
    "macrophage": ("immune", "myeloid", "mhc2"),
    "dendritic": ("immune", "myeloid", "mhc2"),
    "neutrophil": ("immune", "myeloid", "granulocyte"),
    "mast": ("immune", "myeloid"),
    "T": ("immune", "lymphoid", "cytotoxic"),
    "NK": ("immune", "lymphoid", "cytotoxic"),
    "B": ("immune", "lymphoid", "mhc2"),
    "plasma": ("immune", "lymphoid"),
    "erythroid": (),
    "platelet": (),
    NOVEL: ("epithelial",),
}
"""Shared programs of each class. Neighbours overlap: that is what makes them confusable."""

DOMINANT: Final = {
    "erythroid": {"HBB": 0.25, "HBA1": 0.15, "HBA2": 0.15, "HBD": 0.01},
    "platelet": {"PPBP": 0.03, "PF4": 0.02, "TUBB1": 0.005},
    "plasma": {"IGKC": 0.05, "IGHG1": 0.04, "IGLC2": 0.03, "JCHAIN": 0.01},
    "hepatocyte": {"ALB": 0.035, "APOA1": 0.01, "SERPINA1": 0.008},
    "tumour": {"ALB": 0.015, "APOA1": 0.006, "SERPINA1": 0.008},
    "neutrophil": {"S100A8": 0.02, "S100A9": 0.02},
    "monocyte": {"S100A8": 0.008, "S100A9": 0.009, "LYZ": 0.008},
    "macrophage": {"APOE": 0.005, "C1QA": 0.002, "C1QB": 0.002},
    "mast": {"TPSAB1": 0.006, "TPSB2": 0.006, "CPA3": 0.002},
    "fibroblast": {"COL1A1": 0.006, "COL3A1": 0.006, "COL1A2": 0.005},
}
"""Transcripts that fill a class: share of the molecules; our choice, by what 10x data show."""

# Share of the molecules of any cell; our choice, as in 10x data.
HOUSEKEEPING: Final = {
    "MALAT1": 0.02,
    "B2M": 0.01,
    "TMSB4X": 0.008,
    "EEF1A1": 0.012,
    "ACTB": 0.006,
    "FTH1": 0.010,
    "FTL": 0.008,
    "TPT1": 0.006,
    "GAPDH": 0.004,
    "HLA-A": 0.002,
    "HLA-B": 0.003,
    "HLA-C": 0.002,
    "TMSB10": 0.004,
    "UBC": 0.001,
    "NEAT1": 0.002,
    "HSP90AA1": 0.0015,
}

# Shares of the molecules; our choice, in the order that 10x data show (hepatocytes most).
MITOCHONDRIAL_SHARE: Final = {
    "hepatocyte": 0.16,
    "tumour": 0.09,
    "neutrophil": 0.03,
    "erythroid": 0.02,
    "mast": 0.06,
}
MITOCHONDRIAL_SHARE_OTHER: Final = 0.05  # of all other classes
# Likewise; lymphocytes most.
RIBOSOMAL_SHARE: Final = {
    "T": 0.22,
    "B": 0.24,
    "NK": 0.16,
    "tumour": 0.12,
    "hepatocyte": 0.06,
    "neutrophil": 0.05,
    "erythroid": 0.05,
}
RIBOSOMAL_SHARE_OTHER: Final = 0.11  # of all other classes

LIBRARY_SIZE: Final = {
    "tumour": 9000,
    "hepatocyte": 5500,
    "vascular_endothelial": 4200,
    "lymphatic_endothelial": 3800,
    "fibroblast": 4500,
    "cholangiocyte": 5500,
    "monocyte": 3600,
    "macrophage": 5200,
    "dendritic": 4200,
    "neutrophil": 640,
    "mast": 2500,
    "T": 2500,
    "NK": 2300,
    "B": 2500,
    "plasma": 5000,
    "erythroid": 1500,
    "platelet": 700,
    NOVEL: 5000,
}
"""Median molecules per cell (single-cell methods, section 5: neutrophil 500 to 700, tumour 9,000;
the others between, our choice)."""

COMPOSITION: Final = {
    "tumour": 0.42,
    "hepatocyte": 0.07,
    "T": 0.14,
    "NK": 0.04,
    "macrophage": 0.09,
    "monocyte": 0.045,
    "B": 0.03,
    "plasma": 0.02,
    "dendritic": 0.02,
    "mast": 0.014,
    "neutrophil": 0.04,
    "vascular_endothelial": 0.06,
    "fibroblast": 0.05,
    "cholangiocyte": 0.012,
    "lymphatic_endothelial": 0.006,
    "erythroid": 0.005,
    "platelet": 0.003,
}
"""Average share of the cells of a biopsy before treatment; our choice, rare classes below 2 %."""

COMPOSITION_EFFECT: Final = {
    "macrophage": -0.9,
    "vascular_endothelial": -0.7,
    "T": 0.7,
    "tumour": -0.3,
}
"""Change of natural-log abundance under treatment; all other classes keep theirs. Our choice, near
the effects of the calibration (single-cell methods, section 3)."""

EXPRESSION_EFFECT: Final = {
    "vascular_endothelial": {
        -1.4: "ESM1 DLL4 ANGPT2 APLN CXCR4",
        -0.9: "NID2 PXDN HECW2 RAMP3 KDR PLVAP INSR MCAM",
        0.9: "ICAM1 VCAM1 LYVE1",
    },
    "macrophage": {-1.0: "CD163 MRC1 FOLR2 VSIG4 MARCO CSF1R", 1.1: "CXCL9 CXCL10 STAT1 GBP1"},
    "T": {0.9: "GZMB PRF1 IFNG GZMA", -0.8: "TOX HAVCR2 LAYN ENTPD1"},
    "tumour": {
        -1.2: "VEGFA CA9 ADM NDRG1 SLC2A1",
        -0.9: "DUSP6 SPRY2 SPRY4 ETV4 ETV5",
        0.8: "HLA-A HLA-B TAP1 PSMB9",
    },
    "fibroblast": {-0.9: "PDGFRB POSTN FAP COL4A1"},
}
"""Known log2 fold changes (post against pre) of named genes; ``world`` adds unnamed ones. Our
choice around 1, the size at which the engines were compared (single-cell methods, section 4)."""

GAINED_ARMS: Final = ("1q", "8q", "5p", "6p", "7q", "17q", "20q")
LOST_ARMS: Final = ("4q", "8p", "13q", "16q", "17p", "1p", "6q", "14q")
"""Arms that recur in hepatocellular carcinoma, the most frequent first."""
