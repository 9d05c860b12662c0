"""What an asset is, apart from Dagster: one function, whose parameters are its inputs.

``@asset`` makes one of a function; ``@name.check`` and ``@name.figure`` add to it. Everything an
asset can read is a parameter of these functions (`assets.inputs`); everything that can run in it
is the closure of its file (`assets.closure`). Which assets there are is in ``catalogue``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from hcc_assets.assets.acts import Act
from hcc_assets.assets.closure import Closure, closure_of
from hcc_assets.assets.inputs import Input, inputs_of
from hcc_assets.home.manifests import Bundle, CheckRecord
from hcc_assets.schemas.base import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class SetAside:
    """A delivery, or a part of one, that was not taken: its name, why, and
    ``{path below landing/: sha256}`` of its files."""

    name: str
    code: str
    reason: str
    deliveries: Mapping[str, str]


class Refused(Exception):
    """What came in is not good enough to replace what stands.

    Parameters
    ----------
    reason
        Says file, row and rule, and what to do; never a value.
    code
        One word for programs; never the code of another reason.
    checks
        Verdicts that were reached before.
    quarantine
        False where no delivery is refused (a table behind a refused export).
    set_aside
        Parts of the delivery, each with its own reason.
    """

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
        self.code = code
        self.checks = checks
        self.quarantine = quarantine
        self.set_aside = set_aside
        super().__init__(reason)


@dataclass(frozen=True)
class Verdict:
    """What a check found: a sentence, how many rows, cells or samples it concerns, and short texts
    for the UI beside it."""

    passed: bool
    description: str
    affected: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Output:
    """What a function hands back that is more than its table.

    Attributes
    ----------
    table
        The published table of an asset with a model.
    bundle
        What else is kept in the store.
    published
        File name below ``published/`` to the name of a file of the bundle (the report).
    metadata
        Numbers and short texts for the UI; never raw or efficacy values.
    set_aside
        Parts of the delivery that were not taken, for the quarantine.
    acts
        Decisions of people that are in force in it.
    """

    table: pd.DataFrame | None = None
    bundle: Bundle = field(default_factory=Bundle)
    published: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """A check of an asset.

    Attributes
    ----------
    name, title
        As in the UI: the title is one plain sentence of what passing means.
    todo
        What to do when it fails.
    judge
        Gets the output and the inputs it names; None for the gate, which is judged by
        the computation itself.
    """

    name: str
    title: str
    severity: Severity = "ERROR"
    todo: str = ""
    judge: Callable[..., Verdict] | None = None


@dataclass(frozen=True)
class Gate:
    """The blocking check that decides whether a new value may replace the one that stands."""

    name: str = "schema"
    title: str = "The table keeps its schema"
    todo: str = ""


@dataclass(eq=False)
class Asset:
    """One asset of the catalogue; see `asset` for the parameters."""

    name: str
    function: Callable[..., Any]
    group: str
    description: str
    file: Path
    model: type[Table] | None = None
    per_sample: bool = False
    settings: tuple[str, ...] = ()
    gate_spec: Gate = Gate()
    kinds: tuple[str, ...] = ("python", "pandas")
    owners: tuple[str, ...] = ("team:biostatistics",)
    tags: Mapping[str, str] = field(default_factory=dict)
    automatic: bool = True
    keep: int = 5
    checks: list[Check] = field(default_factory=list)
    figures: list[Callable[..., Mapping[str, Figure]]] = field(default_factory=list)

    @cached_property
    def gate(self) -> Check:
        """The blocking check."""
        return Check(self.gate_spec.name, self.gate_spec.title, "ERROR", self.gate_spec.todo)

    @cached_property
    def inputs(self) -> dict[str, Input]:
        """Everything it reads, by parameter: of the function, its checks and its figures."""
        found = inputs_of(self.function, self.settings)
        for more in (*(c.judge for c in self.checks if c.judge), *self.figures):
            for name, kind in inputs_of(more, self.settings).items():
                found.setdefault(name, kind)
        return found

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Assets that it reads, without repetition."""
        return tuple(dict.fromkeys(a for kind in self.inputs.values() for a in kind.assets))

    @cached_property
    def closure(self) -> Closure:
        """Every module of the package that can run in it."""
        return closure_of(self.file, self.model)

    @property
    def code_version(self) -> str:
        """Hash of the closure and of what the decorator says."""
        return self.closure.version

    def knowing(self, annotators: tuple[str, ...]) -> Asset:
        """The same asset where these assets are annotators."""
        inputs = {name: kind.knowing(annotators) for name, kind in self.inputs.items()}
        if inputs == self.inputs:
            return self
        other = replace(self)
        other.__dict__["inputs"] = inputs
        return other

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, for a test or a notebook."""
        return self.function(*args, **kwargs)

    def check(
        self, *, severity: Severity = "ERROR", todo: str = ""
    ) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
        """Add a check: the function's name, its docstring as the sentence, its `Verdict`.

        Parameters named ``output`` and ``table`` get what the asset computed; all others
        are inputs.
        """

        def add(judge: Callable[..., Verdict]) -> Callable[..., Verdict]:
            title = inspect.cleandoc(judge.__doc__ or judge.__name__).rstrip(".")
            self.checks.append(
                Check(judge.__name__, " ".join(title.split()), severity, todo, judge)
            )
            return judge

        return add

    def figure(
        self, draw: Callable[..., Mapping[str, Figure]]
    ) -> Callable[..., Mapping[str, Figure]]:
        """Add figures: ``{file name: figure}``; parameters as those of a check."""
        self.figures.append(draw)
        return draw


def asset(
    function: Callable[..., Any] | None = None,
    *,
    model: type[Table] | None = None,
    per_sample: bool = False,
    settings: tuple[str, ...] = (),
    gate: Gate | None = None,
    kinds: tuple[str, ...] = ("python", "pandas"),
    owners: tuple[str, ...] = ("team:biostatistics",),
    layer: str = "cohort",
    tags: Mapping[str, str] | None = None,
    automatic: bool = True,
    keep: int = 5,
) -> Any:
    """Make an asset of a function.

    The name is that of the function, the group that of the folder of its file, the description
    its docstring. Its parameters are its inputs (`assets.inputs`). It returns the table, or an
    `Output` with more.

    Parameters
    ----------
    model
        Pandera model of the published table.
    per_sample
        One value for each sample, or one across all.
    settings
        Keys of ``study.toml`` that ``config`` shows: sections (``recist``) or single keys
        (``samples.timepoints``); others cannot be read.
    gate
        Name and sentence of the blocking check.
    layer, tags
        For the filters of the UI.
    automatic
        False for what is only computed on request.
    keep
        Earlier versions that stay in the store.
    """

    def make(body: Callable[..., Any]) -> Asset:
        file = Path(inspect.getfile(body))
        return Asset(
            name=body.__name__,
            function=body,
            group=file.parent.name,
            description=" ".join(inspect.cleandoc(body.__doc__ or "").split()),
            file=file,
            model=model,
            per_sample=per_sample,
            settings=settings,
            gate_spec=gate or Gate(),
            kinds=kinds,
            owners=owners,
            tags={"layer": layer, **(tags or {})},
            automatic=automatic,
            keep=keep,
        )

    return make if function is None else make(function)
