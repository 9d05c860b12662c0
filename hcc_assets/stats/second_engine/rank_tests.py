"""Exact rank tests by counting arrangements in whole numbers: the generating function of the rank
sum as one integer, whose digits are the counts (Kronecker substitution)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

MOST = 200
"""Values up to which the tests are exact in the published tables; more are not made again."""

_PLACES = 12  # decimals to which differences are the same, as the contract of the table says


def _doubled_ranks(keys: Sequence[tuple[int, int]]) -> list[int]:
    """Twice the mid-rank of each key."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, key in enumerate(sorted(keys), 1):
        places.setdefault(key, []).append(place)
    return [places[k][0] + places[k][-1] for k in keys]


def _digits(number: int, width: int) -> list[int]:
    data = number.to_bytes((number.bit_length() + 7) // 8, "little")
    return [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]


def signed_rank(differences: Sequence[float]) -> float:
    """Two-sided signed-rank test without zeros, the largest p-value at a shift of zero and just
    beside it."""
    whole = [round(d * 10**_PLACES) for d in differences]
    found = [_signed_rank_beside(whole, side) for side in (0, 1, -1)]
    return max(found)


def _signed_rank_beside(whole: Sequence[int], side: int) -> float:
    """Every difference less an infinitely small shift to ``side``."""
    signs = [(d > 0) - (d < 0) or -side for d in whole]
    kept = [(abs(d), -side * s if d else 0, s) for d, s in zip(whole, signs, strict=True) if s]
    if not kept:
        return 1.0
    ranks = _doubled_ranks([k[:2] for k in kept])
    width = len(ranks) // 8 + 1
    sums = 1
    for rank in ranks:
        sums += sums << (8 * width * rank)
    positive = sum(r for r, k in zip(ranks, kept, strict=True) if k[2] > 0)
    less = min(positive, sum(ranks) - positive)
    tail = Fraction(sum(_digits(sums, width)[: less + 1]), 2 ** len(ranks))
    return float(min(Fraction(1), 2 * tail))


def rank_sum(x: Sequence[float], y: Sequence[float]) -> float:
    """Two-sided Mann-Whitney test given the mid-ranks, the largest p-value at a shift of zero and
    just beside it."""
    first, second = ([round(v * 10**_PLACES) for v in values] for values in (x, y))
    return max(_rank_sum_beside(first, second, side) for side in (0, 1, -1))


def _rank_sum_beside(x: Sequence[int], y: Sequence[int], side: int) -> float:
    ranks = _doubled_ranks([*((v, -side) for v in x), *((v, 0) for v in y)])
    observed = sum(ranks[: len(x)])
    every = math.comb(len(ranks), len(x))
    width = every.bit_length() // 8 + 1
    sums = [1] + [0] * len(x)  # of so many values, counts by rank sum
    for rank in ranks:
        for k in range(len(x), 0, -1):
            sums[k] += sums[k - 1] << (8 * width * rank)
    counts = _digits(sums[len(x)], width)
    low, high = sum(counts[: observed + 1]), sum(counts[observed:])
    return float(min(Fraction(1), Fraction(2 * min(low, high), every)))
