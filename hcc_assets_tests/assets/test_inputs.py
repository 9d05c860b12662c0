"""Each kind of input changes its fingerprint for what it stands for, and for nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import (
    AllOf,
    BySample,
    Cutoff,
    Earlier,
    Input,
    Previous,
    Row,
    SampleRow,
    Settings,
    Some,
    Standing,
    TableOf,
    Version,
    VersionOf,
    inputs_of,
)
from hcc_assets.home.paths import Home
from hcc_assets.study.config import StudyConfig, restricted
from hcc_assets_tests.assets.little import (
    ALL,
    SETTINGS,
    bench,
    deliver,
    key_of,
    little_home,
    sheet,
)

ROWS = ("A,S1,pre", "B,S1,post", "C,S2,pre")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of the little catalogue up to date, for three samples of two subjects."""
    root = tmp_path_factory.mktemp("inputs") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        compute(deliver(little_home(root, *ROWS), [["a", 1]], ALL))
    return root


@pytest.fixture
def home(base: Path, place: Path) -> Home:
    shutil.copytree(base, place / "home")
    return Home.at(place / "home")


def compute(work: Workbench) -> None:
    work.register()
    for name in ALL:
        keys = work.keys if ALL[name].per_sample else (None,)
        for key in keys:
            assert work.attempt(name, key).state in ("new", "unchanged", "fresh")


def other_numbers(home: Home) -> None:
    deliver(home, [["a", 5]], ALL).attempt("numbers")


def other_content(name: str) -> Callable[[Home], None]:
    """The sample's matrix counts differently from now on."""

    def change(home: Home) -> None:
        work, key = bench(home), key_of(home, name)
        changed = dataclasses.replace(ALL["raw_counts"], function=_another, checks=[])
        work.assets["raw_counts"] = changed
        assert work.attempt("raw_counts", key, force=True).state == "new"

    return change


def _another(sample: SampleRow) -> Output:
    """Another content."""
    found = ALL["raw_counts"].function(sample)
    found.bundle.frames["t"]["name"] = "other"
    return found


def setting(text: str) -> Callable[[Home], None]:
    return lambda home: home.study_toml.write_text(SETTINGS + text) and None


def row(change: str) -> Callable[[Home], None]:
    return lambda home: sheet(Path(str(home.root)), *(change if r[0] == "A" else r for r in ROWS))


def new_sample(home: Home) -> None:
    sheet(Path(str(home.root)), *ROWS, "D,S2,post")
    work = bench(home)
    work.register()
    assert work.attempt("raw_counts", key_of(home, "D")).state == "new"


def next_day(_: Home) -> None:
    """Another day (see the test)."""


