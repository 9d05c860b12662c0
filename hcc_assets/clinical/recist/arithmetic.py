"""Exact arithmetic of lesion measurements: text to millimetres, thresholds by cross multiplication.

A diameter enters as the text of the delivery, becomes a ``Decimal`` and then an integer number of
units (1 mm = ``Scale.per_mm`` units), so no comparison is made in binary floating point: (32.4 -
27) / 27 is 20 % here, not 19.99 %. Integers are NumPy ``int64`` where they fit (all real data; the
fast path) and Python integers in an object array otherwise; the same code runs on both. What a
reading means is in ``readings``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]
"""``int64`` or ``object`` (Python int) array."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_FACTOR = {"": Decimal(1), "MM": Decimal(1), "CM": Decimal(10)}
"""Millimetres of a unit; a missing one is mm [CLINICAL.md 2, TR14 and 3.1]."""

LARGEST_MM = Decimal(10) ** 6
"""Ours: a diameter of a kilometre is no measurement, beyond it the text counts as unreadable."""

PROGRESSION_MM = 5
PROGRESSION_TENTHS = 12
RESPONSE_TENTHS = 7
"""Millimetres, and tenths of a reference sum: PD from 5 mm and 20 % above the nadir, PR down to
30 % below the baseline [RECIST 1.1, 4.3.1]."""

_HEADROOM = 20
_LARGEST_BITS = 62
"""Sums times 12 must fit in 63 bits: 20 leaves room for that product and the difference of two."""


def parse_number(text: str) -> Decimal | None:
    """Decimal of a plain number text; None for anything else (words, ``<5``, ``NaN``, ``1_000``, a
    decimal comma)."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def millimetres(text: str, unit: str | None) -> Decimal | None:
    """Exact millimetres of a result text and its unit.

    Parameters
    ----------
    text
        Result as delivered, without surrounding blanks.
    unit
        ``mm`` or ``cm`` in any case; absent means mm.

    Returns
    -------
    Decimal or None
        None when the text is no number, is negative or absurdly large, or the unit is neither mm
        nor cm.
    """
    factor = _FACTOR.get((unit or "").strip().upper())
    number = parse_number(text)
    if factor is None or number is None or number < 0 or number * factor > LARGEST_MM:
        return None
    return number * factor


@dataclass(frozen=True)
class Scale:
    """Integer units that hold every value of a data set exactly.

    Attributes
    ----------
    decimals
        Decimal places of a millimetre that the units hold.
    dtype
        ``int64`` when sums and their products with 10 fit, else ``object``.
    """

    decimals: int
    dtype: Any

    @classmethod
    def of(cls, values: list[Decimal], n_rows: int) -> Scale:
        """Scale for these values, of which at most ``n_rows`` are ever added up."""
        decimals = max([0, *(-int(v.normalize().as_tuple().exponent) for v in values)])
        largest = max([Decimal(10), *values]) * Decimal(10) ** decimals * max(n_rows, 1)
        largest *= _HEADROOM
        return cls(decimals, np.int64 if largest < Decimal(2) ** _LARGEST_BITS else object)

    @property
    def per_mm(self) -> int:
        return int(10**self.decimals)

    def units(self, value: Decimal) -> int:
        """Integer units of a value in mm; exact by construction."""
        return int(value.scaleb(self.decimals))

    def floats(self, units: Ints, valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Millimetres as correctly rounded floats, NaN where not valid; for publication only, never
        for a comparison."""
        out = np.full(len(units), np.nan)
        per_mm = self.per_mm
        out[valid] = [int(u) / per_mm for u in units[valid]]
        return out

    def text(self, units: int) -> str:
        """Millimetres in words, without trailing zeros."""
        value = Decimal(int(units)).scaleb(-self.decimals)
        return f"{value.normalize():f}" if value else "0"


def is_progression(total: Ints, nadir: Ints, per_mm: int) -> npt.NDArray[np.bool_]:
    """Sum at least 5 mm and at least 20 % above the nadir [RECIST 1.1, 4.3.1]; with a nadir of 0
    the 5 mm rule alone decides."""
    enough = total - nadir >= PROGRESSION_MM * per_mm
    return np.asarray(enough & (total * 10 >= nadir * PROGRESSION_TENTHS), dtype=bool)


def is_partial_response(total: Ints, base: Ints) -> npt.NDArray[np.bool_]:
    """Sum at least 30 % below the baseline sum [4.3.1]; exactly -30 % is a partial response."""
    return np.asarray(total * 10 <= base * RESPONSE_TENTHS, dtype=bool)


def percent_text(change: int, reference: int) -> str:
    """Percent in words with one decimal, cut and not rounded, so that 19.97 % never reads as the
    threshold it did not reach."""
    if reference == 0:
        return "not defined"
    value = (Decimal(int(change)) * 100 / Decimal(int(reference))).quantize(
        Decimal("0.1"), rounding=ROUND_DOWN
    )
    return f"{abs(value):f} %"
