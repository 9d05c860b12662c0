"""Corrections by people: what they change, what they leave alone, what cannot be applied."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from hcc_assets.cells.given.curation import curated, parse_curation

HEADER = "sample_id,barcode,from_class,cell_class,who,reason\n"


def calls() -> pd.DataFrame:
    classes = ["T", "T", "monocyte", "monocyte", "B"]
    return pd.DataFrame(
        {
            "barcode": list("abcde"),
            "qc_status": ["pass"] * 5,
            "cell_class": classes,
            "confidence": [0.9] * 5,
            "second_class": ["NK"] * 5,
            "call_source": ["own"] * 5,
        }
    )


def run(*lines: str) -> tuple[pd.DataFrame, list[int], list[str]]:
    found = parse_curation((HEADER + "\n".join(lines)).encode())
    assert found.problems == ()
    done, applied, problems = curated(calls(), found.of("S1"))
    return done, [a.cells for a in applied], problems


def test_one_cell_and_all_of_a_class() -> None:
    done, cells, problems = run("S1,a,T,NK,Dr C,look", "S1,,monocyte,macrophage,Dr C,look")
    assert list(done["cell_class"]) == ["NK", "T", "macrophage", "macrophage", "B"]
    assert list(done["call_source"]) == ["curated", "own", "curated", "curated", "own"]
    assert list(done["second_class"]) == ["T", "NK", "monocyte", "monocyte", "NK"]
    assert list(np.isnan(done["confidence"])) == [True, False, True, True, False]
    assert (cells, problems) == ([1, 2], [])


def test_lines_are_held_against_the_calls_before_any_of_them_in_any_order() -> None:
    lines = ["S1,,T,NK,C,r", "S1,,NK,B,C,r", "S1,a,,mast,C,r", "S2,b,,mast,C,r"]
    for order in itertools.permutations(lines):
        done, _, problems = run(*order)
        assert list(done["cell_class"]) == ["mast", "NK", "monocyte", "monocyte", "B"]
        assert len(problems) == 1 and "no passing cell called NK" in problems[0]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["S1,zz,,T,C,r"], "a barcode that the sample does not have"),
        (["S1,a,B,T,C,r"], "about a cell called B, but it is called T"),
        (["S1,,mast,T,C,r"], "no passing cell called mast"),
        (["S1,a,,B,C,r", "S1,a,,NK,C,r"], "contradicts another line"),
        (["S1,,T,B,C,r", "S1,,T,NK,C,r"], "contradicts another line"),
    ],
)
def test_what_cannot_be_applied_changes_nothing_and_is_named(lines: list[str], said: str) -> None:
    done, cells, problems = run(*lines)
    pd.testing.assert_frame_equal(done, calls())
    assert cells == []
    assert len(problems) == len(lines) and all(said in p for p in problems)


def test_a_class_is_that_of_the_cells_that_pass() -> None:
    some = calls().assign(qc_status=["pass", "doublet", "pass", "pass", "low_umi"])
    lines = "S1,,T,NK,C,r\nS1,e,B,plasma,C,r\nS1,,B,T,C,r\n"
    done, _, problems = curated(some, parse_curation((HEADER + lines).encode()).of("S1"))
    assert list(done["cell_class"]) == ["NK", "T", "monocyte", "monocyte", "plasma"]
    assert problems == ["curation.csv line 4 finds no passing cell called B"]


def test_a_correction_to_the_same_class_is_a_decision_too() -> None:
    done, _, _ = run("S1,a,,T,C,checked")
    assert (done["cell_class"][0], done["call_source"][0]) == ("T", "curated")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("S1,a,,no such class,C,r", "cell_class that is no class of ours: no such class"),
        ("S1,a,Tc,T,C,r", "from_class that is no class of ours: Tc"),
        (",a,,T,C,r", "has no sample_id"),
        ("S1,a,,T,,r", "has no who"),
        ("S1,a,,T,C,", "has no reason"),
        ("S1,,,T,C,r", "names neither a barcode nor a from_class"),
        ("S1,a,,T,C", "has 5 fields"),
    ],
)
def test_a_line_that_is_no_correction_is_named_and_costs_itself(line: str, said: str) -> None:
    found = parse_curation(f"{HEADER}{line}\nS1,b,,B,C,r\n".encode())
    assert [c.line for c in found.corrections] == [3]
    assert len(found.problems) == 1 and said in found.problems[0]
    assert "line 2" in found.problems[0]
