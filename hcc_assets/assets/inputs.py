"""Kinds of inputs: what a parameter of an asset stands for, and how its content is fingerprinted.

========================= ==================================================================
parameter                 what the function gets
========================= ==================================================================
``name: pd.DataFrame``    published table of the asset ``name``
``name: Version``         the version of ``name`` that stands; of this sample in a per-sample
                          asset when ``name`` is one too
``name: BySample``        the versions of ``name`` of all samples that count
``sample: SampleRow``     this sample's row of ``samples.csv``
``config: StudyConfig``   the keys of ``study.toml`` that the decorator lists, and no others
``cutoff: dt.date``       the data cut-off
``x: Annotated[T, Kind]`` what ``Kind`` says: `Earlier`, `Standing`, or a kind of your own
========================= ==================================================================

A parameter with the default None is optional: None while there is no version. What is not a
parameter cannot be read, so nothing else can change a result. The file of an asset imports from
here; the base of all kinds, and what they hand out, are written in `assets.kind` and
`assets.reading`.
"""

from __future__ import annotations

import datetime as dt
import inspect
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from hcc_assets.assets.kind import Basis, Input, Node, View
from hcc_assets.assets.reading import BySample, Version
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.manifests import Manifest, digest
from hcc_assets.study.config import StudyConfig, restricted

GIVEN = ("output", "table")
"""Parameters of checks and figures that are what the asset computed, not inputs."""


@dataclass(frozen=True)
class VersionOf(Input):
    """The version of an asset that stands; of the same sample where both are per sample."""

    asset: str

    @property
    def assets(self) -> tuple[str, ...]:
        return (self.asset,)

    def _node(self, view: View, key: str | None) -> Node:
        return (self.asset, key if view.assets[self.asset].per_sample else None)

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        return (self._node(view, key),)

    def basis(self, view: View, key: str | None) -> Basis | None:
        manifest = view.versions.current(*self._node(view, key))
        return Basis({self.asset: manifest.data_version}) if manifest else None

    def value(self, view: View, key: str | None) -> Any:
        manifest = view.versions.current(*self._node(view, key))
        return Version(view.versions, manifest) if manifest else None


@dataclass(frozen=True)
class TableOf(VersionOf):
    """The published table of an asset."""

    def value(self, view: View, key: str | None) -> Any:
        found = super().value(view, key)
        return found.table if found is not None else None


@dataclass(frozen=True)
class AllOf(Input):
    """The versions of a per-sample asset of every sample that counts."""

    asset: str

    @property
    def assets(self) -> tuple[str, ...]:
        return (self.asset,)

    def chosen(self, view: View, key: str | None) -> Iterable[str]:
        """Keys of the samples that are read."""
        return view.keys

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        return tuple((self.asset, k) for k in self.chosen(view, key))

    def _found(self, view: View, key: str | None) -> dict[str, Manifest]:
        there = {k: view.versions.current(self.asset, k) for k in self.chosen(view, key)}
        return {k: m for k, m in there.items() if m is not None}

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = self._found(view, key)
        return Basis({f"{self.asset}/{k}": m.data_version for k, m in found.items()})

    def value(self, view: View, key: str | None) -> Any:
        found = self._found(view, key)
        return BySample(
            {view.people.sample(k): Version(view.versions, m) for k, m in found.items()}
        )


@dataclass(frozen=True)
class Earlier(AllOf):
    """The versions of the same subject's samples of earlier timepoints."""

    def chosen(self, view: View, key: str | None) -> Iterable[str]:
        return view.earlier(key or "")


@dataclass(frozen=True)
class Previous(Input):
    """An asset's version that stands and the one before it: for what tells differences."""

    asset: str

    @property
    def assets(self) -> tuple[str, ...]:
        return (self.asset,)

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        if not view.assets[self.asset].per_sample:
            return ((self.asset, None),)
        return tuple((self.asset, k) for k in view.keys)

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = {}
        for node in self.nodes(view, key):
            manifest = view.versions.current(*node)
            if manifest is not None:
                name = node[0] if node[1] is None else "/".join((node[0], node[1]))
                found[name] = manifest.data_version
                if manifest.previous is not None:
                    found[f"{name}@{manifest.previous}"] = manifest.previous
        return Basis(found) if found or view.assets[self.asset].per_sample else None

    def value(self, view: View, key: str | None) -> Any:
        if view.assets[self.asset].per_sample:
            return AllOf(self.asset).value(view, key)
        return VersionOf(self.asset).value(view, key)


