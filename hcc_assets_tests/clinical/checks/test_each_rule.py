"""Each rule on a small case: found where it is broken, silent otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc_assets_tests.clinical.check_frames import (
    AE,
    DEAD,
    DM,
    EX,
    FATAL,
    TR,
    V1,
    V2,
    Rows,
    export,
    issues,
    queries,
)

CASES: dict[str, tuple[str, dict[str, Rows]]] = {
    "a clean subject": ("", {}),
    "a clean dead subject": (
        "",
        {"dm": [DM | DEAD], "ae": [AE, AE | FATAL | {"AESEQ": "2", "AESTDTC": "2024-09-01"}]},
    ),
    "death by progression needs no event": (
        "",
        {"dm": [DM | DEAD], "ae": [AE | {"AEOUT": "NOT RECOVERED/NOT RESOLVED", "AEENDTC": ""}]},
    ),
    "DM05 flag without date": ("DM05", {"dm": [DM | {"DTHFL": "Y"}]}),
    "DM06": ("DM06", {"dm": [DM | {"DTHDTC": "2025-01-02", "DTHFL": "Y"}]}),
    "DM06 on the day": ("", {"dm": [DM | {"DTHDTC": "2025-01-01", "DTHFL": "Y"}]}),
    "DM07 same day": ("", {"dm": [DM | {"RFICDTC": "2024-01-10"}]}),
    "DM07 partial may be before": ("", {"dm": [DM | {"RFICDTC": "2024-01"}]}),
    "EX02 empty unit": (
        "EX02",
        {"ex": [EX | {"EXDOSU": ""}, EX | {"EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX04 touching": (
        "EX04",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXSTDTC": "2024-09-30", "EXENDTC": ""}]},
    ),
    "EX04 next day": (
        "",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX06": ("EX06", {"ex": [EX | {"EXDOSE": "275"}]}),
    "EX06 zero": (
        "",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXDOSE": "0", "EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX07": ("EX07", {"ex": [EX, EX | {"EXSTDTC": "2024-10-30", "EXENDTC": ""}]}),
    "EX07 28 days": ("", {"ex": [EX, EX | {"EXSTDTC": "2024-10-29", "EXENDTC": ""}]}),
    "EX07 recorded": (
        "",
        {
            "ex": [
                EX,
                EX | {"EXDOSE": "0", "EXSTDTC": "2024-10-01", "EXENDTC": "2024-11-29"},
                EX | {"EXSTDTC": "2024-11-30", "EXENDTC": ""},
            ]
        },
    ),
    "EX08": ("EX08", {"ex": [EX | {"EXTRT": "PLACEBO"}]}),
    "EX09": ("EX09", {"ex": [EX, EX | {"USUBJID": "S2"}]}),
    "EX10": ("EX10", {"ex": [EX, EX | {"EXSTDTC": "", "EXENDTC": ""}]}),
    "AE04 missing": ("AE04", {"ae": [AE | {"AETOXGR": ""}]}),
    "AE13": ("AE13", {"dm": [DM | DEAD], "ae": [AE | FATAL | {"AEENDTC": "2024-09-30"}]}),
    "AE14 dosing goes on": ("AE14", {"ae": [AE | {"AEACN": "DRUG WITHDRAWN"}]}),
    "AE14 dosing open": (
        "AE14",
        {
            "ex": [EX | {"EXENDTC": ""}],
            "ae": [AE | {"AEACN": "DRUG WITHDRAWN", "AEENDTC": "2024-10-10"}],
        },
    ),
    "AE14 stopped": ("", {"ae": [AE | {"AEACN": "DRUG WITHDRAWN", "AEENDTC": "2024-10-10"}]}),
    "AE15": ("AE15", {"dm": [DM | DEAD], "ae": [AE | {"AESDTH": "Y", "AESER": "Y"}]}),
    "AE16": (
        "AE16",
        {
            "dm": [DM | DEAD],
            "ae": [
                AE | FATAL | {"AETOXGR": "4"},
                AE | FATAL | {"AESEQ": "3", "AEDECOD": "Ascites"},
            ],
        },
    ),
    "AE17": ("AE17", {"ae": [AE | {"AEREL": "MAYBE"}]}),
    "AE20": ("AE20", {"ae": [AE | {"AEDECOD": ""}, AE | {"AESEQ": "2"}]}),
    "TR02 29 days": ("TR02", {"tr": [TR | {"TRDTC": "2023-12-12"}]}),
    "TR02 28 days": ("", {"tr": [TR | {"TRDTC": "2023-12-13"}]}),
    "TR03": ("TR03", {"tr": [TR | {"TRDTC": "2024-01-11"}]}),
    "TR03 on the day of first dose": ("", {"tr": [TR | {"TRDTC": "2024-01-10"}]}),
    "TR04 in cm": ("TR04", {"tr": [TR | {"TRORRES": "0.96", "TRORRESU": "cm"}]}),
    "TR05": (
        "TR05",
        {"tr": [TR | {"TULOC": "LYMPH NODE", "TRTESTCD": "SAXIS", "TRORRES": "14.9"}]},
    ),
    "TR06 fragment": (
        "",
        {
            "tr": [
                TR,
                TR | V1 | {"TRLNKID": "T01.1", "TRORRES": "20"},
                TR | V1 | {"TRLNKID": "T01.2", "TRORRES": "15"},
            ]
        },
    ),
    "TR06": ("TR06", {"tr": [TR, TR | V1, TR | V1 | {"TRLNKID": "T02"}]}),
    "TR06 without a baseline": ("", {"tr": [TR | V1]}),
    "TR08 nodes are one organ": (
        "TR08",
        {
            "tr": [
                TR
                | {"TULOC": "LYMPH NODE", "TRTESTCD": "SAXIS", "TRLNKID": f"T0{i}", "TRORRES": "20"}
                for i in (1, 2, 3)
            ]
        },
    ),
    "TR10 conflict": ("TR10", {"tr": [TR, TR | {"TRORRES": "41"}]}),
    "TR10 not done and a value": ("TR10", {"tr": [TR, TR | {"TRORRES": "", "TRSTAT": "NOT DONE"}]}),
    "TR14 missing": ("TR14", {"tr": [TR | {"TRORRESU": ""}, TR | V1]}),
    "TR14 words need no unit": (
        "",
        {"tr": [TR, TR | V1 | {"TRORRES": "TOO SMALL TO MEASURE", "TRORRESU": ""}]},
    ),
    "TR15": ("TR15", {"tr": [TR, TR | V1 | {"TRORRES": "3.8"}]}),
    "TR15 in cm is none": ("", {"tr": [TR, TR | V1 | {"TRORRES": "3.8", "TRORRESU": "cm"}]}),
    "TR16": ("TR16", {"tr": [TR, TR | {"TRLNKID": "T02"}, TR | V1]}),
    "TR16 not done": (
        "",
        {
            "tr": [
                TR,
                TR | {"TRLNKID": "T02"},
                TR | V1,
                TR | V1 | {"TRLNKID": "T02", "TRORRES": "", "TRSTAT": "NOT DONE"},
            ]
        },
    ),
    "TR16 after merging": (
        "",
        {
            "tr": [
                TR,
                TR | {"TRLNKID": "T02"},
                TR | V1,
                TR | V1 | {"TRLNKID": "T02", "TRORRES": "COALESCED"},
                TR | V2,
            ]
        },
    ),
    "TR17 same day": ("TR17", {"tr": [TR, TR | V1, TR | V2 | {"TRDTC": "2024-02-21"}]}),
    "TR34 a result beside NOT DONE": (
        "TR34",
        {"tr": [TR, TR | V1 | {"TRSTAT": "NOT DONE", "TRORRES": "30"}]},
    ),
    "TR34 says twice that there is none": (
        "",
        {"tr": [TR, TR | V1 | {"TRSTAT": "NOT DONE", "TRORRES": "NE"}]},
    ),
    "TR35 a test that is not read": ("TR35", {"tr": [TR, TR | V1 | {"TRTESTCD": "DIAMETER"}]}),
    "TR35 and a perpendicular is none": (
        "TR35",
        {"tr": [TR, TR | V1 | {"TRTESTCD": "DIAMETER"}, TR | V1 | {"TRTESTCD": "LPERP"}]},
    ),
    "TR35 an area beside the diameter": (
        "",
        {"tr": [TR, TR | V1, TR | V1 | {"TRTESTCD": "AREA"}]},
    ),
    "TR31 partial, and TR17 lets it follow": (
        "TR31",
        {"tr": [TR, TR | V1, TR | V2 | {"TRDTC": "2024-02"}]},
    ),
    "TR18": ("TR18", {"tr": [TR, TR | V1 | {"TRDTC": "2024-02-29"}]}),
    "TR18 edge": ("", {"tr": [TR, TR | V1 | {"TRDTC": "2024-02-28"}]}),
    "TR18 unscheduled": (
        "",
        {"tr": [TR, TR | V1 | {"TRDTC": "2024-03-05", "VISIT": "UNSCHEDULED"}]},
    ),
    "TR19 node": ("TR19", {"tr": [TR | {"TULOC": "LYMPH NODE"}]}),
    "TR19 lesion": ("TR19", {"tr": [TR | {"TRTESTCD": "LPERP"}]}),
    "TR19 perpendicular beside": ("", {"tr": [TR, TR | {"TRTESTCD": "LPERP", "TRORRES": "30"}]}),
    "TR20": ("TR20", {"tr": [TR, TR | V1 | {"TRMETHOD": "MRI"}]}),
    "TR21": ("TR21", {"tr": [TR | {"TRORRES": "31", "TRORRESU": "cm"}]}),
    "TR22": (
        "TR22",
        {
            "tr": [
                TR,
                TR | V1,
                TR
                | V1
                | {
                    "TRGRPID": "NON-TARGET",
                    "TRTESTCD": "TUMSTATE",
                    "TRORRES": "PRESENT",
                    "TRORRESU": "",
                },
            ]
        },
    ),
    "TR25": ("TR25", {"tr": [TR, TR | {"TRLNKID": "X1", "TRGRPID": "OTHER"}]}),
    "TR26": ("TR26", {"tr": [TR | {"TRORRES": "<5"}]}),
    "AE21": ("AE21", {"ae": [AE | {"AESHOSP": "Y"}]}),
    "AE21 serious": ("", {"ae": [AE | {"AESER": "Y", "AESHOSP": "Y"}]}),
    "TR27": ("TR27", {"tr": [TR | {"TREVALID": reader} for reader in ("R1", "R2")]}),
    "TR27 the endpoint reader is there": (
        "",
        {"tr": [TR | {"TREVALID": "R1"}, TR | {"TREVAL": "INVESTIGATOR"}]},
    ),
    "TR27 one other reader": ("", {"tr": [TR | {"TREVALID": "R1"}]}),
    "TR27 accepted at every visit": (
        "",
        {
            "tr": [
                TR | V | {"TREVALID": r, "TRACPTFL": f}
                for r, f in (("R1", ""), ("R2", "Y"))
                for V in ({}, V1)
            ]
        },
    ),
    "TR27 accepted reader changes": (
        "TR27",
        {
            "tr": [
                TR | V | {"TREVALID": r, "TRACPTFL": "Y" if r == y else ""}
                for V, y in (({}, "R1"), (V1, "R2"))
                for r in ("R1", "R2")
            ]
        },
    ),
    "nodes of a named region are nodes": (
        "",
        {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR", "TRTESTCD": "SAXIS", "TRORRES": "16"}]},
    ),
    "TR05 node of a named region": (
        "TR05",
        {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR", "TRTESTCD": "SAXIS", "TRORRES": "14"}]},
    ),
    "TR19 node of a named region": ("TR19", {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR"}]}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_rule_at_a_time(tmp_path: Path, case: str) -> None:
    expected, tables = CASES[case]
    found = issues(export(tmp_path, **tables))
    assert queries(found) == ({expected} if expected else set()), found[found["severity"] != "I"][
        ["check_id", "message"]
    ].values.tolist()
    assert set(found.loc[found["check_id"] == expected, "subject_id"]) <= {"S1", "S2"}
