"""Reading one delivered matrix as counts of one sample. Quality of cells is judged in ``quality``;
hostile files should come through ``isolation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hcc_assets.cells.reading.decoded import Decoded
from hcc_assets.cells.reading.matrix_files import MatrixFiles, find_matrix
from hcc_assets.cells.reading.refused import MatrixRefused

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["MatrixFiles", "MatrixRefused", "find_matrix", "read_counts", "to_anndata"]

_RAW_UMI = 100
"""Below it a barcode holds ambient RNA only: SINGLE_CELL.md, section 2.2."""
_RAW_SHARE = 0.7
"""Own choice: more than a filtered matrix of small cells has."""
_RAW_GENES = 2000
"""Features of a whole transcriptome: own choice; a targeted panel has fewer and small totals."""


def _looks_raw(decoded: Decoded) -> bool:
    """More than 70 % of the barcodes below 100 UMI over a whole transcriptome: no cell calling has
    been done, or no cell is there.
    """
    totals = np.asarray(decoded.counts.sum(axis=1)).ravel()
    return decoded.counts.shape[1] >= _RAW_GENES and float(np.mean(totals < _RAW_UMI)) > _RAW_SHARE


def to_anndata(decoded: Decoded, *, raw: bool = False) -> AnnData:
    """Judge the genes of decoded counts and make the AnnData of `read_counts`.

    Parameters
    ----------
    raw
        The matrix is one of all droplets.

    Raises
    ------
    MatrixRefused
        ``raw_matrix`` where a filtered matrix is none; ``other_species, wrong_genome,
        few_shared_genes``.
    """
    import pandas as pd
    from anndata import AnnData

    from hcc_assets.cells.reading.features import judged

    if not raw and _looks_raw(decoded):
        raise MatrixRefused(
            "raw_matrix",
            "most barcodes have hardly any counts: this is a raw (all droplets) matrix; deliver "
            "filtered_*, or name the folder raw_*",
        )
    counts, ids, symbols, notes = judged(decoded)
    var = pd.DataFrame(
        {"gene_id": np.array(ids, dtype=object), "gene": np.array(symbols, dtype=object)},
        index=pd.Index(ids, dtype=object),
    )
    adata = AnnData(
        X=counts, obs=pd.DataFrame(index=pd.Index(decoded.barcodes, dtype=object)), var=var
    )
    adata.uns["content_hash"] = decoded.content_hash()
    adata.uns["genome"] = decoded.genome or ""
    adata.uns["source"] = decoded.source
    adata.uns.update(notes)
    return adata


def read_counts(files: MatrixFiles, genome: str | None = None, *, raw: bool = False) -> AnnData:
    """Read the counts of one delivery.

    Parameters
    ----------
    files
        As `find_matrix` gives them.
    genome
        Which of several genomes to take.
    raw
        Take the raw (all droplets) matrix instead of the filtered one.

    Returns
    -------
    anndata.AnnData
        ``X`` cells x genes, CSR int32, in the order of barcodes and of gene ids, whatever the order
        delivered. ``obs_names`` barcodes verbatim; ``var_names`` Ensembl ids without version where
        there are any, else symbols; ``var`` ``gene_id, gene``; only Gene Expression features;
        features of one id are summed. ``uns``: ``content_hash`` (of the delivered content),
        ``genome``, ``source``, ``known_genes`` (share), ``merged_features``.

    Raises
    ------
    MatrixRefused
        The delivery is no matrix of counts of one human sample; the code and text say why and what
        to do.
    """
    from hcc_assets.cells.reading.readers import decode

    return to_anndata(decode(files.part(raw=raw), genome), raw=raw)
