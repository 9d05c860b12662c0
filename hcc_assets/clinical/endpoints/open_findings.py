"""Which open findings can move response or PFS, and the rule for each: lesions, visits, people.

The values that are tried are in ``resolutions``. A finding that only asks to confirm something an
endpoint does not rest on (a method, a size at baseline, a visit off the schedule) has no rule.
"""

from __future__ import annotations

from typing import Final

from hcc_assets.clinical.endpoints.open_case import Finding, OpenCase, Rule
from hcc_assets.clinical.endpoints.open_lesions import LESIONS
from hcc_assets.clinical.endpoints.open_people import PEOPLE, READ
from hcc_assets.clinical.endpoints.open_visits import VISITS

_BLOCKING: Final = frozenset({"DM", "EX", "TR", "TU"})
_OF_TUMOURS: Final = frozenset({"TR", "TU"})


def _rule(check: str, domain: str) -> Rule | None:
    found = PEOPLE.get(check) or READ.get((check, domain))
    if found is None and domain in _OF_TUMOURS:
        return LESIONS.get(check) or VISITS.get(check)
    return found


def rule_of(check: str, severity: str, domain: str) -> Rule | None:
    """The rule of a finding; null where it can move no endpoint."""
    rule = _rule(check, domain)
    if severity == "I" or (check == "TR10" and severity != "E"):
        return None
    if rule is None and severity == "E" and domain in _BLOCKING:
        return _widest
    return rule


def _widest(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """An error that no rule here knows."""
    case.widest = True


def collect(case: OpenCase, findings: list[Finding]) -> list[str]:
    """Note the resolutions of every finding of a subject.

    Returns
    -------
    list of str
        The checks that can matter, one entry for each finding.
    """
    told = []
    for finding in findings:
        rule = rule_of(finding.check, finding.severity, finding.domain)
        if rule is None:
            continue
        at = case.at(finding.rows) if finding.domain in _OF_TUMOURS else []
        of_rows = finding.domain in _OF_TUMOURS and finding.check != "TR27"
        if of_rows and not at and finding.severity != "E":
            continue  # of another reader or criterion
        rule(case, finding, at)
        told.append(finding.check)
    return told
