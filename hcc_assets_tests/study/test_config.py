"""Limits of settings that dates are counted with (fault 62)."""

from __future__ import annotations

import pandas as pd
import pytest

from hcc_assets.study.config import TEN_YEARS, ConfigError, parse_config

DAYS = [
    ("recist", "visit_interval_days"),
    ("recist", "visit_window_days"),
    ("recist", "confirmation_days"),
    ("recist", "sd_minimum_days"),
    ("pfs", "max_gap_days"),
    ("safety", "teae_window_days"),
    ("labs", "hys_law_days"),
]


@pytest.mark.parametrize(("section", "key"), DAYS)
def test_fault_62_days_beyond_any_trial_are_refused_with_their_name(section: str, key: str) -> None:
    found = parse_config(f"[{section}]\n{key} = {TEN_YEARS}\n")
    days = getattr(getattr(found, section), key)
    assert pd.Timestamp("2099-12-31") + pd.Timedelta(days=days) > pd.Timestamp("2099-12-31")
    with pytest.raises(ConfigError, match=key):
        parse_config(f"[{section}]\n{key} = {TEN_YEARS + 1}\n")
    with pytest.raises(ConfigError, match=key):
        parse_config(f"[{section}]\n{key} = 100000\n")