CHANGES: dict[str, Callable[[Home], None]] = {
    "numbers": other_numbers,
    "counts of A": other_content("A"),
    "counts of C": other_content("C"),
    "confirmation": setting("[recist]\nconfirmation_days = 35\n"),
    "another setting": setting("[single_cell]\nmin_umi = 201\n"),
    "cut-off": setting('[study]\ndata_cutoff = "2026-03-01"\n'),
    "row of A": row("A,S1,post"),
    "subject of A": row("A,S2,pre"),
    "a new sample": new_sample,
    "the next day": next_day,
}
KINDS: dict[str, tuple[Input, str | None, set[str]]] = {
    "a table": (TableOf("numbers"), None, {"numbers"}),
    "a version of this sample": (VersionOf("raw_counts"), "A", {"counts of A", "subject of A"}),
    "versions of all samples": (
        AllOf("raw_counts"),
        None,
        {"counts of A", "counts of C", "subject of A", "a new sample"},
    ),
    "earlier samples": (
        Earlier("raw_counts"),
        "B",
        {"counts of A", "row of A", "subject of A"},
    ),
    "a version and the one before": (Previous("numbers"), None, {"numbers"}),
    "some assets": (Some(("numbers", "nothing_yet")), None, {"numbers"}),
    "what stands": (Standing("numbers"), None, set()),
    "a row": (Row(), "A", {"row of A", "subject of A"}),
    "a setting": (Settings(("recist.confirmation_days",)), None, {"confirmation"}),
    "a section": (Settings(("recist",)), None, {"confirmation"}),
    "the cut-off": (Cutoff(), None, {"cut-off", "the next day"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_kind_reacts_to_what_it_stands_for_and_to_nothing_else(home: Home, change: str) -> None:
    known = ALL | {"nothing_yet": ALL["numbers"]}

    def bases(day: int = 0) -> dict[str, Any]:
        now = dt.datetime(2026, 2, 1 + day, tzinfo=dt.UTC)
        view = Workbench(home, known, now=now)
        # a sample of another subject has another key: there is nothing of it yet
        return {
            what: kind.basis(view, key_of(home, sample) if sample else None)
            for what, (kind, sample, _) in KINDS.items()
        }

    before = bases()
    CHANGES[change](home)
    after = bases(day=int(change == "the next day"))
    reacted = {what for what in KINDS if after[what] != before[what]}
    assert reacted == {what for what, (*_, reacts) in KINDS.items() if change in reacts}


def test_a_row_does_not_react_to_where_its_matrix_lies(home: Home) -> None:
    before = Row().basis(bench(home), key_of(home, "A"))
    text = home.samples_csv.read_text()
    home.samples_csv.write_text(text.replace("matrices/A", "matrices/C"))
    assert Row().basis(bench(home), key_of(home, "A")) == before


def test_all_samples_are_given_by_their_ids_and_told_by_their_keys(home: Home) -> None:
    view = bench(home)
    found = AllOf("raw_counts").value(view, None)
    assert list(found) == ["A", "B", "C"]
    assert found["B"].frame("t")["name"].tolist() == ["B"]
    basis = AllOf("raw_counts").basis(view, None)
    assert basis is not None
    assert set(basis.versions) == {f"raw_counts/{key_of(home, s)}" for s in "ABC"}


def test_earlier_samples_are_of_the_same_subject_only(home: Home) -> None:
    view = bench(home)
    given = {s: list(Earlier("raw_counts").value(view, key_of(home, s))) for s in "ABC"}
    assert given == {"A": [], "B": ["A"], "C": []}


def test_a_setting_that_is_not_listed_cannot_be_read(home: Home) -> None:
    shown = Settings(("recist.confirmation_days", "pfs")).value(bench(home), None)
    assert (shown.recist.confirmation_days, shown.pfs.max_gap_days) == (28, 98)
    for read in (
        lambda: shown.recist.sd_minimum_days,
        lambda: shown.safety,
        lambda: shown.samples.timepoints,
    ):
        with pytest.raises(AttributeError, match="without being among the settings"):
            read()


def test_a_listed_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError):
        restricted(StudyConfig(), ("recist.confirmation_weeks",))


def _nothing(x, y=None):  # type: ignore[no-untyped-def]
    return x, y


def _number(x: int) -> int:
    return x


def _either(x: pd.DataFrame | Version) -> Any:
    return x


@pytest.mark.parametrize("function", [_nothing, _number, _either])
def test_a_parameter_without_a_kind_is_an_error_that_names_it(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="the annotation of x says no kind of input"):
        inputs_of(function, ())
    with pytest.raises(TypeError, match="says no kind"):
        _ = asset(function).inputs


def _all_kinds(
    numbers: pd.DataFrame,
    raw_counts: Version,
    course: BySample,
    sample: SampleRow,
    config: StudyConfig,
    cutoff: dt.date,
    mine: Annotated[Version | None, Standing("everybody")],
    perhaps: pd.DataFrame | None = None,
) -> None:
    """All of them."""


def test_annotations_say_the_kind_and_a_default_of_none_makes_it_optional() -> None:
    found = inputs_of(_all_kinds, ("recist",))
    assert found == {
        "numbers": TableOf("numbers"),
        "raw_counts": VersionOf("raw_counts"),
        "course": AllOf("course"),
        "sample": Row(),
        "config": Settings(("recist",)),
        "cutoff": Cutoff(),
        "mine": Standing("everybody"),
        "perhaps": TableOf("perhaps", optional=True),
    }


def test_what_a_check_or_a_figure_reads_is_an_input_of_its_asset() -> None:
    assert ALL["course"].inputs.keys() == {"raw_counts", "sample", "earlier"}
    assert ALL["numbers"].inputs.keys() == {"raw"}
    assert ALL["everybody"].reads == ("raw_counts", "course")


def test_an_optional_input_is_none_until_there_is_one_and_then_counts(place: Path) -> None:
    home = little_home(place)

    @asset
    def hopeful(numbers: pd.DataFrame | None = None) -> Output:
        """Takes what there is. Or nothing."""
        return Output(metadata={"rows": -1 if numbers is None else len(numbers)})

    known = ALL | {"hopeful": hopeful}
    work = Workbench(home, known)
    first = work.attempt("hopeful")
    assert (first.state, first.metadata) == ("new", {"rows": -1})
    deliver(home, [["a", 1]], known).attempt("numbers")
    second = Workbench(home, known).attempt("hopeful")
    assert (second.state, second.metadata) == ("unchanged", {"rows": 1})


def test_the_version_before_is_there_while_it_is_kept(home: Home) -> None:
    other_numbers(home)
    value = VersionOf("numbers").value(bench(home), None)
    assert value.table["value"].tolist() == [5.0]
    assert value.previous.table["value"].tolist() == [1.0]
    assert value.previous.previous is None
    assert json.loads(json.dumps(dict(value.notes))) == {}
