"""The published CSV: what a spreadsheet may not evaluate, and that nothing else is changed."""

from __future__ import annotations

import csv
import io
from functools import partial

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.schemas.csv_safe import FORMULA_STARTS, to_csv_bytes
from hcc_assets_tests.work import calls


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv_bytes(frame).decode("utf-8-sig"), newline="")))


def test_formula_starts_are_disarmed_in_text_and_left_alone_in_numbers() -> None:
    frame = pd.DataFrame(
        {
            "t": ["=1+1", "+x", "-5", "@a", "\tx", "\rx", "ok", None],
            "n": [-1.5, 2, -3, 4, 5, 6, 7, np.nan],
        }
    )
    rows = _rows(frame)[1:]
    assert [r[0] for r in rows] == ["'=1+1", "'+x", "'-5", "'@a", "'\tx", "'\rx", "ok", ""]
    assert [r[1] for r in rows] == ["-1.5", "2", "-3", "4", "5", "6", "7", ""]


def test_mark_dates_booleans_and_mixed_cells() -> None:
    frame = pd.DataFrame(
        {
            "d": pd.to_datetime(["2024-02-29", None]),
            "t": pd.to_datetime(["2024-02-29 13:00:01", None]),
            "b": [True, False],
            "mixed": [-3, "-x"],
            "kind": pd.Categorical(["=a", None]),
            "i": pd.array([-1, None], dtype="Int64"),
        }
    )
    assert to_csv_bytes(frame).startswith(b"\xef\xbb\xbf")
    assert _rows(frame) == [
        ["d", "t", "b", "mixed", "kind", "i"],
        ["2024-02-29", "2024-02-29T13:00:01", "true", "-3", "'=a", "-1"],
        ["", "", "false", "'-x", "", ""],
    ]


def test_a_table_without_rows_keeps_its_header_and_none_at_all_is_a_mark() -> None:
    assert _rows(
        pd.DataFrame({"a": pd.Series(dtype=object), "d": pd.Series(dtype="datetime64[ns]")})
    ) == [["a", "d"]]
    assert to_csv_bytes(pd.DataFrame()) == b"\xef\xbb\xbf"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(codec="utf-8"), max_size=6),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=8,
    )
)
def test_text_and_numbers_survive_the_way_back(cells: list[tuple[str | None, float]]) -> None:
    frame = pd.DataFrame(
        {
            "t": pd.Series([c[0] for c in cells], dtype=object),
            "x": pd.Series([c[1] for c in cells], dtype=float),
        }
    )
    for (text, number), row in zip(cells, _rows(frame)[1:], strict=True):
        assert row[0] == ("'" + text if text and text.startswith(FORMULA_STARTS) else (text or ""))
        assert not row[0].startswith(FORMULA_STARTS)
        assert float(row[1]) == number


def _long_frame(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    numbers = {f"x{k}": rng.normal(size=n) for k in range(4)}
    return pd.DataFrame(numbers | {"a": ["TEXT"] * n, "d": pd.Timestamp("2024-01-01")})


def test_twice_the_rows_are_twice_the_work() -> None:
    small, large = (calls(partial(to_csv_bytes, _long_frame(n))) for n in (10_000, 20_000))
    assert large < 2.1 * small
