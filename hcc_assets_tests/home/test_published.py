"""What was published is put back when it was deleted or changed from outside: table, CSV, report,
figures. Putting back is copying; nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.home.manifests import Bundle, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged, put_back
from hcc_assets_tests.assets.little import Numbers, deliver, little_home, numbers


@asset(model=Numbers)
def drawn(numbers: pd.DataFrame) -> pd.DataFrame:
    """Numbers. As a line."""
    return numbers


@drawn.figure
def line(table: pd.DataFrame) -> Mapping[str, Figure]:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(table["value"])
    return {"numbers_line": figure}


@asset
def trial_report(numbers: pd.DataFrame) -> Output:
    """A page. Of numbers."""
    page = f"<html>{numbers['value'].sum()}</html>".encode()
    return Output(
        bundle=Bundle(blobs={"report.html": page}), published={"report.html": "report.html"}
    )


ASSETS = {"numbers": numbers, "drawn": drawn, "trial_report": trial_report}
FILES = [
    "drawn.parquet",
    "drawn.csv",
    "report.html",
    "figures/numbers_line.png",
    "figures/numbers_line.svg",
]


def compute(home: Home, value: float) -> None:
    work = deliver(home, [["a", value], ["b", 2 * value]], ASSETS)
    for name in ASSETS:
        assert work.attempt(name).state == "new"


def stands(home: Home) -> list[Manifest]:
    versions = Workbench(home, ASSETS).versions
    return [versions.require(name) for name in ASSETS]


def mend(home: Home) -> list[str]:
    return put_back(Workbench(home, ASSETS).versions, stands(home))


def broken(home: Home) -> list[str]:
    return damaged(Workbench(home, ASSETS).versions, stands(home))


def published(root: Path) -> dict[str, bytes]:
    folder = root / "published"
    found = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


@pytest.fixture
def home(place: Path) -> Home:
    home = little_home(place)
    compute(home, 1.0)
    assert broken(home) == mend(home) == []
    return home


@pytest.mark.parametrize("how", ["gone", "cut", "changed", "empty"])
@pytest.mark.parametrize("file", FILES)
def test_what_is_gone_cut_or_changed_is_told_and_put_back(
    home: Home, place: Path, file: str, how: str
) -> None:
    before = published(place)
    assert set(FILES) <= set(before)
    path = place / "published" / file
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-7], "changed": whole[:-1] + b"?", "empty": b""}[how])
    assert broken(home) == [file]
    assert mend(home) == [file]
    assert published(place) == before
    assert broken(home) == mend(home) == []


def test_new_versions_are_no_damage_and_a_figure_cut_meanwhile_is_found(
    home: Home, place: Path
) -> None:
    compute(home, 5.0)
    assert broken(home) == []
    new = published(place)
    picture = place / "published" / "figures" / "numbers_line.svg"
    picture.write_bytes(picture.read_bytes()[:100])
    assert mend(home) == ["figures/numbers_line.svg"]
    assert published(place) == new


def test_what_the_home_did_not_publish_is_left_alone(home: Home, place: Path) -> None:
    own = place / "published" / "my notes.txt"
    own.write_text("mine")
    assert broken(home) == mend(home) == []
    assert own.read_text() == "mine"


def test_a_whole_folder_that_is_gone_comes_back(home: Home, place: Path) -> None:
    before = published(place)
    for path in (place / "published").rglob("*"):
        if path.is_file():
            path.unlink()
    assert mend(home) == sorted(before)
    assert published(place) == before
