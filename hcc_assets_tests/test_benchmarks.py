"""The benchmarks at tiny size: what is measured is measured rightly, goals are judged from numbers
alone, and the documents say what the numbers say."""

from __future__ import annotations

import cProfile
import itertools
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.performance import document, homes, misses, plots
from benchmarks.performance.__main__ import merged
from benchmarks.performance.engine_loop import bring_up_to_date
from benchmarks.performance.goals import growth, judge, pick, ratios, shares
from benchmarks.performance.measure import MeasurementFailed, median, python, row, run, slope
from benchmarks.performance.settings import SIZES
from benchmarks.science import document as science_document
from benchmarks.science.studies import KNOWN, studies
from hcc_assets.home.paths import Home
from hcc_assets_tests.benchmark_results import example

linux = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from /proc"
)
BUSY = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass\n"


@linux
def test_a_command_that_takes_too_much_memory_is_stopped_and_says_so():
    found = run(
        [sys.executable, "-c", "import time; x = bytearray(300_000_000); time.sleep(60)"],
        memory_mb=150,
    )
    assert found.stopped and found.wall_s < 30 and found.peak_mb > 150
    assert not run([sys.executable, "-c", "pass"], memory_mb=150).stopped


@linux
def test_children_count_in_cpu_and_memory():
    child = f"x = bytearray(80_000_000)\n{BUSY}"
    code = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}], check=True)\n"
        "print('{\"n\": 3}')"
    )
    found = run([sys.executable, "-c", code])
    assert found.cpu_s >= 0.3
    assert found.wall_s >= 0.3
    assert found.peak_mb >= 80
    assert found.peak_sum_mb >= found.peak_mb
    assert found.answer == {"n": 3}


