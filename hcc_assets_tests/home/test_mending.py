"""What was published is put back when it was deleted or changed from outside: table, CSV, report, figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from matplotlib.figure import Figure

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.recipes import Ask, Output, Recipe
from hcc_assets.audit.trail import trail_of
from hcc_assets.home import files
from hcc_assets.home.mending import damaged, mend
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Bundle
from hcc_assets.schemas.base import Table


class Numbers(Table):
    """Numbers."""

    n: float = pa.Field(description="A number")

    class Config:
        name = "numbers"
        unique = ["n"]


def drawn(ask: Ask, output: Output) -> Mapping[str, Figure]:
    assert output.table is not None
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(output.table["n"], output.bundle.frames["more"]["m"])
    return {"numbers_line": figure}


def bench(home: Home, value: float = 1.0) -> Workbench:
    def numbers(ask: Ask) -> Output:
        more = pd.DataFrame({"m": [value, 2.0]})
        return Output(
            table=pd.DataFrame({"n": [value, 2.0 + value]}), bundle=Bundle(frames={"more": more})
        )

    def report(ask: Ask) -> Output:
        page = f"<html>{value}</html>".encode()
        files.write_bytes(home.published / "report.html", page)
        return Output(bundle=Bundle(blobs={"report.html": page}))

    first = Recipe(
        "numbers",
        numbers,
        "g",
        "Two. Numbers.",
        model=Numbers,
        figures=drawn,
        external=lambda *_: {"x": str(value)},
    )
    return Workbench(
        home,
        {
            "numbers": first,
            "trial_report": Recipe("trial_report", report, "g", "A. Report.", inputs=("numbers",)),
        },
    )


def all_files(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted((root / "published").rglob("*"))
        if p.is_file()
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path)
    for name in ("numbers", "trial_report"):
        assert bench(home).attempt(name).state == "new"
    mend(bench(home))
    assert mend(bench(home)) == [] and damaged(bench(home)) == []
    return home


def republished(home: Home) -> int:
    return [e.action for e in trail_of(home).entries()].count("republish")


FILES = [
    "numbers.parquet",
    "numbers.csv",
    "report.html",
    "figures/numbers_line.png",
    "figures/numbers_line.svg",
]


@pytest.mark.parametrize("how", ["gone", "cut", "changed"])
@pytest.mark.parametrize("file", FILES)
def test_what_is_gone_cut_or_changed_is_told_and_put_back(
    home: Home, tmp_path: Path, file: str, how: str
) -> None:
    before, told = all_files(tmp_path), republished(home)
    assert set(before) == {f"published/{f}" for f in FILES}
    path = tmp_path / "published" / file
    if how == "gone":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(
            whole[: len(whole) // 2]
            if how == "cut"
            else whole[:-20].replace(b"1", b"2") + whole[-20:] + b" "
        )
    assert len(damaged(bench(home))) == 1
    assert len(mend(bench(home))) == 1
    assert all_files(tmp_path) == before
    assert mend(bench(home)) == [] and damaged(bench(home)) == []
    assert republished(home) == told + 1 and not trail_of(home).verify()


def test_new_versions_are_no_damage_and_a_figure_cut_meanwhile_is_found(
    home: Home, tmp_path: Path
) -> None:
    for name in ("numbers", "trial_report"):
        assert bench(home, 5.0).attempt(name).state == "new"
    assert damaged(bench(home, 5.0)) == []
    new = all_files(tmp_path)
    picture = tmp_path / "published" / "figures" / "numbers_line.svg"
    picture.write_bytes(picture.read_bytes()[:100])
    assert mend(bench(home, 5.0)) == ["numbers_line.svg"]
    assert all_files(tmp_path) == new


def test_a_figure_that_nothing_draws_any_more_is_no_loss(home: Home, tmp_path: Path) -> None:
    old = tmp_path / "published" / "figures" / "copy_number_S9.png"
    old.write_bytes((tmp_path / "published" / "figures" / "numbers_line.png").read_bytes())
    mend(bench(home))
    old.unlink()
    assert damaged(bench(home)) == ["copy_number_S9.png"]
    assert mend(bench(home)) == [] and damaged(bench(home)) == []
