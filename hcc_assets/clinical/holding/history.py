"""Facts of a trial that an export may not lose silently: treatment starts, deaths, progressions.

Limits on rows are in ``verdict``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from hcc_assets.clinical.holding.row_matching import KEYS, match_rows
from hcc_assets.study.codelists import OVERALL_RESPONSE

Tables = Mapping[str, pd.DataFrame]
DEAD_WORDS = frozenset({"DEAD", "DEATH", "DIED", "DECEASED"})
_PROGRESSED = frozenset({"PROGRESSIVE DISEASE", "DISEASE PROGRESSION", "PROGRESSION"})
_STATES = frozenset({"UNEQUIVOCAL", "UNEQUIVOCAL PROGRESSION"})


def _starts(tables: Tables) -> set[object]:
    frame = tables["subjects"]
    return set(frame.loc[frame["TRTSDT"].notna(), "USUBJID"])


def _deaths_dm(tables: Tables) -> set[object]:
    frame = tables["subjects"]
    return set(frame.loc[frame["DTHDTC"].notna() | (frame["DTHFL"] == "Y"), "USUBJID"])


def _dates_of_death(tables: Tables) -> set[object]:
    frame = tables["subjects"]
    return set(frame.loc[frame["DTHDTC"].notna(), "USUBJID"])


def _deaths_ds(tables: Tables) -> set[object]:
    frame = tables["disposition"]
    return set(
        frame.loc[frame["DOMAIN"].isin(["DS", "SS"]) & frame["DSDECOD"].isin(DEAD_WORDS), "USUBJID"]
    )


def _deaths_ae(tables: Tables) -> set[object]:
    frame = tables["adverse_events"]
    return set(frame.loc[(frame["AEOUT"] == "FATAL") | (frame["AETOXGR"] == "5"), "USUBJID"])


def _progressions_rs(tables: Tables) -> set[object]:
    frame = tables["reported_responses"]
    hit = frame[(frame["RSTESTCD"] == OVERALL_RESPONSE) & (frame["RSSTRESC"] == "PD")]
    return set(zip(hit["USUBJID"], hit["EVALUATOR"], strict=True))


def _progressions_ds(tables: Tables) -> set[object]:
    frame = tables["disposition"]
    return set(frame.loc[(frame["DOMAIN"] == "DS") & frame["DSDECOD"].isin(_PROGRESSED), "USUBJID"])


def _progressions_tr(tables: Tables) -> set[object]:
    frame = tables["tumour_assessments"]
    hit = frame[frame["TRORRES"].isin(_STATES) & frame["TRGRPID"].isin(["NEW", "NON-TARGET"])]
    return set(zip(hit["USUBJID"], hit["EVALUATOR"], strict=True))


_FACTS = (
    ("treatment_start_removed", "EX", "subjects", _starts),
    ("death_removed", "DM", "subjects", _deaths_dm),
    ("death_removed", "DM", "subjects", _dates_of_death),
    ("death_removed", "DS", "disposition", _deaths_ds),
    ("death_removed", "AE", "adverse_events", _deaths_ae),
    ("progression_removed", "RS", "reported_responses", _progressions_rs),
    ("progression_removed", "DS", "disposition", _progressions_ds),
    ("progression_removed", "TR", "tumour_assessments", _progressions_tr),
)


def removed_history(previous: Tables, current: Tables) -> Iterator[tuple[str, str, int]]:
    """Rule, domain and number of subjects (progressions: of subjects and readers) whose fact stood
    in the previous export and stands no more."""
    for rule, domain, table, facts in _FACTS:
        if table in previous and table in current:
            gone = facts(previous) - facts(current)
            if gone:
                yield rule, domain, len(gone)
    if {"subjects", "exposure"} <= set(previous) and {"subjects", "exposure"} <= set(current):
        count = _first_rows_removed(previous, current)
        if count:
            yield "treatment_start_removed", "EX", count


def _first_rows_removed(previous: Tables, current: Tables) -> int:
    """Subjects whose first dosing row is gone without a row that took its place."""
    names = ["USUBJID", "EXSEQ", "EXTRT", "EXDOSE", "EXSTDTC", "EXENDTC"]
    before, after = previous["exposure"], current["exposure"]
    _, removed, _ = match_rows(before[names], after[names], KEYS["exposure"])
    start = (
        before["USUBJID"]
        .map(previous["subjects"].set_index("USUBJID")["TRTSDT"])
        .astype("datetime64[ns]")
    )
    first = before[(before["EXDOSE"] > 0) & (before["EXSTDT"] == start)]
    now = current["subjects"].set_index("USUBJID")["TRTSDT"]
    gone = first[first.index.isin(removed)]
    moved = gone["EXSTDT"] != gone["USUBJID"].map(now).astype("datetime64[ns]")
    return int(gone.loc[moved, "USUBJID"].nunique())


def progressions(responses: pd.DataFrame) -> frozenset[tuple[object, object]]:
    """Subject and reader pairs with a derived progression."""
    hit = responses[responses["OVRLRESP"] == "PD"]
    return frozenset(zip(hit["USUBJID"], hit["EVALUATOR"], strict=True))
