"""Reader of Cell Ranger ``.h5`` files of both versions."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from hcc_assets.cells.reading.decoded import (
    Decoded,
    canonical,
    check_barcodes,
    check_features,
    choose_features,
)
from hcc_assets.cells.reading.hdf5 import compressed, dataset, guarded, texts
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.refused import MatrixRefused, pick_genome


def read_10x_h5(part: MatrixPart, genome: str | None = None) -> Decoded:
    """Decode a Cell Ranger ``.h5`` of version 2 (one group per genome) or 3 (group ``matrix``).

    Raises
    ------
    MatrixRefused
        ``several_genomes`` and ``wrong_genome`` list the genomes that are there; else as
        `read_mex`.
    """
    where = part.matrix.name

    def reader(file: Any) -> Decoded:
        if isinstance(file.get("matrix"), h5py.Group):
            group = file["matrix"]
            table = group.get("features")
            if not isinstance(table, h5py.Group):
                raise MatrixRefused("not_a_matrix", f"{where} lacks the group matrix/features")
            names = [texts(dataset(table, n, where), where) for n in ("id", "name", "feature_type")]
            ids, symbols, types = names[0], names[1], names[2]
            genomes: list[str | None] = (
                list(texts(table["genome"], where))
                if isinstance(table.get("genome"), h5py.Dataset)
                else [None] * len(ids)
            )
        else:
            groups = sorted(
                k
                for k in file
                if isinstance(file[k], h5py.Group)
                and isinstance(file[k].get("genes"), h5py.Dataset)
            )
            if not groups:
                raise MatrixRefused(
                    "not_a_matrix",
                    f"{where} is no Cell Ranger matrix: it has neither a group matrix nor one per "
                    "genome",
                )
            if genome is None and len(groups) > 1:
                raise MatrixRefused(
                    "several_genomes",
                    f"{where} has several genomes ({', '.join(groups)}): name one in the genome "
                    "column",
                )
            chosen_group = groups[0] if genome is None else pick_genome(genome, groups)
            if chosen_group is None:
                raise MatrixRefused(
                    "wrong_genome",
                    f"{where}: genome {genome} was asked for; the delivery has {', '.join(groups)}",
                )
            group = file[chosen_group]
            ids, symbols = (
                texts(dataset(group, "genes", where), where),
                texts(dataset(group, "gene_names", where), where),
            )
            types, genomes = ["Gene Expression"] * len(ids), [chosen_group] * len(ids)
        barcodes = texts(dataset(group, "barcodes", where), where)
        shape = [int(n) for n in dataset(group, "shape", where)[()].ravel()]
        if len(shape) != 2:
            raise MatrixRefused("not_a_matrix", f"{where}: shape is not two numbers")
        rows, cols = shape
        if len(ids) == cols and len(barcodes) == rows and rows != cols:
            raise MatrixRefused(
                "transposed",
                f"{where} has a row per barcode and a column per gene; Cell Ranger writes the "
                "reverse",
            )
        if (
            not (len(ids) == len(symbols) == len(types) == len(genomes) == rows)
            or len(barcodes) != cols
        ):
            raise MatrixRefused(
                "dimensions",
                f"{where}: {len(ids)} genes and {len(barcodes)} barcodes do not fit the matrix of "
                f"{rows} x {cols}",
            )
        check_barcodes(barcodes, where)
        check_features(ids, symbols, where)
        keep, ids, symbols, chosen = choose_features(ids, symbols, types, genomes, genome, where)
        matrix = compressed(group, (cols, rows), where)
        if not keep.all():
            matrix = matrix[:, np.flatnonzero(keep)]
            ids, symbols = (
                [t for t, k in zip(names, keep, strict=True) if k] for names in (ids, symbols)
            )
        return canonical(matrix, barcodes, ids, symbols, genome=chosen)

    return guarded(part, reader)
