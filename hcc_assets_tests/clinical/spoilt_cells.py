"""Random trials of one subject each as one delivery, clean and with one to three spoilt cells in
every subject, the way sites spoil them. No assertions here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from hcc_assets_tests.clinical.random_trial import random_trial

Files = dict[str, pd.DataFrame]
CUTOFF = dt.date(2026, 6, 30)


def _text(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).dt.strftime("%Y-%m-%d").fillna("")


def clean_delivery(seed: int, n: int) -> Files:
    """``n`` random trials of one subject as the files of one delivery."""
    people, lesions, records = random_trial(seed, n, ugly=False)
    start = pd.to_datetime(people["TRTSDT"])
    dead = people["DTHDT"].notna()
    dm = pd.DataFrame(
        {
            "USUBJID": people["USUBJID"],
            "RFICDTC": _text(start - pd.Timedelta(days=35)),
            "DTHDTC": _text(people["DTHDT"]),
            "DTHFL": np.where(dead, "Y", ""),
        }
    )
    last = pd.to_datetime(people["DTHDT"]).fillna(pd.Timestamp(CUTOFF))  # nobody doses the dead
    doses = [
        {
            "USUBJID": who,
            "EXDOSE": "300",
            "EXDOSU": "mg",
            "EXSTDTC": f"{day + pd.Timedelta(days=14 * i):%Y-%m-%d}",
            "EXENDTC": f"{min(day + pd.Timedelta(days=14 * i + 13), end):%Y-%m-%d}",
        }
        for who, day, end in zip(people["USUBJID"], start, last, strict=True)
        for i in range(3)
        if day + pd.Timedelta(days=14 * i) <= end
    ]
    columns = ["USUBJID", "VISITNUM", "VISIT", "TRDTC", "TRLNKID", "TRGRPID", "TULOC"]
    tr = lesions[[*columns, "TRTESTCD", "TRORRES", "TRORRESU", "TRSTAT"]].fillna("").astype(str)
    tr["TRORRESU"] = tr["TRORRESU"].mask(
        (tr["TRORRES"] != "") & (tr["TRTESTCD"] != "TUMSTATE") & (tr["TRORRESU"] == ""), "mm"
    )
    records = records.assign(day=_text(records["DSSTDT"]))
    death = records["USUBJID"].map(people.set_index("USUBJID")["DTHDT"])
    cm = records[(records["DOMAIN"] == "CM") & ~(records["DSSTDT"] > death)]
    ds, ss = (records[records["DOMAIN"] == d] for d in ("DS", "SS"))
    return {
        "dm": dm,
        "ex": pd.DataFrame(doses),
        "tr": tr.reset_index(drop=True),
        "cm": pd.DataFrame(
            {"USUBJID": cm["USUBJID"], "CMCAT": cm["DSDECOD"], "CMSTDTC": cm["day"]}
        ).reset_index(drop=True),
        "ds": pd.DataFrame(
            {"USUBJID": ds["USUBJID"], "DSDECOD": ds["DSDECOD"], "DSSTDTC": ds["day"]}
        ).reset_index(drop=True),
        "ss": pd.DataFrame(
            {
                "USUBJID": ss["USUBJID"],
                "SSTESTCD": "SURVSTAT",
                "SSSTRESC": ss["DSDECOD"],
                "SSDTC": ss["day"],
            }
        ).reset_index(drop=True),
        "ae": pd.DataFrame(columns=["USUBJID", "AEDECOD", "AESTDTC"]),
    }


Spoiler = Callable[[np.random.Generator, str], str]


def _one_of(*values: str) -> Spoiler:
    return lambda rng, _: str(rng.choice(values))


def _partial(rng: np.random.Generator, text: str) -> str:
    return text[: int(rng.choice([7, 7, 7, 4]))]


def _other_form(rng: np.random.Generator, text: str) -> str:
    return f"{text[8:]}.{text[5:7]}.{text[:4]}"


def _no_day(rng: np.random.Generator, text: str) -> str:
    return f"{text[:5]}{rng.choice(['02-30', '13-01', '00-10'])}"


def _letters(rng: np.random.Generator, text: str) -> str:
    return str(rng.choice([f"ca {text}", f"{text}?", f">{text}", "x", f"-{text}", "illegible"]))


Kinds = dict[str, tuple[str, str, dict[str, tuple[str, ...]], Spoiler]]
KINDS: Kinds = {
    "length": ("tr", "TRORRES", {"TRTESTCD": ("LDIAM", "SAXIS", "LPERP")}, _letters),
    "length of a target": ("tr", "TRORRES", {"TRGRPID": ("TARGET",)}, _letters),
    "no result": ("tr", "TRORRES", {"TRSTAT": ("",)}, _one_of("")),
    "unit": ("tr", "TRORRESU", {"TRGRPID": ("TARGET",)}, _one_of("inch", "", "m")),
    "state": (
        "tr",
        "TRORRES",
        {"TRTESTCD": ("TUMSTATE",), "TRSTAT": ("",)},
        _one_of("PRESNT", "?", "SEE REPORT", "LARGER", ""),
    ),
    "new lesion": (
        "tr",
        "TRORRES",
        {"TRGRPID": ("NEW",)},
        _one_of("UNEQUIVOKAL", "POSSIBLE", "SEE REPORT", ""),
    ),
    "scan in part": ("tr", "TRDTC", {}, _partial),
    "scan of no day": ("tr", "TRDTC", {}, _no_day),
    "scan in another form": ("tr", "TRDTC", {}, _other_form),
    "scan without a day": ("tr", "TRDTC", {}, _one_of("")),
    "visit number": ("tr", "VISITNUM", {}, _one_of("x", "two", "")),
    "lesion id": ("tr", "TRLNKID", {"TRSTAT": ("",)}, _one_of("")),
    "another lesion id": ("tr", "TRLNKID", {"TRGRPID": ("TARGET",)}, _one_of("TO1", "T77")),
    "group": ("tr", "TRGRPID", {}, _one_of("TARGT", "", "OTHER")),
    "role": (
        "tr",
        "TRGRPID",
        {"TRGRPID": ("TARGET", "NON-TARGET")},
        _one_of("TARGET", "NON-TARGET"),
    ),
    "therapy word": ("cm", "CMCAT", {}, _one_of("SURGERY?", "OTHER", "")),
    "therapy in part": ("cm", "CMSTDTC", {}, _partial),
    "therapy without a day": ("cm", "CMSTDTC", {}, _one_of("", "2024-02-31", "01/02/2024")),
    "death in part": ("dm", "DTHDTC", {"DTHFL": ("Y",)}, _partial),
    "death without a day": ("dm", "DTHDTC", {"DTHFL": ("Y",)}, _one_of("", "2024-02-31")),
    "consent": ("dm", "RFICDTC", {}, _one_of("2024-02-31", "x")),
    "first dose in part": ("ex", "EXSTDTC", {}, _partial),
    "dose without a day": ("ex", "EXSTDTC", {}, _one_of("", "2024-02-31")),
    "dose": ("ex", "EXDOSE", {}, _one_of("3OO", "-300", "")),
    "dose unit": ("ex", "EXDOSU", {}, _one_of("g", "")),
}
"""Kind of fault: file, column, what the row must be, and what is written in place of the cell."""


def _year(*steps: int) -> Spoiler:
    return lambda rng, text: f"{int(text[:4]) + int(rng.choice(steps))}{text[4:]}"


def _point(rng: np.random.Generator, text: str) -> str:
    """The decimal point is lost, or a digit doubled."""
    return text.replace(".", "") if "." in text else f"{text}0"


_MEASURED = {"TRGRPID": ("TARGET",), "TRTESTCD": ("LDIAM", "SAXIS"), "TRSTAT": ("",)}
FALSE: Kinds = {
    "unit mistaken": ("tr", "TRORRESU", {**_MEASURED, "TRORRESU": ("mm",)}, _one_of("cm")),
    "point lost": ("tr", "TRORRES", _MEASURED, _point),
    "comma": ("tr", "TRORRES", _MEASURED, lambda rng, text: text.replace(".", ",")),
    "not done": ("tr", "TRSTAT", {"TRSTAT": ("",)}, _one_of("NOT DONE")),
    "test": ("tr", "TRTESTCD", {"TRSTAT": ("",)}, _one_of("DIAMETER", "")),
    "axis": ("tr", "TRTESTCD", _MEASURED, _one_of("LPERP", "SAXIS", "LDIAM")),
    "dose a year off": ("ex", "EXSTDTC", {}, _year(-1, 1)),
    "consent a year off": ("dm", "RFICDTC", {}, _year(-1, 1)),
    "death a year early": ("dm", "DTHDTC", {"DTHFL": ("Y",)}, _year(-1)),
    "death without flag": ("dm", "DTHFL", {"DTHFL": ("Y",)}, _one_of("", "N")),
    "therapy a year early": ("cm", "CMSTDTC", {}, _year(-1)),
}
"""The same of cells that can be read and are false."""


def spoilt(files: Files, seed: int, kinds: Kinds = KINDS) -> tuple[Files, dict[str, list[str]]]:
    """One to three spoilt cells in every subject, and which kinds each subject got."""
    rng = np.random.default_rng([seed, 53])
    out = {name: frame.copy() for name, frame in files.items()}
    rows = {
        name: {k: v.to_numpy() for k, v in frame.groupby("USUBJID").groups.items()}
        for name, frame in files.items()
    }
    done: dict[str, list[str]] = {}
    for subject in files["dm"]["USUBJID"]:
        wanted = int(rng.integers(1, 4))
        told = done.setdefault(subject, [])
        for kind in rng.permutation(list(kinds)):
            if len(told) == wanted:
                break
            domain, column, needs, change = kinds[str(kind)]
            mine = rows[domain].get(subject, np.zeros(0, dtype=int))
            frame = files[domain]
            for needed, values in needs.items():
                mine = mine[frame.loc[mine, needed].isin(values).to_numpy()]
            if column not in needs:
                mine = mine[(frame.loc[mine, column] != "").to_numpy()]
            if not len(mine):
                continue
            row = int(rng.choice(mine))
            out[domain].loc[row, column] = change(rng, str(frame.at[row, column]))
            told.append(str(kind))
    return out, done


def write(files: Files, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in files.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return folder
