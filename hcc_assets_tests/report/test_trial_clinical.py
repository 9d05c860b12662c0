"""What the clinical sections of the report and ``hcc status`` say beside the tables: blocked
subjects, SD minimum, two-stage design, AESI."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.best_response import derive_best_responses, response_rates
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.report.trial import build_report
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.safety import AesiSummary, AeSummary
from hcc_assets.stats.kaplan_meier import summarise
from hcc_assets.stats.simon import monitor
from hcc_assets.study.config import Pfs, Simon, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments, disposition, subjects, visit

DESIGN = StudyConfig(simon=Simon(r1=0, n1=2, r=1, n=4, p0=0.1, p1=0.4))


def tables(config: StudyConfig, blocked: frozenset[str] = frozenset()) -> dict[str, pd.DataFrame]:
    """Three subjects: a response, stable disease on day 38 only (which needs the shorter minimum),
    and a progression."""
    rows = [
        *visit(0, -10, "S1", T01=100),
        *visit(1, 42, "S1", T01=50),
        *visit(2, 84, "S1", T01=50),
        *visit(0, -10, "S2", T01=100),
        *visit(1, 38, "S2", T01=100),
        *visit(0, -10, "S3", T01=100),
        *visit(1, 42, "S3", T01=150),
    ]
    people = subjects(
        [{"USUBJID": s, "TRTSDT": pd.Timestamp("2024-01-01")} for s in ("S1", "S2", "S3")]
    )
    lesions, none = assessments(rows), disposition([])
    responses = derive_responses(people, lesions, config, blocked=blocked)
    best = derive_best_responses(people, lesions, responses, none, config, blocked=blocked)
    times = derive_time_to_event(people, lesions, responses, none, config, blocked=blocked)
    return {
        "subjects": people,
        "best_responses": best,
        "response_rates": response_rates(best),
        "pfs_summary": summarise(times, config),
        "simon_monitoring": monitor(best, times, config),
    }


def page(
    found: Mapping[str, pd.DataFrame],
    config: StudyConfig,
    sources: list[dict[str, Any]] | None = None,
) -> str:
    html = build_report(
        found,
        {},
        sources or [],
        config,
        held={},
        cutoff=dt.date(2024, 12, 31),
        export_id="x",
        reference_version=None,
    )
    return re.sub(r"\s+", " ", html)


@pytest.mark.parametrize(
    ("blocked", "sentence"),
    [
        (frozenset[str](), "0 treated subjects are blocked by data issues and count as NE."),
        (frozenset({"S3"}), "1 treated subject is blocked by data issues and counts as NE."),
    ],
)
def test_blocked_subjects_are_told_under_each_clinical_table(
    blocked: frozenset[str], sentence: str
) -> None:
    html = page(tables(DESIGN, blocked), DESIGN)
    response, survival = (
        html[html.index(f'id="{a}"') : html.index(f'id="{b}"')]
        for a, b in (("response", "pfs"), ("pfs", "safety"))
    )
    assert response.count(sentence) == 2  # rates, two-stage design
    assert survival.count(sentence) == 1


def test_the_minimum_for_stable_disease_warns_with_a_number() -> None:
    html = page(tables(StudyConfig()), StudyConfig())
    assert '<p class="warn">With the minimum for stable disease at 35 days instead of 42' in html
    assert (
        "the unconfirmed best response of 1 subject and the confirmed one of 1 subject would "
        "change."
    ) in html


def test_no_warning_when_nobody_hangs_on_the_minimum() -> None:
    html = page(tables(StudyConfig(), frozenset({"S2"})), StudyConfig())
    assert '<p class="quiet">With the minimum for stable disease at 35 days' in html
    assert '<p class="warn">' not in html


def test_both_medians_are_named_where_the_rules_differ() -> None:
    found = tables(StudyConfig())
    assert "; middle of a flat stretch, by its left end 5.2" not in page(found, StudyConfig())
    summary = found["pfs_summary"]
    first = summary["PARAMCD"] == "PFS_TP"
    summary.loc[first, ["median_months", "median_other_months"]] = [9.4, 5.25]
    summary.loc[first, "median_other"] = 5.25 * 30.4375
    html = page(found, StudyConfig())
    assert "; middle of a flat stretch, by its left end 5.2" in html
    left = StudyConfig(pfs=Pfs(median_rule="left"))
    assert "; left end of a flat stretch, by its middle 5.2" in page(found, left)


def test_two_stage_section_only_with_a_design() -> None:
    html = page(tables(DESIGN), DESIGN)
    assert (
        "Two-stage design" in html
        and "Rate adjusted for the design" in html
        and "not adjusted for the design" in html
    )
    assert "Two-stage design" not in page(tables(StudyConfig()), StudyConfig())


def test_safety_says_what_was_left_out_and_shows_events_of_special_interest() -> None:
    line = {
        "soc": "ALL",
        "term": "ANY TEAE",
        "level": "ANY",
        "patients": 2,
        "events": 3,
        "n": 3,
        "pct": 66.7,
    }
    overview = pd.DataFrame(
        [
            {
                "table": "OVERVIEW",
                **line,
                "patient_years": float("nan"),
                "rate_100py": float("nan"),
                "lcl": float("nan"),
                "ucl": float("nan"),
            }
        ]
    )
    lines = [("OVERVIEW", "ANY", 2), ("OVERVIEW", "RESOLVED", 1), ("ACTION", "DOSE REDUCED", 1)]
    special = pd.DataFrame(
        [
            {
                "aesi": "HYPERTENSION",
                "part": p,
                "level": w,
                "patients": k,
                "events": k,
                "n": 3,
                "pct": 0.0,
            }
            for p, w, k in lines
        ]
    )
    found = tables(StudyConfig()) | {"ae_summary": overview, "aesi_summary": special}
    source = {
        "asset": "ae_summary",
        "version": "v",
        "since": dt.datetime(2024, 1, 1),
        "run_id": "r",
        "rows": 1,
        "held": "",
    }
    html = page(
        found,
        StudyConfig(),
        [source | {"failing": ["2 adverse event rows are not counted"]}],
    )
    assert (
        "2 adverse event rows are not counted. In response data 0 treated subjects are blocked"
    ) in html
    row = re.search(r"<tr><td>Hypertension</td>(.*?)</tr>", html)
    assert row and re.findall(r">(\d+)<", row.group(1)) == ["2", "0", "0", "0", "0", "1", "0"]
    html = page(found, StudyConfig(), [source | {"failing": []}])
    assert "Every adverse event row is counted." in html


def test_empty_tables_make_a_page() -> None:
    found = {
        "ae_summary": empty(AeSummary),
        "aesi_summary": empty(AesiSummary),
        "response_rates": response_rates(tables(StudyConfig())["best_responses"][:0]),
    }
    html = page(found, StudyConfig())
    assert "Events of special interest" not in html
    assert "NE" in html
