"""Second programming of best response and progression-free survival, for comparison only.

Written from the rules, one subject after the other; nothing of ``hcc_assets.clinical`` is
imported. Responses of visits are in ``double_programming``.
"""

from __future__ import annotations

import datetime as dt
import re

from hcc_assets_tests.clinical.double_programming import Day


def second_best(
    line: list[tuple[Day, str]],
    start: Day,
    therapy: Day | None,
    *,
    sd_days: int = 42,
    gap: int = 28,
    ne: int = 1,
    sd: int = 0,
) -> tuple[str, str]:
    """BOR and CBOR of one subject from its dated responses."""
    stop = min([d for d, w in line if w == "PD"] + [Day.max] + ([therapy] if therapy else []))
    line = [(d, w) for d, w in line if start <= d <= stop]

    def rest() -> str:
        for group, name in ((("CR", "PR", "SD"), "SD"), (("NON-CR/NON-PD",), "NON-CR/NON-PD")):
            if any(w in group and d >= start + dt.timedelta(days=sd_days) for d, w in line):
                return name
        return "PD" if any(w == "PD" for _, w in line) else "NE"

    def holds(best: str, i: int) -> bool:
        goal = ["CR"] if best == "CR" else ["CR", "PR"]
        ahead = [
            j
            for j in range(i + 1, len(line))
            if line[j][1] in goal and line[j][0] >= line[i][0] + dt.timedelta(days=gap)
        ]
        if not ahead:
            return False
        run = [w for _, w in line[i + 1 : ahead[0]]]
        if best == "CR":
            return all(w in ("CR", "NE") for w in run) and run.count("NE") <= ne
        pattern = "".join(
            {"CR": "c", "PR": "p", "NE": "n", "SD": "s"}.get(w, "x")
            for w in [*run, line[ahead[0]][1]]
        )
        return (
            "x" not in pattern
            and not re.search("c.*p", pattern)
            and pattern.count("n") <= ne
            and pattern.count("s") <= sd
        )

    bor = (
        "CR"
        if any(w == "CR" for _, w in line)
        else "PR"
        if any(w == "PR" for _, w in line)
        else rest()
    )
    for best in ("CR", "PR"):
        if any(w == best and holds(best, i) for i, (_, w) in enumerate(line)):
            return bor, best
    return bor, rest()


def second_pfs(
    line: list[tuple[Day, str]],
    start: Day,
    death: Day | None,
    therapy: Day | None,
    *,
    fda: bool,
    max_gap: int = 98,
) -> tuple[Day, int]:
    """ADT and CNSR of progression-free survival."""
    clean = [d for d, w in line if w not in ("NE", "PD")]
    progression = min((d for d, w in line if w == "PD"), default=None)
    event = min((d for d in (progression, death) if d), default=None)
    event = max(event, start) if event else None
    if not fda:
        return (event, 0) if event else (max([start, *clean]), 1)
    if therapy and (event is None or therapy < event):
        return max([start, *(d for d in clean if d <= therapy)]), 1
    if event is None:
        return max([start, *clean]), 1
    anchor = max([start, *(d for d in clean if d <= event)])
    return (anchor, 1) if (event - anchor).days > max_gap else (event, 0)
