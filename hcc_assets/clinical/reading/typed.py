"""Text cells of one recognised table to typed columns: characters, decimal commas, numbers, dates,
each doubt an issue row. Joining tables is in ``tables``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.characters import clean_code, clean_verbatim, is_mojibake
from hcc_assets.clinical.reading.dates import NO_YEAR, OK, parse_dates
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.text import decimal_commas, to_numbers
from hcc_assets.study.sdtm_variables import DOMAINS, IDENTIFIERS

_BLOCKING_NUMBERS = {("ex", "EXDOSE"), ("tr", "VISITNUM")}
_BLOCKING_DATES = frozenset({"dm", "ex", "tr"})


def type_cells(frame: pd.DataFrame, domain: str, log: IssueLog) -> pd.DataFrame:
    """Normalise and type a recognised table.

    Parameters
    ----------
    frame
        Text under SDTM names, index = row number in the file.
    domain
        Lower-case domain code.
    log
        Receives the findings.

    Returns
    -------
    pandas.DataFrame
        All columns that the platform takes from the domain (null where absent), ``SRCROW``, and
        beside each date column ``X`` the columns ``X.low``, ``X.high`` and ``X.flag`` of
        ``dates.parse_dates``. Rows without ``USUBJID`` are left out and reported.

    Raises
    ------
    DomainRefused
        Mojibake.
    """
    spec = DOMAINS[domain]
    out = pd.DataFrame(index=frame.index)
    for name in spec.taken:
        if name not in frame:
            out[name] = pd.Series(None, index=frame.index, dtype=object)
            continue
        out[name] = _normalise(frame[name], domain, name, log)
    _decimal_commas(out, domain, log)
    out["SRCROW"] = out.index.astype("int64")
    nameless = out["USUBJID"].isna()
    if nameless.any():
        rows = [int(r) for r in out.index[nameless]]
        for row in rows:
            log.add(
                "RD08",
                "E",
                domain,
                "USUBJID is empty; the row is left out until it names its subject",
                rows=[row],
            )
        out = out[~nameless]
    out = out.reset_index(drop=True)
    for name in spec.numbers:
        values, wrong = to_numbers(out[name])
        severity = "E" if (domain, name) in _BLOCKING_NUMBERS else "Q"
        log.add_rows(
            "RD05",
            severity,
            domain,
            f"{name} is not a number; correct it (it counts as missing)",
            out[wrong],
        )
        out[name] = values
    for name in spec.dates:
        _dates(out, domain, name, log)
    return out


def _normalise(texts: pd.Series, domain: str, name: str, log: IssueLog) -> pd.Series:
    spec = DOMAINS[domain]
    clean = clean_verbatim if name in spec.verbatim else clean_code
    codes, uniques = pd.factorize(texts)
    cleaned = [clean(str(text)) for text in uniques]
    garbled = [i for i, text in enumerate(uniques) if is_mojibake(text)]
    if garbled:
        row = int(texts.index[np.isin(codes, garbled)][0])
        raise DomainRefused(
            "mojibake",
            f"row {row}: {name} was garbled by a wrong encoding before it was sent; export "
            "the file again as UTF-8",
        )
    told = [
        i
        for i, text in enumerate(uniques)
        if cleaned[i] != text and (name in IDENTIFIERS or not text.isascii())
    ]
    if told:
        rows = texts.index[np.isin(codes, told)]
        text = (
            f"full-width, non-breaking or invisible characters or outer blanks in {name} were "
            f"normalised in {len(rows)} row(s), the first here"
        )
        log.add("RD03", "I", domain, text, rows=[int(rows[0])])
    values = [(text.upper() if name in spec.upper else text) or None for text in cleaned]
    return pd.Series(
        np.array([*values, None], dtype=object)[codes], index=texts.index, dtype=object
    )


def _decimal_commas(frame: pd.DataFrame, domain: str, log: IssueLog) -> None:
    names = [*DOMAINS[domain].numbers, *DOMAINS[domain].results]
    found = decimal_commas({name: frame[name] for name in names})
    mixed = pd.Series(False, index=frame.index)
    for name, commas in found.items():
        if frame[name][~commas].str.contains(".", regex=False).eq(True).any():
            mixed |= commas
        frame[name] = frame[name].mask(commas, frame[name].str.replace(",", ".", regex=False))
    if found:
        text = (
            f"the decimal comma in {', '.join(found)} was read as a decimal point; send decimal "
            "points"
        )
        log.add("RD07", "I", domain, text)
    # where some cells have a point, who wrote the comma should confirm it
    rows = frame[mixed & frame["USUBJID"].notna()]
    for subject, mine in rows.groupby("USUBJID", sort=True):
        text = (
            "a number has a decimal comma where the rest of the column has decimal points; it was "
            "read as a decimal: confirm it, and send decimal points"
        )
        places = [int(r) for r in mine.index]
        log.add("RD07", "Q", domain, text, subject=str(subject), rows=places)


def _dates(frame: pd.DataFrame, domain: str, name: str, log: IssueLog) -> None:
    parsed = parse_dates(frame[name])
    for part in ("low", "high", "flag"):
        frame[f"{name}.{part}"] = parsed[part]
    check = "DM02" if domain == "dm" else "RD06"
    severity = "E" if domain in _BLOCKING_DATES else "Q"
    bad = (parsed["status"] != OK) & (parsed["status"] != NO_YEAR)
    text = (
        f"{name} is no ISO 8601 date (YYYY-MM-DD) or does not exist in the calendar, and is not "
        "guessed; correct the date"
    )
    log.add_rows(check, severity, domain, text, frame[bad])
    log.add_rows(
        check,
        severity,
        domain,
        f"{name} has no year; complete the date",
        frame[parsed["status"] == NO_YEAR],
    )
    partial = parsed["flag"].notna()
    if partial.any():
        rows = frame.loc[partial, "SRCROW"]
        count = int(partial.sum())
        text = (
            f"{name} is a partial date in {count} row(s), the first here; it was imputed and "
            "flagged: complete it where the day is known"
        )
        log.add("RD12", "I", domain, text, rows=[int(rows.iloc[0])])
