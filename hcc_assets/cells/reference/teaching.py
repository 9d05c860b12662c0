"""Cells to train a reference from: samples loaded one at a time, genes brought to one naming, a
bounded and reproducible share of each sample's cells.

What is learned from them belongs to ``bootstrap`` and ``training``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.cells.reference.seeds import seed_classes
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.study.genes import gene_id_of

if TYPE_CHECKING:
    from anndata import AnnData

    from hcc_assets.cells.quality.assessment import QcResult

MAX_CELLS: Final = 18_000
"""Cells of all samples together; more samples give fewer cells each: the 12 x 1,500 of
SINGLE_CELL.md, section 2.4.
"""
MIN_PER_SAMPLE: Final = 250
"""Own choice: with 80 samples (SINGLE_CELL.md, section 5) still a few of each class."""
MAX_PER_SAMPLE: Final = 2_500
"""Own choice: a first sample does not wait for more than a small biopsy."""
_RARE: Final = (
    "mast",
    "neutrophil",
    "dendritic",
    "plasma",
    "platelet",
    "erythroid",
    "lymphatic_endothelial",
    "B",
)
DEFAULT_AMBIENT: Final = 0.05
"""Ambient share of a sample that allows no estimate: the 6 % of the easy setting of SINGLE_CELL.md,
section 2.4, rounded.
"""


@dataclass(frozen=True)
class SampleInput:
    """One sample that may teach the reference: ``load`` gives its counts and quality, and is called
    once; ``subject_id`` keeps a subject's samples together.
    """

    sample_id: str
    load: Callable[[], tuple[AnnData, QcResult]]
    subject_id: str | None = None


def gene_keys(var: pd.DataFrame) -> npt.NDArray[np.object_]:
    """One name per gene that is the same for every delivery: the Ensembl id, looked up by symbol
    where there is none, else the symbol.
    """
    by_symbol = gene_id_of()
    ids, symbols = var["gene_id"].astype(str), var["gene"].astype(str)
    return np.array(
        [
            i.split(".")[0] if i.startswith("ENSG") else by_symbol.get(s, s)
            for i, s in zip(ids, symbols, strict=True)
        ],
        dtype=object,
    )


def align(
    counts: AnnData, wanted: npt.NDArray[np.object_] | None = None
) -> tuple[sp.csr_matrix, npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Counts with one column per gene key: all keys in sorted order, or those of ``wanted`` (a gene
    that is not there is a column of zeros).

    Returns
    -------
    tuple
        Cells x genes (CSR), keys, and symbols (empty where ``wanted`` has a gene that is not
        there).
    """
    keys = gene_keys(counts.var)
    target = np.unique(keys.astype(str)).astype(object) if wanted is None else wanted
    place = pd.Index(target).get_indexer(pd.Index(keys))
    known = np.flatnonzero(place >= 0)
    symbols = np.full(len(target), "", dtype=object)
    symbols[place[known]] = counts.var["gene"].to_numpy(dtype=object)[known]
    return _columns(as_csr(counts), known, place[known], len(target)), target, symbols


def _columns(
    matrix: sp.csr_matrix, known: npt.NDArray[np.intp], place: npt.NDArray[np.intp], width: int
) -> sp.csr_matrix:
    """Some columns of a matrix at other places, those that meet at one place added up."""
    if len(np.unique(place)) < len(place):
        chooser = sp.csr_matrix(
            (np.ones(len(known), dtype=np.int32), (known, place)), shape=(matrix.shape[1], width)
        )
        out = sp.csr_matrix(matrix @ chooser)
    else:
        source = np.full(width, -1, dtype=np.intp)
        source[place] = known
        there = np.flatnonzero(source >= 0)
        # taking columns is one pass, where a product is three
        out = sp.csr_matrix(matrix[:, source[there]])
        out = sp.csr_matrix((out.data, there[out.indices], out.indptr), (matrix.shape[0], width))
    out.sort_indices()
    return out


def ambient_of(
    qc: QcResult, counts: AnnData, wanted: npt.NDArray[np.object_]
) -> npt.NDArray[np.float64]:
    """Ambient profile of a sample over the genes ``wanted``; sums to 1 unless no gene is known."""
    place = pd.Index(wanted).get_indexer(pd.Index(gene_keys(counts.var)))
    out = np.zeros(len(wanted))
    np.add.at(out, place[place >= 0], np.asarray(qc.ambient.profile, dtype=float)[place >= 0])
    return out / max(out.sum(), 1e-12)


def ambient_umi(qc: QcResult) -> npt.NDArray[np.float64]:
    """Expected ambient molecules of each barcode; where the sample allows no estimate, as many for
    each droplet as 5 % of a median cell.
    """
    n_umi = qc.metrics["n_umi"].to_numpy(dtype=float)
    known = qc.metrics["ambient_umi"].to_numpy(dtype=float)
    median = float(np.median(n_umi[qc.usable])) if qc.usable.any() else 0.0
    return np.where(
        np.isnan(known), np.minimum(DEFAULT_AMBIENT * np.sqrt(n_umi * median), n_umi / 2), known
    )


