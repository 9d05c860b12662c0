"""Kinds of inputs that come from ``landing/`` and are read by more than one asset."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hcc_assets.assets.definition import Refused
from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.home.files import local_copy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anndata import AnnData

    from hcc_assets.home.landing.deliveries import Delivery


@dataclass(frozen=True)
class ReferenceFile(Input):
    """A file of ``landing/reference/`` that is settled and can be read; None where there is none.

    A kind of its own says which file (`chosen`) and what it holds (`read`).
    """

    @abstractmethod
    def chosen(self, name: str) -> bool:
        """True for the names that this kind reads, in lower case."""

    @abstractmethod
    def read(self, path: Path, view: View) -> Any:
        """The content of the file."""

    def delivery(self, view: View) -> Delivery | None:
        """The first file of such a name."""
        return next(
            (
                d
                for d in view.landing.references
                if d.state == "ready" and self.chosen(d.id.lower())
            ),
            None,
        )

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = self.delivery(view)
        return Basis(deliveries=dict(found.contents)) if found else Basis()

    def value(self, view: View, key: str | None) -> Any:
        found = self.delivery(view)
        if found is None:
            return None
        with opened(view, found) as path:
            return self.read(path, view)


@contextmanager
def opened(view: View, delivery: Delivery) -> Iterator[Path]:
    """A local path with what was delivered."""
    with local_copy(view.home.landing / delivery.path) as path:
        yield path


@dataclass(frozen=True)
class CtcaeTerms(ReferenceFile):
    """The published term table of CTCAE v5.0 (``ctcae_v5.csv`` or ``.xlsx``) as a frame."""

    def chosen(self, name: str) -> bool:
        return name.startswith("ctcae")

    def read(self, path: Path, view: View) -> Any:
        from hcc_assets.clinical.checks.ctcae import read_terms
        from hcc_assets.clinical.reading.refusal import DomainRefused

        try:
            return read_terms(path)
        except DomainRefused as refusal:
            reason = f"reference/{path.name}: {refusal}"
            raise Refused(reason, code="reference_refused", quarantine=False) from None


@dataclass(frozen=True)
class LabelledCells(ReferenceFile):
    """Raw counts with ``obs.cell_class`` to train the reference from (``<name>.h5ad``)."""

    def chosen(self, name: str) -> bool:
        return name.endswith(".h5ad")

    def read(self, path: Path, view: View) -> AnnData:
        from hcc_assets.cells.reading.isolation import read_labelled
        from hcc_assets.cells.reading.refused import MatrixRefused

        root = str(view.home.landing) if view.home.is_local else None
        try:
            return read_labelled(path, root=root)
        except MatrixRefused as refusal:
            reason = f"reference/{path.name}: {refusal}"
            raise Refused(reason, code=refusal.code) from None
