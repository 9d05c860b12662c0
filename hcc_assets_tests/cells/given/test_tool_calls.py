"""Calls of other tools: read from their files, chosen, voted over, compared with ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hcc_assets.cells.given.choosing import chosen_calls
from hcc_assets.cells.given.label_map import LabelMap
from hcc_assets.cells.given.tool_agreement import annotator_agreement
from hcc_assets.cells.given.tool_calls import CallsRefused, ToolCalls, read_calls

MAP = LabelMap({"CD4": "T"})


def own(classes: str = "T T B unassigned", status: str = "pass pass pass pass") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "barcode": list("abcd"),
            "qc_status": status.split(),
            "cell_class": classes.split(),
            "confidence": [0.9, 0.8, 0.9, 0.4],
            "second_class": [None, "NK", None, "B"],
        }
    )


def tool(name: str, **classes: str) -> ToolCalls:
    rows = {"barcode": list(classes), "cell_class": list(classes.values()), "probability": 0.6}
    return ToolCalls(name, pd.DataFrame(rows))


def written(folder: Path, rows: list[str], header: str = "barcode,cell_class,probability") -> Path:
    path = folder / "S1.csv"
    path.write_text("\n".join([header, *rows]))
    return path


def test_a_file_is_read_with_its_labels_mapped_whatever_its_row_order(tmp_path: Path) -> None:
    rows = ["a-1,CD4,0.5", "b-1,B,", "c-1,T,1"]
    found = read_calls(written(tmp_path, rows), "x", MAP)
    assert found.problems == ()
    assert list(found.calls["cell_class"]) == ["T", "B", "T"]
    assert list(found.calls["probability"].fillna(-1)) == [0.5, -1, 1]
    again = read_calls(written(tmp_path, rows[::-1]), "x", MAP)
    pd.testing.assert_frame_equal(found.calls, again.calls)
    parquet = tmp_path / "S1.parquet"
    pd.DataFrame(
        {"barcode": ["a-1"], "cell_class": ["CD4"], "probability": [0.5], "more": [1]}
    ).to_parquet(parquet)
    assert list(read_calls(parquet, "x", MAP).calls["cell_class"]) == ["T"]


def test_rows_that_cannot_be_used_are_left_out_and_told(tmp_path: Path) -> None:
    rows = ["a,odd,.5", "b,odd,.5", "c,T,1.5", "d,T,high", ",T,.5", "e,T,.5", "e,B,.5", "f,T,.5"]
    found = read_calls(written(tmp_path, rows), "x", MAP)
    assert list(found.calls["barcode"]) == ["f"]
    assert found.problems == (
        "2 cells with the label 'odd', which is not mapped",
        "3 rows without barcode or with a probability not 0 to 1",
        "1 barcodes with two classes",
    )


def test_what_is_no_table_of_calls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallsRefused, match="no column probability"):
        read_calls(written(tmp_path, ["a,T"], "barcode,cell_class"), "x", MAP)
    broken = tmp_path / "S1.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(CallsRefused, match="cannot be read"):
        read_calls(broken, "x", MAP)
    (tmp_path / "e.csv").write_bytes(b"")
    with pytest.raises(CallsRefused, match="cannot be read"):
        read_calls(tmp_path / "e.csv", "x", MAP)


def test_own_calls_stay_ours() -> None:
    calls, problems = chosen_calls(own(), [tool("x", a="B")], "own")
    pd.testing.assert_frame_equal(calls, own().assign(call_source="own"))
    assert problems == []


def test_a_tool_decides_the_cells_that_it_knows() -> None:
    calls, problems = chosen_calls(own(), [tool("x", a="B", b="T", d="unassigned", z="T")], "x")
    assert list(calls["cell_class"]) == ["B", "T", "B", "unassigned"]
    assert list(calls["call_source"]) == ["external", "external", "own", "external"]
    assert list(calls["confidence"]) == [0.6, 0.6, 0.9, 0.6]
    assert list(calls["second_class"]) == ["T", "NK", None, "B"]
    assert list(calls["qc_status"]) == list(own()["qc_status"])
    assert problems == [
        "x: 1 barcodes are not of the sample",
        "x does not know 1 cells that pass; ours stand",
    ]


def test_without_calls_of_the_sample_ours_stand_and_it_is_told() -> None:
    calls, problems = chosen_calls(own(), [], "x")
    assert (calls["call_source"] == "own").all()
    assert problems == ["x has no calls of this sample; ours stand"]


def test_consensus_is_the_class_of_most_votes_and_a_tie_is_unassigned() -> None:
    others = [tool("x", a="T", b="B", d="NK"), tool("y", a="B", b="B")]
    calls, _ = chosen_calls(own(), others, "consensus")
    assert list(calls["cell_class"]) == ["T", "B", "B", "NK"]
    assert list(calls["call_source"]) == ["external", "external", "own", "external"]
    np.testing.assert_allclose(calls["confidence"], [(0.9 + 0.6) / 3, 1.2 / 3, 0.9, 0.6])
    tied, _ = chosen_calls(own(), [tool("x", a="B")], "consensus")
    assert (tied["cell_class"][0], tied["second_class"][0]) == ("unassigned", "T")
    swapped, _ = chosen_calls(own(), others[::-1], "consensus")
    pd.testing.assert_frame_equal(calls, swapped)


def test_agreement_is_over_passing_cells_that_both_call() -> None:
    mine = {
        "S1": own("T T B unassigned", "pass pass pass pass"),
        "S2": own(status="pass " * 3 + "x"),
    }
    others = {
        "S1": [tool("x", a="T", b="B", c="unassigned", d="T")],
        "S2": [tool("x", c="B"), tool("y", d="T")],
        "S3": [tool("z", a="T")],
    }
    found = annotator_agreement(mine, others).set_index(["annotator", "cell_class"])
    assert found["n_cells"].to_dict() == {
        ("x", "ALL"): 3,
        ("x", "T"): 2,
        ("x", "B"): 1,
        ("y", "ALL"): 0,
    }
    assert found.loc[("x", "ALL"), "agreement"] == pytest.approx(2 / 3)
    assert found.loc[("x", "T"), "agreement"] == 0.5
    assert np.isnan(found.loc[("y", "ALL"), "agreement"])
    assert annotator_agreement(mine, {}).empty
