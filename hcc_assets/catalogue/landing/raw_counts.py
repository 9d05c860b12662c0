"""Raw UMI counts of one sample, as they were delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from hcc_assets.assets.definition import Gate, Output, Refused, asset
from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.home.files import local_copy
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True)
class Matrix:
    """A delivered matrix: `read` gives its counts, judged in a process of its own."""

    view: View
    key: str

    def read(self, config: StudyConfig) -> AnnData:
        """Counts of the cells, with the ambient profile where empty droplets were delivered.

        Raises
        ------
        Refused
            The delivery is no matrix of raw counts.
        """
        from hcc_assets.cells.reading.isolation import read_sample
        from hcc_assets.cells.reading.matrix_files import find_matrix
        from hcc_assets.cells.reading.refused import MatrixRefused

        row, delivery = self.view.rows[self.key], self.view.delivery(self.key)
        if delivery is None or delivery.state == "refused":
            reason = delivery.reason if delivery else "is not in landing"
            raise Refused(f"{row.path}: {reason}", code="delivery")
        home = self.view.home
        with local_copy(home.landing / row.path) as path:
            root = home.landing if home.is_local else path.parent
            try:
                found = find_matrix(path, row.genome, root=str(root))
                return read_sample(found, row.genome, config)
            except MatrixRefused as refusal:
                raise Refused(f"{row.path}: {refusal}", code=refusal.code) from None


@dataclass(frozen=True)
class DeliveredMatrix(Input):
    """The matrix of this sample in ``landing/``, by its content."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        delivery = view.delivery(key or "")
        if delivery is None or delivery.state not in ("ready", "refused"):
            return None
        if delivery.state == "refused":
            return Basis(deliveries={delivery.path: delivery.reason})
        genome = view.rows[key or ""].genome
        return Basis(deliveries=delivery.contents | ({"genome": genome} if genome else {}))

    def value(self, view: View, key: str | None) -> Matrix:
        return Matrix(view, key or "")


@asset(
    per_sample=True,
    settings=("single_cell.min_umi", "single_cell.min_genes"),
    gate=Gate(
        "counts_are_counts",
        "The delivery is a matrix of raw counts",
        "Ask the sequencing core for the raw count matrix.",
    ),
    kinds=("python", "anndata"),
    owners=("team:bioinformatics",),
    layer="landing",
    keep=1,
)
def raw_counts(matrix: Annotated[Matrix, DeliveredMatrix()], config: StudyConfig) -> Output:
    """Raw UMI counts of one sample as delivered, parsed once. The delivery is judged in a process
    of its own before anything is stored."""
    counts = matrix.read(config)
    return Output(
        bundle=Bundle(cells={"counts": counts}),
        metadata={
            "barcodes_delivered": int(counts.uns["n_barcodes"]),
            "barcodes": counts.n_obs,
            "genes": counts.n_vars,
            "total_umi": int(counts.X.sum()),
            "raw_matrix": "empty_umi" in counts.var,
        },
    )
