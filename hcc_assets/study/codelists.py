"""Controlled words of the clinical data (CDISC terminology as this study uses it).

Settings are in ``config``; column names in ``sdtm_variables``.
"""

from __future__ import annotations

SEX = frozenset({"M", "F", "U"})
"""Codes of SEX that the study accepts."""

AGE_MINIMUM = 18
AGE_MAXIMUM = 120
"""Ages of the protocol: adults; above the maximum the value cannot be true (nobody in a trial of
advanced cancer is older; our choice)."""

AEOUT = frozenset(
    {
        "RECOVERED/RESOLVED",
        "RECOVERED/RESOLVED WITH SEQUELAE",
        "RECOVERING/RESOLVING",
        "NOT RECOVERED/NOT RESOLVED",
        "FATAL",
        "UNKNOWN",
    }
)
"""Outcome of an adverse event (CDISC code list OUT)."""

AEOUT_RESOLVED = frozenset({"RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE"})
AEOUT_OPEN = frozenset({"NOT RECOVERED/NOT RESOLVED", "RECOVERING/RESOLVING", "UNKNOWN"})
"""Outcomes that follow-up is expected to change."""

AEACN = frozenset(
    {
        "DOSE NOT CHANGED",
        "DOSE REDUCED",
        "DOSE INCREASED",
        "DRUG INTERRUPTED",
        "DRUG WITHDRAWN",
        "NOT APPLICABLE",
        "UNKNOWN",
    }
)
"""Action taken with study treatment (CDISC code list ACN)."""

GRADES = ("1", "2", "3", "4", "5")
"""CTCAE grades."""

DOSE_UNIT = "mg"
"""The one unit of EXDOSE."""

LENGTH_UNITS = {"MM": 1, "CM": 10}
"""Units of a lesion measurement, upper case, and their millimetres."""

LESION_GROUPS = frozenset({"TARGET", "NON-TARGET", "NEW"})
"""Words of TRGRPID."""

LESION_GROUP_SPELLINGS = {
    "NON TARGET": "NON-TARGET",
    "NONTARGET": "NON-TARGET",
    "NON_TARGET": "NON-TARGET",
}
"""Spellings of a lesion group that differ in the joining character only."""

LONGEST_DIAMETER = frozenset({"LDIAM"})
SHORT_AXIS = frozenset({"SAXIS", "LPERP"})
DIAMETERS = LONGEST_DIAMETER | SHORT_AXIS
"""Tests of TR that are a length; LPERP is the short axis of a node and is unused beside the longest
diameter of any other lesion."""

NODE = "LYMPH NODE"
"""The location that makes a lesion nodal."""

STATES = frozenset(
    {
        "PRESENT",
        "ABSENT",
        "UNEQUIVOCAL PROGRESSION",
        "NOT EVALUABLE",
        "EQUIVOCAL",
        "UNEQUIVOCAL",
    }
)
"""Words of TUMSTATE."""

RESULT_WORDS = STATES | frozenset(
    {"TOO SMALL TO MEASURE", "TOO SMALL", "COALESCED", "NOT DONE", "NE"}
)
"""Words that may stand in TRORRES where a number is missing."""

BASELINE_VISITS = frozenset({"SCREENING", "BASELINE"})
"""Names of the baseline visit, upper case."""

NOT_DONE = "NOT DONE"
NOT_EVALUATED = frozenset({NOT_DONE, "NE", "NOT EVALUABLE"})
"""Words of a result that say that there is none."""
STATE = "TUMSTATE"
NEW_THERAPY = "NEW ANTICANCER THERAPY"
SURVIVAL_STATUS = "SURVSTAT"
OVERALL_RESPONSE = "OVRLRESP"
INVESTIGATOR = "INVESTIGATOR"

END_OF_TREATMENT = (
    "END OF TREATMENT",
    "TREATMENT COMPLETED",
    "TREATMENT DISCONTINUED",
    "STUDY DRUG DISCONTINUED",
    "DISCONTINUED",
    "COMPLETED",
    "ADVERSE EVENT",
    "PROGRESSIVE DISEASE",
    "DISEASE PROGRESSION",
    "DISEASE RELAPSE",
    "LACK OF EFFICACY",
    "DEATH",
    "WITHDRAWAL BY SUBJECT",
    "WITHDRAWAL OF CONSENT",
    "LOST TO FOLLOW-UP",
    "PHYSICIAN DECISION",
    "PROTOCOL DEVIATION",
    "PROTOCOL VIOLATION",
    "NON-COMPLIANCE WITH STUDY DRUG",
    "PREGNANCY",
    "STUDY TERMINATED BY SPONSOR",
    "SITE TERMINATED BY SPONSOR",
)
"""DSDECOD that ends treatment: CDISC code list NCOMPLT, and usual wordings."""
