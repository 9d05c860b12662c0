"""One delivered domain, typed: its columns recognised, its cells text, numbers and dates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.columns import map_columns
from hcc_assets.clinical.reading.files.apart import Found
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.typed import type_cells
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.sdtm_variables import DOMAINS


@dataclass(frozen=True)
class Domain:
    """One delivered domain, typed; see ``typed.type_cells`` for the columns of ``frame``."""

    frame: pd.DataFrame
    absent: tuple[str, ...]
    delivered: tuple[str, ...]


def aliases_of(domain: str, config: StudyConfig) -> dict[str, str]:
    """EDC column name to SDTM name, as ``study.toml`` declares for a domain."""
    return {
        key: value
        for name, entries in config.aliases.items()
        if name.lower() == domain
        for key, value in entries.items()
    }


def typed_domain(raw: Found, domain: str, config: StudyConfig, log: IssueLog) -> Domain:
    """Recognise and type one table as it was read.

    Parameters
    ----------
    raw
        The table, or why it was refused.
    domain
        Lower-case domain code.
    config
        Study configuration; ``aliases`` matter.
    log
        Receives the findings.

    Raises
    ------
    DomainRefused
        The table cannot be taken. Whatever its cells make a library raise is such a refusal.
    """
    if isinstance(raw, DomainRefused):
        raise raw
    try:
        mapped = map_columns(raw, domain, aliases_of(domain, config), log)
        frame = type_cells(mapped.frame, domain, log)
    except DomainRefused:
        raise
    except Exception as error:  # noqa: BLE001 - a refusal, whatever it is; its text may quote
        raise DomainRefused(
            "unreadable", f"a cell cannot be read ({type(error).__name__}); correct the file"
        ) from None
    if DOMAINS[domain].must_have_rows and frame.empty:
        raise DomainRefused(
            "no_rows", "the table has no rows; it must have some, so the export is not complete"
        )
    return Domain(frame, mapped.absent, tuple(sorted(mapped.frame.columns)))
