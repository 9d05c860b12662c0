"""Judging the genes of a delivery against the human gene table, and giving each feature one id and
one symbol. Counts are not judged here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import sparse

from hcc_assets.cells.reading.decoded import Decoded
from hcc_assets.cells.reading.refused import MatrixRefused
from hcc_assets.study.genes import gene_table

_HUMAN: Final = re.compile(r"^(ENSG\d{6,})(\.\d+)?(_PAR_Y)?$")
_OTHER_SPECIES: Final = re.compile(r"^ENS(?!G\d|T\d|P\d)[A-Z]{3,4}[GTP]\d{6,}")
_OTHER_GENOME: Final = re.compile(
    r"^(mm\d|grcm|mus|mouse|rn\d|rat|rnor|mratbn|danrer|grcz|zebra|dm\d|bdgp|"
    r"macfas|mmul|susscr|canfam)",
    re.IGNORECASE,
)
MIN_SHARED: Final = 0.3
"""Share of features that must be known human genes; real deliveries of any annotation have 0.6 to
1.
"""
_JUDGED_FROM: Final = 20
"""Fewer features than this say nothing about species: own choice."""


@lru_cache(maxsize=1)
def _lookup() -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """Symbol by id, id by unambiguous symbol, and all symbols of the gene table."""
    table = gene_table()
    by_id = dict(zip(table["gene_id"], table["gene"], strict=True))
    once = table.drop_duplicates("gene", keep=False)
    by_symbol = dict(zip(once["gene"], once["gene_id"], strict=True))
    return by_id, by_symbol, frozenset(table["gene"])


def judge_species(ids: list[str], symbols: list[str], genome: str | None = None) -> float:
    """Refuse a matrix that is not of human genes.

    Parameters
    ----------
    ids, symbols
        One per feature, as delivered.
    genome
        Genome that the delivery names.

    Returns
    -------
    float
        Share of features that the gene table knows, by id or by symbol.

    Raises
    ------
    MatrixRefused
        ``other_species, wrong_genome, few_shared_genes``.
    """
    if genome is not None and _OTHER_GENOME.match(genome):
        raise MatrixRefused(
            "wrong_genome",
            f"the delivery says that its genome is {genome}; the study is of human samples",
        )
    n = len(ids)
    foreign = sum(bool(_OTHER_SPECIES.match(i)) for i in ids)
    if foreign * 2 > n:
        raise MatrixRefused(
            "other_species",
            "the gene ids are those of another species (Ensembl prefix); the study is of human "
            "samples",
        )
    by_id, _, names = _lookup()
    known = sum(i.split(".")[0] in by_id or s in names for i, s in zip(ids, symbols, strict=True))
    human_ids = sum(bool(_HUMAN.match(i)) for i in ids)
    share = known / n
    if n < _JUDGED_FROM:
        return share
    title = sum(bool(re.match(r"^[A-Z][a-z]+[A-Za-z0-9.\-]*$", s)) for s in symbols)
    if title * 2 > n and human_ids * 2 < n:
        raise MatrixRefused(
            "other_species",
            "the gene symbols are written as those of mouse or rat (Alb, not ALB); the study is "
            "of human samples",
        )
    if share < MIN_SHARED:
        raise MatrixRefused(
            "few_shared_genes",
            f"{known} of {n} features are known human genes (at least {MIN_SHARED:.0%} are "
            "expected): wrong genome or wrong column",
        )
    return share


def name_features(ids: list[str], symbols: list[str]) -> tuple[list[str], list[str]]:
    """One gene id and one symbol per feature.

    Ensembl ids lose their version (``ENSG00000141510.18``); a feature without one gets the id of
    its symbol where the gene table has exactly one gene of that name and no other feature has that
    id already, else it keeps its symbol as id. A symbol that the table does not know is replaced by
    the table's symbol of the id (older annotations used other names); an absent one too.

    Returns
    -------
    tuple
        Ids and symbols; ids may repeat (versions, pseudo-autosomal copies).
    """
    by_id, by_symbol, names = _lookup()
    matched = [_HUMAN.match(i) for i in ids]
    taken = {m.group(1) for m in matched if m}
    out_ids, out_symbols = [], []
    for delivered, symbol, match in zip(ids, symbols, matched, strict=True):
        if match:
            gene_id = match.group(1)
            out_symbols.append(symbol if symbol in names else by_id.get(gene_id, symbol))
        else:
            name = symbol if symbol else delivered
            found = by_symbol.get(name)
            gene_id = found if found is not None and found not in taken else name
            out_symbols.append(name)
        out_ids.append(gene_id)
    return out_ids, out_symbols


def merge_features(
    counts: sparse.csr_matrix, ids: list[str], symbols: list[str]
) -> tuple[sparse.csr_matrix, list[str], list[str], int]:
    """Sum the features that share an id, and put features in the order of their ids.

    Two features of one id are one gene counted in two places: their sum is the gene's count. The
    symbol of the first by name is kept.

    Returns
    -------
    tuple
        Counts (cells x unique ids, CSR int32), ids, symbols, and how many features were merged
        away.

    Raises
    ------
    MatrixRefused
        ``overflow`` where a sum leaves the 32-bit range.
    """
    unique = sorted(set(ids))
    if unique == ids:
        return counts, ids, symbols, 0
    place = {g: k for k, g in enumerate(unique)}
    target = np.array([place[g] for g in ids], dtype=np.int64)
    first: dict[str, str] = {}
    for gene_id, symbol in sorted(zip(ids, symbols, strict=True)):
        first.setdefault(gene_id, symbol)
    join = sparse.csr_matrix(
        (np.ones(len(ids), dtype=np.int64), (np.arange(len(ids)), target)),
        shape=(len(ids), len(unique)),
    )
    if len(unique) == len(ids):
        merged = counts.tocsc()[:, np.argsort(target)].tocsr()
    else:
        merged = (counts.astype(np.int64) @ join).tocsr()
        if merged.nnz and merged.data.max() > np.iinfo(np.int32).max:
            raise MatrixRefused(
                "overflow", "the counts of a gene that is listed twice sum beyond the 32-bit range"
            )
        merged = merged.astype(np.int32)
    merged.sort_indices()
    return merged, unique, [first[g] for g in unique], len(ids) - len(unique)


def judged(decoded: Decoded) -> tuple[sparse.csr_matrix, list[str], list[str], dict[str, object]]:
    """Counts with human gene ids, and notes on what was done: ``known_genes`` (share),
    ``merged_features``.
    """
    share = judge_species(decoded.ids, decoded.symbols, decoded.genome)
    ids, symbols = name_features(decoded.ids, decoded.symbols)
    counts, ids, symbols, merged = merge_features(decoded.counts, ids, symbols)
    return counts, ids, symbols, {"known_genes": round(share, 4), "merged_features": merged}