def test_a_failing_command_is_no_measurement():
    with pytest.raises(MeasurementFailed, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"])
    assert run([sys.executable, "-c", "raise SystemExit(1)"], ok=(0, 1)).answer == {}


def test_median_takes_the_middle_time_and_the_largest_memory():
    from benchmarks.performance.measure import Measured

    found = median([Measured(1, 5, 10, 20), Measured(3, 1, 30, 40), Measured(2, 3, 20, 60)])
    assert (found.wall_s, found.cpu_s, found.peak_mb, found.peak_sum_mb) == (2, 3, 30, 60)
    assert row(found, what="x")["what"] == "x"


def test_slope():
    assert slope([(1, 3.0), (2, 5.0), (4, 9.0)]) == pytest.approx((1.0, 2.0))
    assert slope([(1, 3.0)]) == (3.0, 0.0)


def test_goals_are_judged_from_the_worst_case():
    goals = {g.key: g for g in judge(example())}
    assert goals["sample_published"].value == pytest.approx(0.12)
    assert goals["sample_pure"].value == pytest.approx(0.1)
    assert goals["sample_reading"].value == pytest.approx(0.5)
    assert goals["flat"].value == pytest.approx(1.1)
    assert goals["dagster_share"].value == pytest.approx(0.25)
    assert goals["crowd_memory"].value == 700
    assert goals["trial_time"].value == pytest.approx(0.4)
    assert goals["sample_calls"].value == 1.0
    assert goals.pop("sample_own_memory").met is None  # no sample of 20,000 cells there
    assert all(g.met for g in goals.values())
    missed = {g.key for g in judge(example(refresh=11.0, share=0.4, grown=1.3)) if g.met is False}
    assert missed == {"sample_published", "dagster_share", "flat"}


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert {g.met for g in judge({})} == {None}
    assert "not measured" in document.text({"machine": {}})


def test_ratios_growth_and_shares():
    rows = [
        {"what": "a", "case": 1, "cpu_s": 3.0},
        {"what": "b", "case": 1, "cpu_s": 2.0},
        {"what": "a", "case": 2, "cpu_s": 3.0},
    ]
    assert ratios(rows, "a", "b") == {1: 1.5}
    assert growth(
        [
            {"what": "x", "size": 10, "work_cpu_s": 1.0},
            {"what": "x", "size": 100, "work_cpu_s": 20.0},
        ],
        "x",
    ) == {"100": 2.0}
    assert shares(example()) == pytest.approx({"one": 0.25, "all": 0.1})
    assert pick(rows, what="b") == rows[1:2]


def test_the_document_says_what_the_numbers_say():
    text = document.text(example())
    assert "missed" not in text.split("## Missed goals")[0]
    assert "None in this run." in text
    bad = example(refresh=11.0)
    bad["profiles"] = {
        "refresh with one new sample": {
            "goals": ["sample_published"],
            "seconds": 2.0,
            "packages": {"dagster": 1.0},
            "functions": [],
        }
    }
    text = document.text(bad)
    assert "**missed**" in text
    assert "| dagster | 1.00 | 50 % |" in text
    assert not re.search(r"/(?:work|root|tmp|home)/", text)


def test_a_section_measured_again_replaces_itself_alone():
    before = example() | {
        "sizes": {"crowd": "full", "clinical": "full"},
        "profiles": {"a": {"goals": []}},
    }
    found = {
        "machine": {},
        "clinical": [],
        "sizes": {"clinical": "quick"},
        "profiles": {"b": {"goals": []}},
    }
    both = merged(before, found)
    assert both["sizes"] == {"crowd": "full", "clinical": "quick"}
    assert set(both["profiles"]) == {"a", "b"}
    assert both["crowd"] == before["crowd"]
    assert both["clinical"] == []


def test_plots_are_the_same_for_the_same_results(tmp_path):
    document.write(example(), tmp_path)
    images = tmp_path / "images" / "performance"
    first = {p.name: p.read_bytes() for p in images.glob("*.svg")}
    assert set(first) == {f"{name}.svg" for name in plots.PLOTS}
    plots.write(example(), images)
    assert first == {p.name: p.read_bytes() for p in images.glob("*.svg")}
    for target in re.findall(
        r"\]\((images/[^)]+\.svg)\)", (tmp_path / "performance.md").read_text(encoding="utf-8")
    ):
        assert (tmp_path / target).exists()


def test_a_profile_is_summed_by_package(tmp_path):
    profile = cProfile.Profile()
    profile.runcall(lambda: judge(example()))
    profile.dump_stats(tmp_path / "p.prof")
    found = misses.summary(tmp_path / "p.prof")
    assert found["seconds"] >= 0
    assert any("benchmarks.performance.goals" in name for name in found["packages"])


def test_clinical_work_is_timed():
    for what in ("endpoints", "safety"):
        answer = python("benchmarks.performance.clinical", what, 20).answer
        assert answer["rows"] >= 20
        assert answer["work_cpu_s"] > 0


def test_sizes_grow():
    names = list(SIZES)
    for smaller, larger in itertools.pairwise(names):
        a, b = SIZES[smaller], SIZES[larger]
        assert max(a.cells) <= max(b.cells)
        assert max(a.homes) <= max(b.homes)
        assert a.trial_samples[-1] * a.trial_cells <= b.trial_samples[-1] * b.trial_cells
        assert a.crowd[-1] * a.crowd_cells <= b.crowd[-1] * b.crowd_cells
    assert SIZES["full"].crowd[-1] * SIZES["full"].crowd_cells == 1_000_000
    assert SIZES["full"].trial_samples[-1] == 80
    assert SIZES["full"].trial_cells == 5000


def test_samples_arrive_one_by_one(tmp_path):
    home = homes.make_home(tmp_path / "home", samples=1, withheld=2, cells=60, labelled=False)
    assert [m.name for m in home.matrices()] == ["SURU-01-001-pre"] or len(home.matrices()) == 1
    assert not (home.root / "truth").exists()
    arrived = home.deliver()
    assert len(home.matrices()) == home.delivered == 2
    assert (home.root / "landing" / "matrices" / arrived[0] / "_DONE").exists()
    other = home.copy(tmp_path / "other")
    other.deliver(matrix=home.matrices()[0], tissue="BLOOD")
    assert (len(other.matrices()), len(home.matrices())) == (3, 2)
    later = home.correct_clinical()
    old, new = sorted((home.root / "landing" / "clinical").iterdir())
    assert new.name == later
    different = [p.name for p in old.glob("*.csv") if p.read_bytes() != (new / p.name).read_bytes()]
    assert different == ["ae.csv"]


@pytest.mark.slow
def test_the_loop_brings_a_home_up_to_date(tmp_path):
    home = homes.make_home(tmp_path / "home", samples=2, withheld=0, cells=150, labelled=True)
    assert bring_up_to_date(Home.at(home.root)) > 30
    assert (home.root / "published" / "report.html").exists()
    assert bring_up_to_date(Home.at(home.root)) == 0


@pytest.mark.slow
def test_one_command_writes_the_document(tmp_path):
    python("benchmarks.performance", "--tiny", "--docs", tmp_path, "--scratch", tmp_path)
    results = json.loads(
        (tmp_path / "images" / "performance" / "results.json").read_text(encoding="utf-8")
    )
    assert {
        g.met for g in judge(results) if g.key not in ("sample_cpu", "endpoints", "safety")
    } <= {True, False}
    before = (tmp_path / "performance.md").read_text(encoding="utf-8")
    python("benchmarks.performance", "--from-results", "--docs", tmp_path)
    assert before == (tmp_path / "performance.md").read_text(encoding="utf-8")


def test_every_study_that_is_there_is_collected():
    found = {s.module for s in studies()}
    folder = Path(science_document.__file__).parents[1]
    assert {s.module for s in KNOWN if (folder / f"{s.module}.py").exists()} <= found
    assert not found & {"performance", "science", "endpoints"}


def test_science_runs_and_is_written(tmp_path):
    python("benchmarks.science", "--tiny", "--only", "calibration", "--docs", tmp_path)
    text = (tmp_path / "science.md").read_text(encoding="utf-8")
    assert "power at least 0.7 at 8 pairs" in text
    assert "smaller size than the bars are meant for" in text
    shutil.rmtree(tmp_path / "images" / "science", ignore_errors=True)


def test_a_missed_bar_is_named():
    study = {
        "title": "T",
        "module": "m",
        "about": "words",
        "size": "full",
        "cpu_s": 1.0,
        "tables": {"Results": [{"a": 0.12345, "n": 3}]},
    }
    text = science_document.text(
        {
            "studies": {
                "m": study | {"bars": [{"bar": "b at least 1", "value": 0.5, "met": False}]}
            },
            "machine": {},
        }
    )
    assert "0 of 1 bars are met." in text
    assert "- Missed: b at least 1 (study: T)." in text
    assert "| 0.123 | 3 |" in text
