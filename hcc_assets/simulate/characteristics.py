"""Who the simulated subjects are at screening: SC and QS rows, as sites collect them."""

from __future__ import annotations

from typing import Final

import numpy as np

from hcc_assets.simulate.sdtm import Rows, SubjectStory

_ECOG: Final = (("0", 0.6), ("1", 0.4))
_BCLC: Final = (("B", 0.2), ("C", 0.8))
_CHILD: Final = (("A5", 0.65), ("A6", 0.3), ("B7", 0.05))
_AETIOLOGY: Final = (("HBV", 0.75), ("HCV", 0.08), ("ALCOHOL", 0.09), ("OTHER", 0.08))
_INVASION: Final = (("N", 0.65), ("Y", 0.35))
_SPREAD: Final = (("N", 0.4), ("Y", 0.6))
_LINES: Final = (("0", 0.1), ("1", 0.6), ("2", 0.3))
"""Answers with their shares: own choice, about those of trials of advanced hepatocellular carcinoma
in China."""


def characteristic_rows(rows: Rows, story: SubjectStory, seed: int = 0) -> None:
    """Add the SC and QS rows of one subject. Some sites write the name of the scale before its
    value, and one in twenty answers is missing."""
    course = story.course
    rng = np.random.default_rng([seed, 31, course.index])
    who = {"USUBJID": course.usubjid}
    day = {"VISITNUM": "0", "VISIT": "SCREENING"}

    def drawn(choices: tuple[tuple[str, float], ...]) -> str | None:
        word = str(rng.choice([c for c, _ in choices], p=[p for _, p in choices]))
        return None if rng.random() < 0.05 else word

    for code, choices in (
        ("BCLC", _BCLC),
        ("ETIOL", _AETIOLOGY),
        ("MVI", _INVASION),
        ("EHS", _SPREAD),
        ("PRIORLN", _LINES),
    ):
        word = drawn(choices)
        if word is not None:
            text = f"Stage {word}" if code == "BCLC" and int(course.site) % 3 == 0 else word
            date = {"SCDTC": course.baseline_scan.isoformat()}
            rows["sc"].append(who | date | {"SCTESTCD": code, "SCORRES": text})
    for code, choices in (("ECOG101", _ECOG), ("CHILDPUG", _CHILD)):
        word = drawn(choices)
        if word is not None:
            date = {"QSDTC": course.baseline_scan.isoformat()}
            rows["qs"].append(who | day | date | {"QSTESTCD": code, "QSORRES": word})
