"""Open queries by site and age, for the report."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hcc_assets.clinical.queries.lifecycle import to_send

AGES: tuple[tuple[str, int, int], ...] = (
    ("0–30 days", 0, 30),
    ("31–60 days", 31, 60),
    ("over 60 days", 61, 10**6),
)
"""Bands of age in days: one and two months, by which data managers remind a site (own choice)."""


def open_queries(tables: Mapping[str, pd.DataFrame]) -> list[list[str]]:
    """One row a site: number by age, of all, and of those that block.

    Parameters
    ----------
    tables
        Published tables by name; empty where there is no ``queries``.
    """
    if "queries" not in tables:
        return []
    asked = to_send(tables["queries"])
    place = asked["site"].where(asked["site"].notna(), "no site")
    rows = []
    for site, mine in asked.groupby(place, sort=True):
        ages = [int(mine["age_days"].between(low, high).sum()) for _, low, high in AGES]
        blocking = int((mine["severity"] == "E").sum())
        rows.append([str(n) for n in (site, *ages, len(mine), blocking)])
    return rows
