"""Makes a clean simulated export ugly the way sites do, one kind of mistake per subject, and says
which check must find it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

Tables = dict[str, pd.DataFrame]


def _set(
    tables: Tables,
    domain: str,
    who: str,
    values: dict[str, str | None],
    *,
    where: dict[str, str] | None = None,
) -> bool:
    """Overwrite columns of the subject's first row that fits ``where``; False if there is none."""
    frame = tables[domain]
    keep = frame["USUBJID"] == who
    for column, wanted in (where or {}).items():
        keep &= frame[column] == wanted
    rows = frame.index[keep]
    for column, value in values.items():
        if len(rows):
            frame.loc[rows[0], column] = value
    return bool(len(rows))


def _first(tables: Tables, domain: str, who: str, column: str) -> str | None:
    found = tables[domain].loc[tables[domain]["USUBJID"] == who, column].dropna()
    return str(found.iloc[0]) if len(found) else None


def _shifted(date: str, days: int) -> str:
    return (dt.date.fromisoformat(date) + dt.timedelta(days=days)).isoformat()


def _end_before_start(tables: Tables, who: str) -> bool:
    start = _first(tables, "ae", who, "AESTDTC")
    return start is not None and _set(
        tables, "ae", who, {"AEENDTC": _shifted(start, -5), "AEOUT": "RECOVERED/RESOLVED"}
    )


def _dose_before_consent(tables: Tables, who: str) -> bool:
    start = _first(tables, "ex", who, "EXSTDTC")
    return start is not None and _set(tables, "dm", who, {"RFICDTC": _shifted(start, 3)})


def _twice_in_dm(tables: Tables, who: str) -> bool:
    dm = tables["dm"]
    tables["dm"] = pd.concat([dm, dm[dm["USUBJID"] == who]], ignore_index=True)
    return True


def _event_of_nobody(tables: Tables, who: str) -> bool:
    return _set(tables, "ae", who, {"USUBJID": f"{who}X"})


def _on_first(
    domain: str, values: dict[str, str | None], where: dict[str, str] | None = None
) -> Callable[[Tables, str], bool]:
    def change(tables: Tables, who: str) -> bool:
        return _set(tables, domain, who, values, where=where)

    return change


MISTAKES: Final[dict[str, Callable[[Tables, str], bool]]] = {
    "DM01": _twice_in_dm,
    "DM02": _on_first("dm", {"RFICDTC": "2025-02-31"}),
    "DM03": _on_first("dm", {"SEX": "X"}),
    "DM04": _on_first("dm", {"AGE": "16"}),
    "DM07": _dose_before_consent,
    "EX02": _on_first("ex", {"EXDOSU": "g"}),
    "EX03": _on_first("ex", {"EXDOSE": "-300"}),
    "EX06": _on_first("ex", {"EXDOSE": "275"}),
    "AE01": _event_of_nobody,
    "AE03": _end_before_start,
    "AE04": _on_first("ae", {"AETOXGR": "7"}),
    "AE11": _on_first("ae", {"AEOUT": "BETTER"}),
    "TR13": _on_first("tr", {"TRORRES": "-12"}, {"TRGRPID": "TARGET"}),
    "TR14": _on_first("tr", {"TRORRESU": "inch"}, {"TRGRPID": "TARGET"}),
}
"""Check that must fire to what is done to one subject."""


def spoil(tables: Tables, seed: int) -> tuple[Tables, pd.DataFrame]:
    """Make one mistake of each kind, each in another subject as far as subjects go.

    Returns
    -------
    tables, expected
        Changed copies, and ``check_id, USUBJID`` of the findings that must come (for ``AE01`` the
        subject that does not exist).
    """
    rng = np.random.default_rng([seed, 11])
    out = {domain: frame.copy() for domain, frame in tables.items()}
    subjects = [
        str(s)
        for s in rng.permutation(tables["dm"]["USUBJID"].drop_duplicates().to_numpy(dtype=str))
    ]
    found = []
    for check, who in zip(MISTAKES, subjects, strict=False):
        if MISTAKES[check](out, who):
            found.append({"check_id": check, "USUBJID": f"{who}X" if check == "AE01" else who})
    return out, pd.DataFrame(found, columns=["check_id", "USUBJID"])