@dataclass(frozen=True)
class Some(Input):
    """Those of several assets that have a version: ``{asset: Version}``, in the given order.

    ``previous``: also the versions before count, for what tells differences.
    """

    names: tuple[str, ...]
    previous: bool = False

    @property
    def assets(self) -> tuple[str, ...]:
        return self.names

    def _kind(self, name: str) -> Input:
        return Previous(name) if self.previous else VersionOf(name)

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        return tuple(node for name in self.names for node in self._kind(name).nodes(view, key))

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = Basis()
        for name in self.names:
            found |= self._kind(name).basis(view, key) or Basis()
        return found

    def value(self, view: View, key: str | None) -> dict[str, Version]:
        found = ((name, VersionOf(name).value(view, key)) for name in self.names)
        return {name: version for name, version in found if version is not None}


@dataclass(frozen=True)
class Standing(Input):
    """The version of this very asset that stands, or None; a damaged one does not stand.

    It is no part of the fingerprint: only for what is judged against what it would replace,
    and for work that need not be done twice.
    """

    asset: str

    def basis(self, view: View, key: str | None) -> Basis | None:
        return Basis()

    def value(self, view: View, key: str | None) -> Any:
        manifest = view.versions.current(self.asset, key)
        if manifest is None or view.versions.damages(self.asset, key):
            return None
        return Version(view.versions, manifest)


@dataclass(frozen=True)
class Row(Input):
    """This sample's row of ``samples.csv``."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        row = view.rows.get(key or "")
        if row is None:
            return None
        content = {k: v for k, v in vars(row).items() if k != "path"}
        return Basis(deliveries={"samples.csv, its row": digest(content)})

    def value(self, view: View, key: str | None) -> SampleRow:
        return view.rows[key or ""]


@dataclass(frozen=True)
class Settings(Input):
    """The keys of ``study.toml`` that an asset reads."""

    keys: tuple[str, ...]

    def basis(self, view: View, key: str | None) -> Basis | None:
        return Basis(settings=values_of(view.config, self.keys))

    def value(self, view: View, key: str | None) -> StudyConfig:
        return restricted(view.config, self.keys)


def values_of(config: StudyConfig, keys: Iterable[str]) -> dict[str, Any]:
    """``{key: value}`` as JSON would hold it; sections are spread over their keys."""
    found: dict[str, Any] = {}
    everything = config.model_dump(mode="json")
    for key in keys:
        section, _, name = key.partition(".")
        content = everything[section]
        if name:
            found[key] = content[name]
        elif isinstance(content, dict):
            found |= {f"{section}.{k}": v for k, v in content.items()}
        else:
            found[section] = content
    return found


@dataclass(frozen=True)
class Cutoff(Input):
    """Data cut-off: ``study.data_cutoff``, else the date of the current export, else today."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        return Basis(settings={"cutoff": view.cutoff.isoformat()})

    def value(self, view: View, key: str | None) -> dt.date:
        return view.cutoff


_BY_TYPE: dict[Any, Callable[[str, tuple[str, ...]], Input]] = {
    pd.DataFrame: lambda name, _: TableOf(name),
    Version: lambda name, _: VersionOf(name),
    BySample: lambda name, _: AllOf(name),
    SampleRow: lambda *_: Row(),
    StudyConfig: lambda _, settings: Settings(settings),
    dt.date: lambda *_: Cutoff(),
}


def inputs_of(function: Callable[..., Any], settings: tuple[str, ...]) -> dict[str, Input]:
    """The inputs that the parameters of a function stand for.

    Raises
    ------
    TypeError
        A parameter has no annotation that says what it is.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    found: dict[str, Input] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in GIVEN:
            continue
        hint = hints.get(name)
        optional = parameter.default is None
        kind = next((a for a in getattr(hint, "__metadata__", ()) if isinstance(a, Input)), None)
        if kind is None:
            plain = [h for h in (typing.get_args(hint) or (hint,)) if h is not type(None)]
            make = _BY_TYPE.get(plain[0]) if len(plain) == 1 else None
            if make is None:
                where = f"{function.__module__}.{function.__name__}"
                raise TypeError(f"{where}: the annotation of {name} says no kind of input")
            kind = make(name, settings)
        found[name] = replace(kind, optional=True) if optional else kind
    return found
