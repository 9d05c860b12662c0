"""Kinds of inputs that come from ``landing/annotations/``, and other annotators: what people and
other tools say of cells. What is done with it is in `cells.given`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hcc_assets.assets.definition import Refused
from hcc_assets.assets.inputs import Basis, Input, Node, View
from hcc_assets.catalogue.sources import LabelledCells, opened
from hcc_assets.home.landing.entries import CALLS, CURATION, LABEL_MAP, RESERVED
from hcc_assets.home.manifests import digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upath import UPath

    from hcc_assets.cells.given.curation import Curation
    from hcc_assets.cells.given.label_map import LabelMap
    from hcc_assets.cells.given.tool_calls import ToolCalls
    from hcc_assets.home.landing.deliveries import Delivery


@dataclass(frozen=True)
class AnnotationFile(Input):
    """A file of ``landing/annotations/``; of none there is what no lines say. While it is
    arriving, or refused by its header, what stands stays."""

    file: str = ""

    @abstractmethod
    def read(self, data: bytes) -> Any:
        """What the file says; of no bytes what holds without it."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        return _annotation_basis(view, self.file)

    def value(self, view: View, key: str | None) -> Any:
        found = _annotation(view, self.file)
        return self.read((view.home.landing / found.path).read_bytes() if found else b"")


@dataclass(frozen=True)
class LabelMapFile(AnnotationFile):
    """``label_map.csv``: classes of ours for labels of others.

    ``with_labels``: it counts only where labelled cells are delivered.
    """

    file: str = LABEL_MAP
    with_labels: bool = False

    def read(self, data: bytes) -> LabelMap:
        from hcc_assets.cells.given.label_map import parse_label_map

        return parse_label_map(data)

    def basis(self, view: View, key: str | None) -> Basis | None:
        if self.with_labels and LabelledCells().delivery(view) is None:
            return Basis()
        return super().basis(view, key)


@dataclass(frozen=True)
class CurationFile(AnnotationFile):
    """``curation.csv``; in a per-sample asset the lines of this sample, and no others count."""

    file: str = CURATION

    def read(self, data: bytes) -> Curation:
        from hcc_assets.cells.given.curation import parse_curation

        return parse_curation(data)

    def basis(self, view: View, key: str | None) -> Basis | None:
        whole = super().basis(view, key)
        if key is None or not whole or not whole.deliveries:
            return whole
        ((path, content),) = whole.deliveries.items()
        lines = _curation(view.home.landing / path, content).of(view.rows[key].sample_id)
        said = sorted(digest({k: v for k, v in vars(c).items() if k != "line"}) for c in lines)
        return Basis(deliveries={f"{path}, its lines": digest(said)} if said else {})


@lru_cache(maxsize=8)
def _curation(path: UPath, _content: str) -> Curation:
    from hcc_assets.cells.given.curation import parse_curation

    return parse_curation(path.read_bytes())


@dataclass(frozen=True)
class OtherCalls(Input):
    """Calls of one sample by the annotators besides our own that ``[single_cell] annotator``
    asks for: none, one, or (``consensus``) all that there are.

    An annotator is a folder of ``landing/annotations/`` or an asset of an installed package
    (`assets.annotators`), which goes before a folder of its name.
    """

    installed: tuple[str, ...] = ()

    @property
    def assets(self) -> tuple[str, ...]:
        return self.installed

    def knowing(self, annotators: tuple[str, ...]) -> Input:
        return replace(self, installed=annotators)

    def _every(self, view: View) -> list[str]:
        folders = {d.id.partition("/")[0] for d in view.landing.annotations if "/" in d.id}
        return sorted({*self.installed, *folders} - set(RESERVED))

    def _wanted(self, view: View) -> list[str]:
        chosen = view.config.single_cell.annotator
        if chosen == "own":
            return []
        return self._every(view) if chosen == "consensus" else [chosen]

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        return tuple((name, key) for name in self._wanted(view) if name in self.installed)

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = Basis()
        for name in self._wanted(view):
            part = self._basis_of(view, name, key)
            if part is None:
                return None
            found |= part
        return found

    def _basis_of(self, view: View, name: str, key: str | None) -> Basis | None:
        if name in self.installed:
            manifest = view.versions.current(name, key)
            return Basis({name: manifest.data_version}) if manifest else None
        file = _calls_file(view, name, view.rows[key or ""].sample_id)
        calls, labels = _annotation_basis(view, file), _annotation_basis(view, LABEL_MAP)
        if not file:
            return Basis()
        return None if calls is None or labels is None else calls | labels

    def value(self, view: View, key: str | None) -> Any:
        wanted = self._wanted(view)
        chosen = view.config.single_cell.annotator
        if chosen in wanted and chosen not in self._every(view):
            reason = (
                f"annotator of study.toml is {chosen}, and there is no folder "
                f"landing/annotations/{chosen} and no such annotator is installed"
            )
            raise Refused(reason, code="no_annotator", quarantine=False)
        found = (self._calls(view, name, key) for name in wanted)
        return [calls for calls in found if calls is not None]

    def _calls(self, view: View, name: str, key: str | None) -> ToolCalls | None:
        from hcc_assets.cells.given.tool_calls import CallsRefused, ToolCalls, read_calls

        if name in self.installed:
            manifest = view.versions.current(name, key)
            calls = view.versions.frame(name, "calls", key) if manifest is not None else None
            return ToolCalls(name, calls) if calls is not None else None
        file = _calls_file(view, name, view.rows[key or ""].sample_id)
        found = _annotation(view, file)
        if found is None or found.state != "ready":
            return None
        try:
            with opened(view, found) as path:
                return read_calls(path, name, LabelMapFile().value(view, None))
        except CallsRefused as refusal:
            reason = f"annotations/{file}: {refusal}"
            raise Refused(reason, code="calls_refused", quarantine=False) from None


@dataclass(frozen=True)
class EveryOtherCalls(OtherCalls):
    """Calls of every sample by every annotator besides our own, whichever is chosen; what cannot
    be read is left out and told."""

    def _wanted(self, view: View) -> list[str]:
        return self._every(view)

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        return tuple((name, k) for name in self.installed for k in view.keys)

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = Basis()
        for name in self._wanted(view):
            for k in view.keys:
                part = self._basis_of(view, name, k)
                if part is None and name not in self.installed:
                    return None
                part = part or Basis()
                found |= replace(part, versions={f"{n}/{k}": v for n, v in part.versions.items()})
        return found

    def value(self, view: View, key: str | None) -> Any:
        calls: dict[str, list[ToolCalls]] = {}
        problems: list[str] = []
        for k in view.keys:
            for name in self._wanted(view):
                try:
                    found = self._calls(view, name, k)
                except Refused as refusal:
                    problems.append(refusal.reason)
                else:
                    calls.setdefault(view.rows[k].sample_id, []).extend([found] if found else [])
        return calls, problems


def _annotation(view: View, file: str) -> Delivery | None:
    return next((d for d in view.landing.annotations if d.id == file), None)


def _annotation_basis(view: View, file: str) -> Basis | None:
    """Of a file that there may be; None while it is arriving or refused."""
    found = _annotation(view, file)
    if found is None:
        return Basis()
    return Basis(deliveries=dict(found.contents)) if found.state == "ready" else None


def _calls_file(view: View, annotator: str, sample: str) -> str:
    """The file of a tool about a sample; empty where there is none. Of two the CSV."""
    names = (f"{annotator}/{sample}{suffix}" for suffix in CALLS)
    return next((name for name in names if _annotation(view, name) is not None), "")
