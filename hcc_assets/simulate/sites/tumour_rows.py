"""TR, TU and RS rows of simulated scans, as the site of the subject names lesions."""

from __future__ import annotations

from typing import Any

from hcc_assets.simulate.scans import Finding, Lesion, Scan
from hcc_assets.simulate.sdtm import Rows, SubjectStory

SHARED_ID = "NT"


def scan_rows(
    rows: Rows, story: SubjectStory, scans: list[Scan], criterion: str | None = None
) -> None:
    """Add the TR, TU and RS rows of these scans; ``criterion`` stands in TRCAT, TUCAT and RSCAT."""
    seen: set[str] = set()
    for scan in scans:
        day = scan.date.isoformat()
        visit = {
            "USUBJID": story.course.usubjid,
            "VISITNUM": f"{scan.visit_number:g}",
            "VISIT": scan.name,
        }
        for f in scan.findings:
            rows["tr"].append(
                visit
                | _named(story, f.lesion, scan)
                | {
                    "TRCAT": criterion,
                    "TRGRPID": f.lesion.kind,
                    "TRMETHOD": "CT SCAN",
                    "TREVAL": "INVESTIGATOR",
                    "TRDTC": day,
                    **_test(f),
                    **_result(f),
                }
            )
            if f.lesion.name not in seen and _has_id(story, f.lesion):
                seen.add(f.lesion.name)
                rows["tu"].append(
                    visit
                    | {
                        "TULNKID": f.lesion.name,
                        "TUCAT": criterion,
                        "TUTESTCD": "TUMIDENT",
                        "TUORRES": f.lesion.kind,
                        "TULOC": f.lesion.organ,
                        "TUMETHOD": "CT SCAN",
                        "TUEVAL": "INVESTIGATOR",
                        "TUDTC": day,
                    }
                )
        if scan.response:
            word = str(scan.response["OVRLRESP"])
            rows["rs"].append(
                visit
                | {
                    "RSCAT": criterion,
                    "RSTESTCD": "OVRLRESP",
                    "RSTEST": "Overall Response",
                    "RSORRES": word,
                    "RSSTRESC": word,
                    "RSEVAL": "INVESTIGATOR",
                    "RSDTC": day,
                }
            )


def _has_id(story: SubjectStory, lesion: Lesion) -> bool:
    """Whether the lesion is identified by itself, and so has a row in TU."""
    grouping = story.manner.grouping
    return not grouping or lesion.kind == "TARGET" or (grouping == "shared" and _new(lesion))


def _new(lesion: Lesion) -> bool:
    return lesion.kind == "NEW"


def _named(story: SubjectStory, lesion: Lesion, scan: Scan) -> dict[str, str | None]:
    """Id of a lesion; its place too where TU does not have it."""
    if not _has_id(story, lesion):
        shared = story.manner.grouping == "shared"
        return {"TRLNKID": SHARED_ID if shared else None, "TULOC": lesion.organ}
    small = story.manner.small_ids and scan.number > 0
    return {"TRLNKID": lesion.name.lower() if small else lesion.name, "TULOC": None}


def _test(f: Finding) -> dict[str, str]:
    if f.lesion.kind != "TARGET":
        return {"TRTESTCD": "TUMSTATE", "TRTEST": "Tumor State"}
    if f.lesion.node:
        return {"TRTESTCD": "SAXIS", "TRTEST": "Short Axis"}
    return {"TRTESTCD": "LDIAM", "TRTEST": "Longest Diameter"}


def _result(f: Finding) -> dict[str, Any]:
    if f.not_done:
        return {"TRSTAT": "NOT DONE", "TRREASND": "IMAGE NOT EVALUABLE"}
    if f.tenths is not None:
        mm = f"{f.tenths / 10:.1f}".removesuffix(".0")
        return {"TRORRES": mm, "TRORRESU": "mm", "TRSTRESC": mm, "TRSTRESN": mm, "TRSTRESU": "mm"}
    return {"TRORRES": f.word, "TRSTRESC": f.word}
