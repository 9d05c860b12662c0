"""What an asset is, apart from Dagster: its inputs, its computation, its table model, its checks. Recipes themselves are in ``hcc_assets.defs``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.code_versions import code_version
from hcc_assets.home.versions import Bundle, CheckRecord
from hcc_assets.schemas.base import Table, empty

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.figure import Figure

    from hcc_assets.assets.view import HomeView


@dataclass(frozen=True)
class SetAside:
    """A delivery, or a part of one, that was not taken: its name, why, and ``{path below landing/: sha256}`` of its files."""

    name: str
    code: str
    reason: str
    deliveries: Mapping[str, str]


class Refused(Exception):
    """What came in is not good enough to replace what stands. The text says file, row and rule, never a value."""

    def __init__(
        self,
        reason: str,
        *,
        code: str = "refused",
        checks: tuple[CheckRecord, ...] = (),
        quarantine: bool = True,
        set_aside: tuple[SetAside, ...] = (),
    ):
        self.reason = reason
        self.set_aside = set_aside
        self.code = code
        self.checks = checks
        self.quarantine = quarantine
        super().__init__(reason)


@dataclass(frozen=True)
class Check:
    """A check of an asset: name as in the UI, one plain sentence of what passing means, severity."""

    name: str
    title: str
    severity: str = "ERROR"
    blocking: bool = False
    todo: str = ""


@dataclass
class Output:
    """What a computation hands back.

    Attributes
    ----------
    table
        The published table (recipes with a model).
    bundle
        What else is kept in the store.
    checks
        Verdicts of the recipe's own checks.
    metadata
        Numbers and short texts for the UI; never raw or efficacy values.
    set_aside
        Parts of the delivery that were not taken, for the quarantine.
    """

    table: pd.DataFrame | None = None
    bundle: Bundle = field(default_factory=Bundle)
    checks: list[CheckRecord] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)


Figures = Callable[["Ask", Output], Mapping[str, "Figure"]]


@dataclass(frozen=True, eq=False)
class Recipe:
    """One asset.

    Attributes
    ----------
    inputs, optional
        Names of the assets it reads; an absent optional one reads as an empty table.
    partitioned
        True for the per-sample assets. A partitioned input of an unpartitioned recipe means all samples that have a version.
    settings
        Sections of ``study.toml`` that change the result.
    external
        What it reads from outside the store: ``{delivery: content hash}`` by partition, or None when there is nothing yet.
    gate
        The blocking check that decides whether a new value may replace the one that stands.
    keys
        Columns that name a row, for the difference between versions.
    automatic
        False for what is only computed on request.
    uses_cutoff
        False where the data cut-off is made and not used.
    settled
        True when the version that stands is kept whatever arrives (a frozen reference).
    ready
        Of a recipe across samples that need not wait for all of them: whether what stands is enough, given the samples that are still to be worked on. Then
        it is computed before these, and they go on with it in one run each. None: it takes what there is when all samples are done.
    """

    name: str
    compute: Callable[[Ask], Output]
    group: str
    description: str
    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    partitioned: bool = False
    model: type[Table] | None = None
    settings: tuple[str, ...] = ()
    external: Callable[[HomeView, str | None], dict[str, str] | None] | None = None
    gate: Check = Check("schema", "The table keeps its schema", blocking=True)
    checks: tuple[Check, ...] = ()
    figures: Figures | None = None
    kinds: tuple[str, ...] = ("python", "pandas")
    owners: tuple[str, ...] = ("team:biostatistics",)
    tags: Mapping[str, str] = field(default_factory=dict)
    automatic: bool = True
    keep: int = 5
    uses_cutoff: bool = True
    settled: Callable[[HomeView], bool] = lambda _: False
    ready: Callable[[HomeView, Set[str]], bool] | None = None

    @cached_property
    def code_version(self) -> str:
        return code_version(self.compute)


class Ask:
    """What a computation may read: the study's choices and the versions of its declared inputs, nothing else."""

    def __init__(self, recipe: Recipe, bench: HomeView, partition: str | None):
        self._recipe = recipe
        self.bench = bench
        self.partition = partition
        self.config = bench.config

    def _declared(self, asset: str) -> None:
        if asset not in (*self._recipe.inputs, *self._recipe.optional):
            raise LookupError(f"{self._recipe.name} reads {asset} without declaring it")

    @property
    def cutoff(self) -> dt.date:
        """Data cut-off: ``study.data_cutoff``, else the date of the current clinical export, else today."""
        return self.bench.cutoff

    def has(self, asset: str, partition: str | None = None) -> bool:
        """True when the input has a version."""
        self._declared(asset)
        return self.bench.versions.current(asset, partition) is not None

    def table(self, asset: str) -> pd.DataFrame:
        """The published table of an input; empty with its columns when it is optional and absent."""
        self._declared(asset)
        if self.bench.versions.current(asset) is None and asset in self._recipe.optional:
            model = self.bench.recipes[asset].model
            return empty(model) if model else pd.DataFrame()
        return self.bench.versions.frame(asset, "table")

    def frame(self, asset: str, name: str, partition: str | None = None) -> pd.DataFrame:
        self._declared(asset)
        return self.bench.versions.frame(asset, name, partition)

    def cells(self, asset: str, name: str, partition: str | None = None) -> AnnData:
        self._declared(asset)
        return self.bench.versions.cells(asset, name, partition)

    def blob(self, asset: str, name: str, partition: str | None = None) -> bytes:
        self._declared(asset)
        return self.bench.versions.blob(asset, name, partition)

    def facts(self, asset: str, partition: str | None = None) -> Mapping[str, Any]:
        self._declared(asset)
        return self.bench.versions.facts(asset, partition)

    def samples(self, asset: str) -> list[str]:
        """Samples whose version of a per-sample input stands, sorted."""
        self._declared(asset)
        return self.bench.standing(asset)
