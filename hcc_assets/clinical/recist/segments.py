"""Whole columns by code and by series: sums, flags, what was seen before. No rule of RECIST is
decided here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcc_assets.clinical.recist.arithmetic import Ints


def sum_by(codes: np.ndarray, values: Ints, size: int) -> Ints:
    """Exact sum of the values of each code 0 to ``size - 1``."""
    out = np.zeros(size, dtype=values.dtype)
    np.add.at(out, codes, values)
    return out


def any_by(codes: np.ndarray, flags: np.ndarray, size: int) -> np.ndarray:
    """Whether any flag of each code 0 to ``size - 1`` is set."""
    return np.bincount(codes[flags], minlength=size)[:size] > 0


def set_before(flags: np.ndarray, series: np.ndarray) -> np.ndarray:
    """True where a flag was set at an earlier row of the same series; its rows are in time
    order."""
    count = np.cumsum(flags)
    start = np.append(True, series[1:] != series[:-1]) if len(series) else np.zeros(0, bool)
    offset = (count - flags)[start]
    return (count - flags) > np.repeat(
        offset, np.diff(np.append(np.flatnonzero(start), len(series)))
    )


def segmented_running_minimum(
    values: Ints,
    valid: npt.NDArray[np.bool_],
    start: Ints,
    has_start: npt.NDArray[np.bool_],
    first: Ints,
) -> tuple[Ints, Any]:
    """Smallest valid value before each row, within segments.

    Parameters
    ----------
    values, valid
        One entry per row; segments lie one after the other in time order.
    start, has_start
        One entry per segment: the value before its first row (the baseline sum) and whether there
        is one.
    first
        Row at which each segment begins.

    Returns
    -------
    tuple
        ``(minimum, known)`` per row: the smallest of start and the valid values *before* the row,
        and whether there was any.
    """
    out = np.zeros(len(values), dtype=values.dtype)
    known = np.zeros(len(values), dtype=bool)
    lengths = np.diff(np.append(first, len(values)))
    current, has = start.copy(), has_start.copy()
    for step in range(int(lengths.max()) if len(lengths) else 0):
        segment = np.flatnonzero(lengths > step)
        row = first[segment] + step
        out[row], known[row] = current[segment], has[segment]
        better = valid[row] & (~has[segment] | (values[row] < current[segment]).astype(bool))
        current[segment[better]] = values[row][better]
        has[segment[better]] = True
    return out, known
