"""The report as a reader opens it, from a file: nothing is asked of a network, nothing fails,
nothing hangs over the edge of a desk's or a pocket's screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc_assets_tests.browser.driving import Browser
from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.homes import FIRST, SETTINGS, attempt_all, clinical, deliver

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(params=["clinical", pytest.param("both halves", marks=pytest.mark.slow)])
def report(request: pytest.FixtureRequest, place: Path) -> Path:
    """The report of a home of eight subjects, and with two small samples in the long form, figures
    and all."""
    root = place / "home"
    tables = clinical(FIRST)
    deliver(root, tables, FIRST.isoformat())
    (root / "study.toml").write_text(SETTINGS)
    if request.param == "both halves":
        rows = ["sample_id,subject_id,timepoint,collection_date,path,tissue"]
        subject = sorted(tables["dm"]["USUBJID"])[0]
        for seed, timepoint in enumerate(("pre", "post")):
            write_mex(root / "landing" / "matrices" / timepoint, toy(150, seed=seed))
            rows.append(
                f"{subject}-{timepoint},{subject},{timepoint},2025-0{2 + seed}-01,"
                f"matrices/{timepoint},LIVER"
            )
        (root / "landing" / "samples.csv").write_text("\n".join(rows) + "\n")
    attempt_all(root)
    return root / "published" / "report.html"


def test_the_report_in_a_browser(report: Path, window: Browser) -> None:
    for width in (1280, 400):
        window.width(width)
        window.open(report.as_uri())
        text = window.read("SURU-HCC-SC")
        assert "NaN" not in text and "None" not in text.split()
        assert window.too_wide() == []
        assert window.console_errors() == [] and window.requests() == []
        broken = window.driver.execute_script(
            "return [...document.images].filter(i => !i.complete || !i.naturalWidth)"
            ".map(i => i.alt)"
        )
        assert broken == []
        window.picture(f"report-{width}", whole=True)
