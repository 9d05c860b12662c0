"""The reason for a response, in words that an investigator would use. Nothing is decided here."""

from __future__ import annotations

from hcc_assets.clinical.recist.arithmetic import percent_text
from hcc_assets.clinical.recist.timepoints import Timepoints


def _change(change: int, reference: int, point: Timepoints, what: str) -> str:
    if change == 0:
        return f"unchanged from {what} ({point.scale.text(reference)} mm)"
    way = "above" if change > 0 else "below"
    percent = "" if reference == 0 else f" ({percent_text(change, reference)})"
    return (
        f"{point.scale.text(abs(change))} mm{percent} {way} {what} "
        f"({point.scale.text(reference)} mm)"
    )


def _target_words(point: Timepoints, i: int, row: dict[str, object]) -> str:
    word, scale = row["TRGRESP"], point.scale
    total, nadir, base = int(point.total[i]), int(point.nadir[i]), int(point.base[i])
    lost = ", ".join(point.missing.get(i, []))
    if word == "NA":
        return "no target lesions at baseline"
    if word == "CR":
        rest = f"; sum {scale.text(total)} mm from nodes below 10 mm" if total else ""
        return f"target CR: all target lesions have disappeared{rest}"
    if word == "PD" and row["returned"]:
        return "target PD: a target lesion is back after complete response"
    from_nadir = (
        _change(total - nadir, nadir, point, "the smallest earlier sum")
        if point.has_nadir[i]
        else "no earlier sum to compare with"
    )
    if word == "PD":
        part = "the measured target lesions alone sum to" if row["lost"] else "sum"
        rule = "at least 5 mm from 0" if nadir == 0 else "at least 20 % and 5 mm"
        return f"target PD: {part} {scale.text(total)} mm, {from_nadir}; {rule}"
    if row["no_baseline"]:
        return "target NE: no baseline assessment"
    if word == "NE" and row["lost"]:
        return f"target NE: {lost}; the measured lesions alone do not show progression"
    if word == "NE":
        return "target NE: the baseline sum is incomplete and there is no earlier sum"
    from_base = (
        _change(total - base, base, point, "baseline")
        if point.has_base[i]
        else "the baseline sum is incomplete"
    )
    if word == "PR":
        return f"target PR: sum {scale.text(total)} mm, {from_base}; at least 30 %"
    return f"target SD: sum {scale.text(total)} mm, {from_base}, {from_nadir}; neither PR nor PD"


def _non_target_words(point: Timepoints, i: int, row: dict[str, object]) -> str:
    word = row["NTRGRESP"]
    if word == "NA":
        return "no non-target lesions"
    if word == "PD" and row["nt_progression"]:
        return "non-target PD: unequivocal progression"
    if word == "PD":
        return "non-target PD: present again after complete response"
    if word == "CR":
        return "non-target CR: all absent"
    if word == "NE":
        return (
            "non-target NE: no baseline assessment"
            if row["no_baseline"]
            else "non-target NE: " + ", ".join(point.missing.get(i, ["not assessed"]))
        )
    return "non-target disease persists without unequivocal progression"


def _new_words(point: Timepoints, i: int) -> str:
    found = point.new.get(i)
    if found is None:
        return "no new lesion"
    return f"new lesion {found[1]}" + (
        ", equivocal at this scan and confirmed later" if found[2] else ", unequivocal"
    )


def reasons(point: Timepoints) -> list[str]:
    """One sentence per visit: overall response, then target, non-target and new lesions."""
    out = []
    columns = [
        "OVRLRESP",
        "TRGRESP",
        "NTRGRESP",
        "returned",
        "nt_progression",
        "no_baseline",
        "lost",
    ]
    rows = [
        dict(zip(columns, values, strict=True))
        for values in zip(*(point.visits[c].tolist() for c in columns), strict=True)
    ]
    for i, row in enumerate(rows):
        if row["no_baseline"]:
            out.append("NE: no baseline assessment, so no response can be derived")
            continue
        words = (
            f"{row['OVRLRESP']}: {_target_words(point, i, row)}; "
            f"{_non_target_words(point, i, row)}; {_new_words(point, i)}"
        )
        if row["OVRLRESP"] == "PR" and row["TRGRESP"] == "CR":
            words += "; not CR while non-target disease is " + (
                "not assessed" if row["NTRGRESP"] == "NE" else "present"
            )
        elif row["OVRLRESP"] == "PR" and row["TRGRESP"] == "SD":
            words += "; an earlier confirmed PR is kept until progression"
        out.append(words)
    return out
