"""The reader of each kind of matrix. How a kind is read belongs to its own module."""

from __future__ import annotations

from hcc_assets.cells.reading.cellranger_h5 import read_10x_h5
from hcc_assets.cells.reading.decoded import Decoded
from hcc_assets.cells.reading.h5ad import read_h5ad
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.mex import read_mex
from hcc_assets.cells.reading.refused import MatrixRefused


def decode(
    part: MatrixPart, genome: str | None = None, *, columns: tuple[str, ...] = ()
) -> Decoded:
    """Decode a matrix of any kind; see the readers. ``columns`` of obs need an ``.h5ad``."""
    if columns:
        if part.kind != "h5ad":
            raise MatrixRefused(
                "not_a_matrix",
                f"{part.matrix.name} carries no labels; a labelled reference is an .h5ad",
            )
        return read_h5ad(part, genome, columns=columns)
    return {"mex_v3": read_mex, "mex_v2": read_mex, "h5": read_10x_h5, "h5ad": read_h5ad}[
        part.kind
    ](part, genome)
