"""Genes: where they lie on the genome, which are mitochondrial, ribosomal, sex-linked.

Marker panels and gene programs do not belong here.
"""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Names = pd.Index | pd.Series | list[str]

CHROMOSOMES: Final = (*map(str, range(1, 23)), "X", "Y", "MT")
"""Chromosomes in karyotype order, Ensembl names."""

CENTROMERES: Final[dict[str, float]] = {
    "1": 123.4,
    "2": 93.9,
    "3": 90.9,
    "4": 50.0,
    "5": 48.8,
    "6": 59.8,
    "7": 60.1,
    "8": 45.2,
    "9": 43.0,
    "10": 39.8,
    "11": 53.4,
    "12": 35.5,
    "13": 17.7,
    "14": 17.2,
    "15": 19.0,
    "16": 36.8,
    "17": 25.1,
    "18": 18.5,
    "19": 26.2,
    "20": 28.1,
    "21": 12.0,
    "22": 15.0,
    "X": 61.0,
    "Y": 10.4,
}
"""Middle of the centromere in megabases, GRCh38 (UCSC ``cytoBand``, border of the acen bands)."""

Y_GENES: Final = ("RPS4Y1", "DDX3Y", "EIF1AY", "KDM5D", "UTY", "USP9Y", "ZFY", "TMSB4Y", "NLGN4Y")
"""Genes of the male-specific region that most cells express; none lies in a pseudo-autosomal
region."""

X_INACTIVATION_GENE: Final = "XIST"

MHC_REGION: Final = ("6", 28_500_000, 33_500_000)
"""Chromosome, start and end of the MHC, rounded (GRCh38 of the Genome Reference Consortium:
28,510,120 to 33,480,577): expression there follows immune activity and not copy number."""


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    raw = files("hcc_assets.study").joinpath("data", "genes.parquet").read_bytes()
    frame = pd.read_parquet(io.BytesIO(raw))
    for column in ("gene_id", "gene", "chromosome"):
        frame[column] = frame[column].astype(str).astype(object)
    return frame.astype({"start": "int64", "length": "int64"})


def gene_table() -> pd.DataFrame:
    """Genes of Ensembl 110 (GRCh38) in genomic order.

    Returns
    -------
    pandas.DataFrame
        ``gene_id`` (without version), ``gene`` (symbol; 1,230 repeat, nearly all small RNAs),
        ``chromosome`` (Ensembl name; scaffolds last), ``start`` and ``length`` in bases. A copy:
        the caller may change it.
    """
    return _table().copy()


@lru_cache(maxsize=1)
def symbol_of() -> dict[str, str]:
    """Symbol of each Ensembl gene id."""
    table = _table()
    return dict(zip(table["gene_id"], table["gene"], strict=True))


@lru_cache(maxsize=1)
def gene_id_of() -> dict[str, str]:
    """Ensembl id of each symbol; a symbol that repeats gives its longest gene on a primary
    chromosome."""
    table = _table()
    primary = table["chromosome"].isin(CHROMOSOMES)
    ranked = table.assign(primary=primary).sort_values(
        ["primary", "length", "gene_id"], ascending=[True, True, False]
    )
    return dict(zip(ranked["gene"], ranked["gene_id"], strict=True))


def positions(genes: Names) -> pd.DataFrame:
    """Chromosome, arm and start of genes given by Ensembl id or by symbol.

    Parameters
    ----------
    genes
        n Ensembl ids (a version suffix is ignored) or symbols; both may be mixed.

    Returns
    -------
    pandas.DataFrame
        n rows in the given order: ``chromosome`` (None where unknown), ``arm`` (such as ``8q``; MT
        and scaffolds have none), ``start`` (-1 where unknown), ``order`` (rank on the genome, -1
        where unknown or on a scaffold).
    """
    table = _table()
    names = pd.Index(genes).astype(str)
    ids = pd.Index(
        [g.split(".")[0] if g.startswith("ENSG") else gene_id_of().get(g, g) for g in names]
    )
    where = pd.Index(table["gene_id"]).get_indexer(ids)
    found = where >= 0
    chromosome = np.where(found, table["chromosome"].to_numpy(dtype=object)[where], None)
    start = np.where(found, table["start"].to_numpy()[where], -1)
    arm = np.full(len(names), None, dtype=object)
    placed = np.zeros(len(names), dtype=bool)
    for name in {*CENTROMERES, *CHROMOSOMES}:
        on = chromosome == name
        if name in CENTROMERES:
            short = start < CENTROMERES[name] * 1e6
            arm[on & short], arm[on & ~short] = f"{name}p", f"{name}q"
        placed |= on & (name in CHROMOSOMES)
    order = np.where(placed, where, -1)
    return pd.DataFrame(
        {
            "chromosome": pd.Series(chromosome, dtype=object),
            "arm": pd.Series(arm, dtype=object),
            "start": start,
            "order": order,
        }
    )


def is_mitochondrial(symbols: Names) -> npt.NDArray[np.bool_]:
    """Genes of the mitochondrial genome (``MT-``), one flag per symbol."""
    return np.asarray(pd.Index(symbols).astype(str).str.startswith("MT-"))


def is_ribosomal(symbols: Names) -> npt.NDArray[np.bool_]:
    """Ribosomal protein genes: ``RPL`` and ``RPS`` followed by a digit, with RPLP and RPSA; kinases
    such as RPS6KA1 are not."""
    text = pd.Index(symbols).astype(str)
    return np.asarray(text.str.match(r"^(RP[LS]\d+[AXYL]?\d*L?\d*|RPLP\d|RPSA\d?|FAU|UBA52)$"))


def is_haemoglobin(symbols: Names) -> npt.NDArray[np.bool_]:
    """Haemoglobin chains; HBP1 and HBEGF are not."""
    return np.asarray(
        pd.Index(symbols)
        .astype(str)
        .isin(["HBA1", "HBA2", "HBB", "HBD", "HBE1", "HBG1", "HBG2", "HBM", "HBQ1", "HBZ"])
    )


def is_receptor_chain(symbols: Names) -> npt.NDArray[np.bool_]:
    """Segments and constant regions of immunoglobulins and T-cell receptors: clonal, so neither
    identity nor copy number follows from them."""
    return np.asarray(
        pd.Index(symbols).astype(str).str.match(r"^(IG[HKL][VDJCAGME]|IGLL5$|IGLC|TR[ABGD][VDJC])")
    )
