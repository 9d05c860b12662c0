"""Qualification: golden results against the tiny trial, what counts as a difference, and the report;
the whole command in the long tests."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hcc_assets.operate.watch import qualification
from hcc_assets.operate.watch.qualification import Step, differences, figures_of
from hcc_assets_tests.tiny import Tiny

GOLDEN = Path(qualification.__file__).parents[2] / "study" / "data" / qualification.GOLDEN


def test_the_tiny_trial_has_the_golden_results(tiny: Tiny) -> None:
    """Renewed with HCC_RENEW_SNAPSHOT=1 when a published number is meant to change."""
    found = figures_of(tiny.root / "published")
    if os.environ.get("HCC_RENEW_SNAPSHOT"):
        python = ".".join(platform.python_version_tuple()[:2])
        new = {"python": python, "packages": qualification.installed(), "tables": found}
        text = json.dumps(new, indent=1, sort_keys=True, ensure_ascii=False)
        GOLDEN.write_text(text + "\n", encoding="utf-8")
    assert differences(qualification.golden()["tables"], found) == {}
    assert len(found) > 40


def test_the_tested_versions_are_those_installed_here() -> None:
    assert qualification.golden()["packages"] == qualification.installed()


def test_one_value_is_a_difference(tiny: Tiny) -> None:
    want = figures_of(tiny.root / "published")
    got = copy.deepcopy(want)
    got["subjects"]["columns"]["AGE"][1] += 1
    got["best_responses"]["rows"] += 1
    del got["responses"]
    found = differences(want, got)
    assert found == {"best_responses": ["rows"], "responses": ["table"], "subjects": ["AGE"]}
    got = copy.deepcopy(want)
    got["subjects"]["columns"]["AGE"][1] *= 1 + 1e-9
    assert differences(want, got) == {}


def test_the_report_says_what_failed_and_has_a_place_to_sign() -> None:
    steps = [
        Step("installation", "pandas", "1", "1", True),
        Step("operation", "tables <golden>", "0 differ", "subjects: AGE", False),
    ]
    page = qualification.report_html(steps, dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    assert "NOT QUALIFIED: 1 steps failed" in page and "Approved by" in page
    assert "tables &lt;golden&gt;" in page and "<golden>" not in page
    assert not qualification.as_json(steps)["qualified"]


@pytest.mark.slow
def test_this_installation_qualifies(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hcc_assets", "qualify", "--out", "q.html"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "HCC_HOME": str(tmp_path / "of_the_study")},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "QUALIFIED" in (tmp_path / "q.html").read_text()
    assert not (tmp_path / "of_the_study").exists()
