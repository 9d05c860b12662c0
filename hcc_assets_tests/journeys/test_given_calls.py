"""Label map, corrections and calls of other tools through the engine: what they change, what is
computed again, what is told, and the way back."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.assets.accounting import account
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.catalogue.loading import all_assets, collect, modules
from hcc_assets.home.paths import Home
from hcc_assets.privacy.removal import remove_landed
from hcc_assets.privacy.subject import who_is
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.faults.homes import through_the_engine, without_figures
from hcc_assets_tests.tiny import Tiny

HEADER = "sample_id,barcode,from_class,cell_class,who,reason\n"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "hcc_lab" / "hcc_lab.py"


class Study:
    """A home of the tiny trial, and what a person does at it."""

    def __init__(self, root: Path, assets: Mapping[str, Asset] | None = None):
        self.home, self.folder = Home.at(root), root / "landing" / "annotations"
        # what this is about, and what comes before it
        names = ("annotated_cells", "cells", "compositions", "annotator_agreement")
        every = dict(assets or all_assets())
        wanted, waiting = set(), list(names)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += every[name].reads
        self.assets = {n: a for n, a in every.items() if n in wanted}

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def choose(self, annotator: str) -> None:
        text = f'[samples]\nsettle_seconds = 0\n[single_cell]\nannotator = "{annotator}"\n'
        (Path(str(self.home.root)) / "study.toml").write_text(text)

    def stale(self) -> set[tuple[str, str]]:
        view = Workbench(self.home, self.assets)
        nodes = make_plan(view).of("stale")
        return {(name, view.people.sample(key) if key else "") for name, key in nodes}

    def refresh(self) -> pd.DataFrame:
        with without_figures():
            self.outcomes = through_the_engine(self.home, self.assets)
        return self.published("cells").set_index("cell_id")

    def published(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(str(self.home.published / f"{name}.parquet"))

    def told(self) -> str:
        """Sentences of checks that did not pass, and of what was held."""
        checks = (c for o in self.outcomes.values() for c in o.checks)
        failed = [f"{c.name}: {c.description}" for c in checks if not c.passed]
        return "\n".join(failed + [o.reason for o in self.outcomes.values()])

    def acts(self) -> list[Any]:
        entries = trail_of(self.home).entries()
        return [e for e in entries if e.action.startswith("curate")]


@pytest.fixture
def study(tiny: Tiny, place: Path) -> Study:
    shutil.copytree(tiny.root, place / "home")
    found = Study(place / "home")
    found.choose("own")
    return found


def test_people_correct_calls_and_take_it_back(study: Study) -> None:
    before = study.refresh()
    passing = before[before["qc_status"] == "pass"]
    sample = str(passing["sample_id"].iloc[0])
    mine = passing[passing["sample_id"] == sample]
    first, second = mine["cell_class"].value_counts().index[:2]
    whole = mine.index[mine["cell_class"] == first]
    one = mine.index[mine["cell_class"] == second][0]
    subject = str(mine["subject_id"].iloc[0])
    lines = [
        f"{sample},{before.barcode[one]},{second},mast,Dr Chen,markers of {subject}",
        f"{sample},,{first},neutrophil,Dr Chen,markers",
        f"{sample},nobody,,mast,Dr Chen,markers",
        f"{sample},,T,no such class,Dr Chen,markers",
        "no-such-sample,,T,B,Dr Chen,markers",
    ]
    study.write("curation.csv", HEADER + "\n".join(lines) + "\n")
    assert study.stale() == {("annotated_cells", sample), ("cells", "")}
    after = study.refresh()
    told = study.told()
    for said in ("line 4 names a barcode", "line 5 has a cell_class", "line 6 is about no sample"):
        assert f"curation.csv {said}" in told
    assert after.cell_class[one] == "mast" and set(after.cell_class[whole]) == {"neutrophil"}
    assert set(after.index[after["call_source"] == "curated"]) == {one, *whole}
    rest = before.index.difference([one, *whole])
    pd.testing.assert_frame_equal(after.loc[rest], before.loc[rest])
    table = study.published("compositions")
    row = table[(table.sample_id == sample) & (table.cell_class == "neutrophil")]
    kept = after[(after["sample_id"] == sample) & (after["qc_status"] == "pass")]
    assert int(row.n_cells.iloc[0]) == int((kept["cell_class"] == "neutrophil").sum())

    assert [(a.who, a.details["cells"]) for a in study.acts()] == [
        ("Dr Chen", 1),
        ("Dr Chen", len(whole)),
    ]
    assert subject not in audit_path(study.home).read_text()
    for place in ("store", "published"):
        found = find_traces(Path(str(study.home.root)) / place, ["Dr Chen", "markers of"])
        assert found.traces == ()
    assert {r.fate for r in account(view(study)) if r.kind == "annotation"} == {"accepted"}

    (study.folder / "curation.csv").unlink()
    pd.testing.assert_frame_equal(study.refresh(), before)
    assert [a.action for a in study.acts()][2:] == ["curate taken back"] * 2
    assert trail_of(study.home).verify() == []


def view(study: Study) -> Workbench:
    return Workbench(study.home, study.assets)


@pytest.mark.slow
def test_a_file_without_its_columns_is_refused_and_what_stands_stays(study: Study) -> None:
    before = study.refresh()
    sample, barcode = str(before["sample_id"].iloc[0]), str(before["barcode"].iloc[0])
    study.write("curation.csv", f"{HEADER}{sample},{barcode},,mast,C,r\n")
    after = study.refresh()
    study.write("curation.csv", "sample,cell\n1,2\n")
    assert study.stale() == set()
    (refused,) = view(study).landing.refused
    assert "has no column sample_id" in refused.reason
    pd.testing.assert_frame_equal(study.refresh(), after)


@pytest.mark.slow
def test_a_tool_is_chosen_compared_and_left_again(study: Study) -> None:
    before = study.refresh()
    assert study.published("annotator_agreement").empty
    samples = sorted(set(before["sample_id"]))
    known = before[before["sample_id"] == samples[0]].iloc[1:]
    rows = "\n".join(f"{b},Bcell,0.6" for b in known["barcode"])
    study.write("tool/" + samples[0] + ".csv", f"barcode,cell_class,probability\n{rows}\n")
    study.write("label_map.csv", "source_label,cell_class\nBcell,B\nx,nothing\n")
    assert study.stale() == {("annotator_agreement", "")}, "ours are chosen"
    study.refresh()
    assert "label_map.csv line 3: nothing is no class of ours" in study.told()
    study.choose("tool")
    after = study.refresh()
    assert (after.cell_class[known.index] == "B").all()
    assert (after.call_source[known.index] == "external").all()
    assert (after.confidence[known.index] == 0.6).all()
    rest = before.index.difference(known.index)
    pd.testing.assert_frame_equal(after.loc[rest], before.loc[rest])
    assert "has no calls of this sample" in study.told()
    both = known[(known["qc_status"] == "pass") & (known["cell_class"] != "unassigned")]
    table = study.published("annotator_agreement").set_index("cell_class")
    assert table.loc["ALL", "n_cells"] == len(both)
    assert table.loc["ALL", "agreement"] == pytest.approx((both["cell_class"] == "B").mean())

    study.write("tool/" + samples[0] + ".csv", "barcode,cell_class\n")
    pd.testing.assert_frame_equal(study.refresh(), after)
    assert "has no column probability" in study.told()
    study.choose("nobody")
    pd.testing.assert_frame_equal(study.refresh(), after)
    assert "no folder landing/annotations/nobody" in study.told()
    study.choose("own")
    pd.testing.assert_frame_equal(study.refresh(), before)


@pytest.mark.slow
def test_an_installed_annotator_is_one_like_a_folder(tiny: Tiny, place: Path) -> None:
    spec = importlib.util.spec_from_file_location("hcc_lab_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    lab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lab)
    shutil.copytree(tiny.root, place / "home")
    assets = collect([*modules(), lab])
    assert "by_ptprc" in assets["annotated_cells"].reads
    assert "by_ptprc" not in all_assets()["annotated_cells"].reads
    study = Study(place / "home", assets)
    study.choose("by_ptprc")
    after = study.refresh()
    assert set(after["call_source"]) == {"external"}
    assert set(after["cell_class"]) == {"T", "unassigned"}
    assert set(study.published("annotator_agreement")["annotator"]) == {"by_ptprc"}


def test_an_erasure_finds_the_lines_and_files_of_the_subject(study: Study) -> None:
    mine = min(view(study).rows.values(), key=lambda r: r.sample_id)
    for sample in (mine.sample_id, "somebody-else"):
        study.write(f"tool/{sample}.csv", "barcode,cell_class,probability\na,T,1\n")
    lines = (f"{sample},,T,B,C,r\n" for sample in (mine.sample_id, "somebody-else"))
    study.write("curation.csv", HEADER + "".join(lines))
    remove_landed(study.home, who_is(study.home, mine.subject_id))
    assert {p.name for p in (study.folder / "tool").iterdir()} == {"somebody-else.csv"}
    assert (study.folder / "curation.csv").read_text() == f"{HEADER}somebody-else,,T,B,C,r\n"
