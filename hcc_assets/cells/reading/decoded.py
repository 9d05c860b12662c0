"""The counts of one delivery as decoded from its files, before genes are judged. What a file looks
like inside belongs to the readers.

Imports numpy and scipy only: the parsing child process uses it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hcc_assets.cells.reading.refused import MatrixRefused, pick_genome
from hcc_assets.cells.reading.reordering import reordered

MAX_BARCODES: Final = 10_000_000
"""Own choice: above the 6.8 million barcodes of the largest 10x whitelist."""
MAX_FEATURES: Final = 500_000
"""Own choice: ten times the genes of a human annotation."""
MAX_ENTRIES: Final = 1_500_000_000
"""Own choice: 12 GB of data and indices, beyond what the child may hold."""
_INT32: Final = np.iinfo(np.int32).max
_ENSEMBL: Final = re.compile(r"^ENS[A-Z]*[GTP]\d{6,}")


@dataclass
class Decoded:
    """Counts of one sample in canonical order: barcodes sorted, features sorted by id, then symbol.

    Attributes
    ----------
    counts
        Cells x features, CSR int32 with sorted indices and no stored zeros.
    barcodes, ids, symbols
        As delivered.
    genome
        Genome that the delivery names, when it names one.
    source
        Where in the file the counts were, e.g. ``layers/counts``.
    obs
        Text columns that were asked for, one value per cell (of a labelled reference).
    """

    counts: sparse.csr_matrix
    barcodes: list[str]
    ids: list[str]
    symbols: list[str]
    genome: str | None = None
    source: str = "matrix"
    obs: dict[str, list[str]] = field(default_factory=dict)

    def content_hash(self) -> str:
        """Sha256 of counts, barcodes and features: the same for any packing, layout or order of the
        same content.
        """
        digest = hashlib.sha256()
        for texts in (self.barcodes, self.ids, self.symbols):
            digest.update("\n".join(texts).encode())
            digest.update(b"\0")
        for array, kind in (
            (self.counts.indptr, "<i8"),
            (self.counts.indices, "<i4"),
            (self.counts.data, "<i4"),
        ):
            digest.update(np.ascontiguousarray(array.astype(kind, copy=False)).data)
        return digest.hexdigest()


def check_shape(n_cells: int, n_features: int, n_entries: int, where: str) -> None:
    """Refuse a claimed size that no single sample has, before anything is allocated for it.

    Raises
    ------
    MatrixRefused
        ``empty`` or ``too_large``.
    """
    if (
        min(n_cells, n_features, n_entries) < 0
        or n_cells > MAX_BARCODES
        or n_features > MAX_FEATURES
        or n_entries > min(MAX_ENTRIES, n_cells * n_features)
    ):
        raise MatrixRefused("lying_header", f"{where} claims a size that one sample cannot have")
    if n_cells == 0 or n_features == 0:
        raise MatrixRefused("empty", f"{where} has no cells or no genes")
    if n_entries == 0:
        raise MatrixRefused("empty", f"{where} has no counts")


def as_counts(values: npt.NDArray[Any], where: str) -> npt.NDArray[np.int32]:
    """Values of a matrix as int32 counts.

    Raises
    ------
    MatrixRefused
        ``nan, negative, looks_log_normalised, not_counts, overflow``.
    """
    if values.dtype.kind not in "iufb":
        raise MatrixRefused("not_counts", f"{where} holds no numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise MatrixRefused(
            "nan", f"{where} holds values that are missing or infinite; counts are whole numbers"
        )
    if values.size and values.dtype.kind in "if" and values.min() < 0:
        raise MatrixRefused(
            "negative",
            f"{where} holds negative values: scaled data are no counts; deliver the raw counts",
        )
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        if values.max() < 25:
            raise MatrixRefused(
                "looks_log_normalised",
                f"{where} looks log-normalised: values are not whole numbers and all are small; "
                "deliver the raw counts",
            )
        raise MatrixRefused(
            "not_counts",
            f"{where} holds values that are not whole numbers (normalised, TPM or corrected); "
            "deliver the raw counts",
        )
    if values.size and values.max() > _INT32:
        raise MatrixRefused("overflow", f"{where} holds a count beyond the 32-bit range")
    return values.astype(np.int32, copy=False)


def check_barcodes(barcodes: Sequence[str], where: str) -> None:
    """Refuse barcodes that are empty, repeat or are gene ids.

    Raises
    ------
    MatrixRefused
        ``duplicate_barcodes, transposed, bad_text``.
    """
    if len(set(barcodes)) != len(barcodes):
        raise MatrixRefused(
            "duplicate_barcodes",
            f"{where}: {len(barcodes) - len(set(barcodes))} barcodes repeat; was the sample "
            "merged from several?",
        )
    if any(not b or b != b.strip() or len(b) > 256 or not b.isprintable() for b in barcodes):
        raise MatrixRefused(
            "bad_text", f"{where}: a barcode is empty, too long or has unprintable characters"
        )
    if sum(1 for b in barcodes[:1000] if _ENSEMBL.match(b)) * 2 > min(len(barcodes), 1000):
        raise MatrixRefused(
            "transposed", f"{where}: the barcodes are gene ids; the matrix is transposed"
        )


def check_features(ids: Sequence[str], symbols: Sequence[str], where: str) -> None:
    """Refuse gene names that are empty or unprintable, or that are cell barcodes.

    Raises
    ------
    MatrixRefused
        ``bad_text, transposed``.
    """
    if any(not t or len(t) > 256 or not t.isprintable() for t in (*ids, *symbols)):
        raise MatrixRefused(
            "bad_text",
            f"{where}: a gene id or name is empty, too long or has unprintable characters",
        )
    if sum(1 for t in ids[:1000] if re.fullmatch(r"[ACGTN]{12,}(-\d+)?", t)) * 2 > min(
        len(ids), 1000
    ):
        raise MatrixRefused(
            "transposed", f"{where}: the gene ids are cell barcodes; the matrix is transposed"
        )


def genome_prefixes(ids: Sequence[str]) -> list[str | None]:
    """Genome before each id, as Cell Ranger writes it for several genomes in one MEX
    (``GRCh38_ENSG…``, ``mm10___ENSMUSG…``).
    """
    out: list[str | None] = []
    for text in ids:
        match = re.match(r"^([A-Za-z][A-Za-z0-9.\-]*?)_+(?=ENS[A-Z]*G\d)", text)
        out.append(match.group(1) if match else None)
    return out


def choose_features(
    ids: list[str],
    symbols: list[str],
    types: Sequence[str] | None,
    genomes: Sequence[str | None],
    genome: str | None,
    where: str,
) -> tuple[npt.NDArray[np.bool_], list[str], list[str], str | None]:
    """Which features are gene expression of the wanted genome.

    Parameters
    ----------
    types
        Feature type of each feature, or None where the layout has none.
    genomes
        Genome of each feature, None where not said.
    genome
        The wanted one.

    Returns
    -------
    tuple
        Mask over the features, ids and symbols of all features without genome prefix, and the
        genome chosen.

    Raises
    ------
    MatrixRefused
        ``no_gene_expression, several_genomes, wrong_genome``.
    """
    keep = (
        np.array([t == "Gene Expression" for t in types], dtype=bool)
        if types is not None
        else np.ones(len(ids), dtype=bool)
    )
    if not keep.any():
        raise MatrixRefused(
            "no_gene_expression", f"{where} has no features of type Gene Expression"
        )
    prefixes = genome_prefixes(ids)
    if sum(p is not None for p, k in zip(prefixes, keep, strict=True) if k) == keep.sum():
        genomes = prefixes
        ids = [i[len(p) :].lstrip("_") if p else i for i, p in zip(ids, prefixes, strict=True)]
        symbols = [
            s[len(p) :].lstrip("_") if p and s.startswith(p) else s
            for s, p in zip(symbols, prefixes, strict=True)
        ]
    named = sorted({g for g, k in zip(genomes, keep, strict=True) if k and g})
    chosen = pick_genome(genome, named) if genome is not None else None
    if len(named) > 1 and genome is None:
        raise MatrixRefused(
            "several_genomes",
            f"{where} has several genomes ({', '.join(named)}): name one in the genome column",
        )
    if named and genome is not None and chosen is None:
        raise MatrixRefused(
            "wrong_genome",
            f"{where}: genome {genome} was asked for; the delivery has {', '.join(named)}",
        )
    if len(named) > 1:
        keep &= np.array([g == chosen for g in genomes], dtype=bool)
    elif named:
        chosen = named[0]
    return keep, ids, symbols, chosen if named else None


def canonical(
    matrix: sparse.csr_matrix,
    barcodes: list[str],
    ids: list[str],
    symbols: list[str],
    obs: dict[str, list[str]] | None = None,
    **more: Any,
) -> Decoded:
    """Sort cells by barcode and features by id and symbol, so that the order of a delivery never
    matters.

    Parameters
    ----------
    matrix
        Cells x features, CSR int32, indices in any order, no entry twice.
    """
    matrix.eliminate_zeros()
    cells = np.array(sorted(range(len(barcodes)), key=barcodes.__getitem__), dtype=np.int64)
    features = np.array(sorted(range(len(ids)), key=lambda i: (ids[i], symbols[i])), dtype=np.int64)
    counts = reordered(matrix, cells, features)
    if counts.nnz == 0:
        raise MatrixRefused("empty", "the matrix has no counts")
    if counts.nnz < _INT32:
        counts.indices, counts.indptr = (
            counts.indices.astype(np.int32, copy=False),
            counts.indptr.astype(np.int32, copy=False),
        )
    columns = {name: [values[i] for i in cells] for name, values in (obs or {}).items()}
    return Decoded(
        counts,
        [barcodes[i] for i in cells],
        [ids[i] for i in features],
        [symbols[i] for i in features],
        obs=columns,
        **more,
    )
