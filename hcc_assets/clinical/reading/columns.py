"""Delivered column names to SDTM names: aliases, misspelt, missing and unknown columns, personal
data. The cells are typed in ``typed``.

Nothing is guessed: a name is taken as it stands (letter case and full-width forms aside) or by an
alias that ``study.toml`` declares.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.characters import clean_code
from hcc_assets.clinical.reading.personal_data import find_personal_cell, is_pseudonym, judge_column
from hcc_assets.clinical.reading.raw_table import RawTable
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.study.sdtm_variables import DOMAINS, IDENTIFIERS, sdtm_variables

_SAFE_NAME = re.compile(r"[A-Z][A-Z0-9_ .-]{0,39}")
_KEY_NAME = re.compile(r".*(?:ID|SEQ|REF|DTC|NO|NUM|VISITDY|CD)")
_NEAR = 0.7
"""Similarity from which a name is offered as a hint and never taken. Ours: stricter than the
0.6 of ``difflib``, so that a hint is worth reading."""


@dataclass(frozen=True)
class Mapped:
    """Columns that were recognised in one delivered table.

    Attributes
    ----------
    frame
        Text cells under SDTM names, only columns that the platform takes and the file has; index =
        row number in the file.
    absent
        Optional columns that the file does not have.
    """

    frame: pd.DataFrame
    absent: tuple[str, ...]


def printable(name: str, position: int) -> str:
    """A column name for a message: itself where it is plainly a name, else its position, since a
    file without header has data there."""
    return (
        name
        if _SAFE_NAME.fullmatch(name) and not re.search(r"\d{4}", name)
        else f"no. {position + 1}"
    )


def known_names(domain: str, aliases: dict[str, str]) -> frozenset[str]:
    """Upper-case column names that a file of this domain may have."""
    return sdtm_variables(domain) | {clean_code(alias).upper() for alias in aliases}


def map_columns(raw: RawTable, domain: str, aliases: dict[str, str], log: IssueLog) -> Mapped:
    """Recognise the columns of a table and screen it for personal data.

    Parameters
    ----------
    raw
        The table as read.
    domain
        Lower-case domain code.
    aliases
        EDC column name to SDTM name, as declared for this domain.
    log
        Receives what a person should know (absent, unknown and dropped columns).

    Raises
    ------
    DomainRefused
        Personal data; a required column that is missing or misspelt; two columns of one name.
    """
    spec = DOMAINS[domain]
    upper = [clean_code(name).upper() for name in raw.columns]
    verdicts = [judge_column(name) for name in raw.columns]
    if "stop" in verdicts:
        position = verdicts.index("stop")
        reason = (
            f"column {position + 1} holds personal data by its name (names, phones, addresses "
            "and identity numbers); remove it and send again"
        )
        raise DomainRefused("personal_data", reason)
    renamed = {clean_code(alias).upper(): target.upper() for alias, target in aliases.items()}
    names = [renamed.get(name, name) for name in upper]
    dropped = [i for i, verdict in enumerate(verdicts) if verdict == "drop"]
    present = [i for i in range(len(names)) if i not in dropped]
    _no_twins([names[i] for i in present])
    _no_personal_cells(raw, names, upper, present)
    unknown = [i for i in present if names[i] not in sdtm_variables(domain)]
    _required_there(spec.required, [names[i] for i in present], [names[i] for i in unknown])
    if dropped:
        text = (
            f"{len(dropped)} column(s) with birth date or initials were dropped on reading; "
            "leave them out of the next export"
        )
        log.add("RD04", "I", domain, text)
    for i in unknown:
        near = difflib.get_close_matches(names[i], spec.taken, n=1, cutoff=_NEAR)
        hint = f"; did you mean {near[0]}?" if near and near[0] not in names else ""
        text = (
            f"column {printable(names[i], i)} is unknown and was left out; correct its name or "
            f"declare it under [aliases]{hint}"
        )
        log.add("RD02", "Q", domain, text)
    absent = tuple(name for name in spec.optional if name not in names)
    if absent:
        log.add(
            "RD01",
            "I",
            domain,
            f"the export has no {', '.join(absent)}; the values are taken as missing",
        )
    positions = {names[i]: i for i in present if names[i] in spec.taken}
    frame = raw.frame[[positions[name] for name in positions]].copy()
    frame.columns = pd.Index(list(positions))
    return Mapped(frame, absent)


def _no_twins(names: list[str]) -> None:
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            raise DomainRefused(
                "twin_columns",
                f"two columns are named {printable(name, i)} (or an alias leads both there); "
                "keep one",
            )
        seen.add(name)


def _required_there(required: tuple[str, ...], names: list[str], unknown: list[str]) -> None:
    missing = [name for name in required if name not in names]
    if not missing:
        return
    parts = []
    for name in missing:
        near = difflib.get_close_matches(name, unknown, n=1, cutoff=_NEAR)
        safe = printable(near[0], names.index(near[0])) if near else ""
        parts.append(
            f"required column {name} is missing"
            + (f"; column {safe} looks like it: correct the name to {name}" if near else "")
        )
    reason = "; ".join(parts)
    if not any("looks like" in part for part in parts):
        reason += "; add it, or declare the EDC's name for it under [aliases] in study.toml"
    raise DomainRefused("missing_column", reason)


def _no_personal_cells(
    raw: RawTable, names: list[str], upper: list[str], present: list[int]
) -> None:
    for i in present:
        texts = raw.frame[i]
        key = names[i] in IDENTIFIERS or bool(_KEY_NAME.fullmatch(names[i]))
        found = find_personal_cell(texts, key=key)
        if found:
            row, kind = found
            reason = (
                f"row {row}: {kind} stands in column {printable(upper[i], i)}; remove it from "
                "the source and send the export again"
            )
            raise DomainRefused("personal_data", reason)
        if names[i] == "USUBJID":
            codes, uniques = pd.factorize(texts)
            bad = [j for j, text in enumerate(uniques) if not is_pseudonym(clean_code(text))]
            if bad:
                row = int(texts.index[int((codes == bad[0]).argmax())])
                raise DomainRefused(
                    "personal_data",
                    f"row {row}: USUBJID is no pseudonymous key (letters other than A to Z); "
                    "send study identifiers",
                )
