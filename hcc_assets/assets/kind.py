"""What a kind of input has to say, and what it may ask of a home. The kinds that there are stand in
`assets.inputs`; the home as they see it is `assets.view.HomeView`.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hcc_assets.home.landing.deliveries import Delivery, Landing
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import People
from hcc_assets.home.versions import Versions
from hcc_assets.study.config import StudyConfig

Node = tuple[str, str | None]
"""Asset and, for a per-sample asset, the key of the sample."""


class Declared(Protocol):
    """What a kind of input may know of another asset."""

    name: str
    per_sample: bool

    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def figures(self) -> Sequence[Any]: ...


class View(Protocol):
    """A home as a kind of input sees it; each name is explained in `assets.view.HomeView`."""

    home: Home
    versions: Versions

    @property
    def assets(self) -> Mapping[str, Declared]: ...
    @property
    def now(self) -> dt.datetime: ...
    @property
    def config(self) -> StudyConfig: ...
    @property
    def landing(self) -> Landing: ...
    @property
    def people(self) -> People: ...
    @property
    def rows(self) -> dict[str, SampleRow]: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def cutoff(self) -> dt.date: ...
    @property
    def acceptances(self) -> list[dict[str, str]]: ...
    @property
    def rebuild_asked(self) -> str | None: ...
    @property
    def withdrawn(self) -> dict[str, dt.date]: ...
    @property
    def consent(self) -> str: ...

    def delivery(self, key: str) -> Delivery | None: ...
    def fingerprint(self, asset: Any, key: str | None) -> str | None: ...
    def earlier(self, key: str) -> tuple[str, ...]: ...
    def by_collection(self, keys: Iterable[str]) -> list[str]: ...
    def standing(self, asset: str) -> list[str]: ...
    def erased_of(self, names: Collection[str]) -> set[str]: ...


@dataclass(frozen=True)
class Basis:
    """What a value depends on.

    Attributes
    ----------
    versions
        ``asset`` or ``asset/key`` to data version.
    deliveries
        Path below ``landing/``, or the name of a decision, to its content.
    settings
        Key of ``study.toml``, or ``cutoff``, to its value.
    """

    versions: dict[str, str] = field(default_factory=dict)
    deliveries: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __or__(self, other: Basis) -> Basis:
        return Basis(
            self.versions | other.versions,
            self.deliveries | other.deliveries,
            self.settings | other.settings,
        )


@dataclass(frozen=True)
class Input(ABC):
    """A kind of input. ``optional``: the function gets None while there is nothing."""

    optional: bool = field(default=False, kw_only=True)

    @property
    def assets(self) -> tuple[str, ...]:
        """Assets that it reads, for the lineage."""
        return ()

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        """What has to be computed before; in today's landing."""
        return ()

    def knowing(self, annotators: tuple[str, ...]) -> Input:
        """The same kind where these assets are annotators (`assets.annotators`)."""
        return self

    def settled(self, view: View) -> bool:
        """True when the version that stands is kept whatever arrives (a frozen reference)."""
        return False

    def first(self, view: View, waiting: set[str]) -> set[str] | None:
        """Those of the samples that wait which should be worked on before the others; None where
        their order does not matter."""
        return None

    @abstractmethod
    def basis(self, view: View, key: str | None) -> Basis | None:
        """What the value depends on; None while there is nothing to read."""

    @abstractmethod
    def value(self, view: View, key: str | None) -> Any:
        """What the function gets; asked only after `basis`."""