def hash_order(sample_id: str, barcodes: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
    """Order of the cells by a hash of their name: a reproducible draw that does not follow the
    order of delivery.
    """
    keys = [hashlib.blake2b(f"{sample_id}\t{b}".encode(), digest_size=8).digest() for b in barcodes]
    return np.asarray(pd.Series(keys).argsort(kind="stable"), dtype=np.intp)


@dataclass(frozen=True)
class _Part:
    sample_id: str
    subject_id: str
    counts: sp.csr_matrix
    keys: npt.NDArray[np.object_]
    symbols: npt.NDArray[np.object_]
    ambient: npt.NDArray[np.float64]
    ambient_umi: npt.NDArray[np.float64]
    barcodes: npt.NDArray[np.object_]


def _part(
    sample: SampleInput, cap: int, chosen: npt.NDArray[np.object_] | None = None
) -> tuple[_Part, pd.Series]:
    counts, qc = sample.load()
    matrix, keys, symbols = align(counts)
    status = qc.metrics["qc_status"].to_numpy(dtype=object)
    usable = np.flatnonzero(np.isin(status, ["pass", "erythroid"]))
    barcodes = counts.obs_names.to_numpy().astype(object)
    usable = usable[np.argsort(barcodes[usable].astype(str), kind="stable")]
    profile, foreign = ambient_of(qc, counts, keys), ambient_umi(qc)
    seeds = seed_classes(matrix[usable], symbols, profile, foreign[usable])
    if len(usable) > cap:
        order = hash_order(sample.sample_id, barcodes[usable])
        rare = [order[seeds[order] == c][: max(20, cap // 12)] for c in _RARE]
        first = np.unique(np.concatenate(rare)) if rare else np.empty(0, dtype=np.intp)
        rest = order[~np.isin(order, first)][: max(cap - len(first), 0)]
        kept = np.sort(np.concatenate([first, rest]))
    else:
        kept = np.arange(len(usable))
    rows = usable[kept]
    tally = pd.Series(seeds[seeds != ""], dtype=object).value_counts().sort_index()
    return _Part(
        sample.sample_id,
        sample.subject_id or sample.sample_id,
        sp.csr_matrix(matrix[rows]),
        keys,
        symbols,
        profile,
        foreign[rows],
        barcodes[rows],
    ), tally


def seed_counts(counts: AnnData, qc: QcResult) -> pd.Series:
    """Cells of one sample, past quality control, that a conjunctive rule gives a class: number by
    class (classes with none are absent).
    """
    matrix, keys, symbols = align(counts)
    usable = np.flatnonzero(
        np.isin(qc.metrics["qc_status"].to_numpy(dtype=object), ["pass", "erythroid"])
    )
    seeds = seed_classes(
        matrix[usable], symbols, ambient_of(qc, counts, keys), ambient_umi(qc)[usable]
    )
    return pd.Series(seeds[seeds != ""], dtype=object).value_counts().sort_index()


def pool(samples: Iterable[SampleInput]) -> tuple[TrainingCells, pd.DataFrame]:
    """Training cells of all samples, sorted by sample and barcode, and the seed counts
    (``sample_id, cell_class, n_seed``).

    Genes are those that every sample measures; a sample that has less than 60 % of the genes of the
    others is left out rather than taking genes from all.
    """
    ordered = sorted(samples, key=lambda s: s.sample_id)
    cap = int(np.clip(MAX_CELLS // max(len(ordered), 1), MIN_PER_SAMPLE, MAX_PER_SAMPLE))
    parts, rows = [], []
    for sample in ordered:
        part, tally = _part(sample, cap)
        rows += [
            {"sample_id": sample.sample_id, "cell_class": c, "n_seed": int(n)}
            for c, n in tally.items()
        ]
        if part.counts.shape[0]:
            parts.append(part)
    seeds = pd.DataFrame(rows, columns=["sample_id", "cell_class", "n_seed"])
    widest = max((len(p.keys) for p in parts), default=0)
    parts = [p for p in parts if len(p.keys) >= 0.6 * widest]
    if not parts:
        nothing = np.empty(0, dtype=object)
        return TrainingCells(
            sp.csr_matrix((0, 0)),
            nothing,
            nothing,
            np.empty(0, dtype=np.intp),
            np.empty((0, 0)),
            np.empty(0),
            nothing,
            (),
            np.empty(0, dtype=np.intp),
        ), seeds
    shared = pd.Index(parts[0].keys)
    for p in parts[1:]:
        shared = shared.intersection(pd.Index(p.keys), sort=False)
    place = [pd.Index(p.keys).get_indexer(shared) for p in parts]
    counts = sp.csr_matrix(sp.vstack([p.counts[:, at] for p, at in zip(parts, place, strict=True)]))
    seen = np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel() >= 10)
    ambient = np.array([p.ambient[at][seen] for p, at in zip(parts, place, strict=True)])
    subject = np.unique([p.subject_id for p in parts], return_inverse=True)[1]
    cells = TrainingCells(
        sp.csr_matrix(counts[:, seen]),
        shared.to_numpy(dtype=object)[seen],
        parts[0].symbols[place[0]][seen],
        np.repeat(np.arange(len(parts)), [p.counts.shape[0] for p in parts]),
        ambient / np.maximum(ambient.sum(axis=1, keepdims=True), 1e-12),
        np.concatenate([p.ambient_umi for p in parts]),
        np.concatenate([p.barcodes for p in parts]),
        tuple(p.sample_id for p in parts),
        subject,
    )
    return cells, seeds
