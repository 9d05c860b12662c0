"""Names of SDTM variables by domain (SDTM 2.0, SDTMIG 3.4), so that a column which is not read can
be told from one that nobody knows.

What each table of the study takes is in ``DOMAINS``. Words inside the columns are in ``codelists``;
how a delivery is judged is in ``clinical``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DomainSpec:
    """Columns that the platform takes from one domain.

    Attributes
    ----------
    required, optional
        Column names of the contract. An absent required column stops the table, an absent optional
        one becomes null.
    quiet
        Further columns taken where they are there and not missed where they are not.
    numbers
        Columns that hold a number.
    dates
        Columns that hold an ISO 8601 date, whole or partial.
    verbatim
        Free text, kept letter by letter (only non-breaking spaces become spaces).
    upper
        Columns of controlled words, read in upper case.
    results
        Results, which are a number or a word; a decimal comma in one is read as in a number.
    must_have_rows
        An empty table is refused.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    verbatim: tuple[str, ...] = ()
    upper: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    must_have_rows: bool = False

    @property
    def taken(self) -> tuple[str, ...]:
        """All columns that the platform reads from this domain."""
        return self.required + self.optional + self.quiet


SERIOUSNESS = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")
"""Criteria of a serious adverse event, each Y or N."""

DOMAINS: dict[str, DomainSpec] = {
    "dm": DomainSpec(
        required=("USUBJID",),
        optional=("RFICDTC", "AGE", "SEX", "DTHDTC", "DTHFL", "ARM"),
        quiet=("SITEID", "DTHCAUS"),
        numbers=("AGE",),
        dates=("RFICDTC", "DTHDTC"),
        verbatim=("ARM", "DTHCAUS"),
        upper=("SEX", "DTHFL"),
        must_have_rows=True,
    ),
    "ex": DomainSpec(
        required=("USUBJID", "EXDOSE", "EXSTDTC"),
        optional=("EXSEQ", "EXTRT", "EXDOSU", "EXDOSFRQ", "EXENDTC", "EXADJ"),
        numbers=("EXSEQ", "EXDOSE"),
        dates=("EXSTDTC", "EXENDTC"),
        verbatim=("EXADJ",),
        upper=("EXTRT", "EXDOSFRQ"),
        must_have_rows=True,
    ),
    "tr": DomainSpec(
        required=("USUBJID", "VISITNUM", "TRDTC", "TRLNKID", "TRGRPID", "TRTESTCD", "TRORRES"),
        optional=(
            *(
                "VISIT",
                "TRORRESU",
                "TRSTRESN",
                "TRSTRESU",
                "TRSTAT",
                "TRREASND",
                "TRMETHOD",
                "TREVAL",
                "TREVALID",
                "TRACPTFL",
                "TULOC",
            ),
        ),
        quiet=("TRCAT",),
        numbers=("VISITNUM", "TRSTRESN"),
        dates=("TRDTC",),
        verbatim=("TRREASND",),
        upper=(
            *("TRLNKID", "TRGRPID", "TRTESTCD", "TRORRES", "TRSTAT", "TRMETHOD", "TRACPTFL"),
            *("TULOC", "TRCAT"),
        ),
        results=("TRORRES",),
    ),
    "ae": DomainSpec(
        required=("USUBJID", "AEDECOD", "AESTDTC"),
        optional=(
            "AESEQ",
            "AETERM",
            "AEBODSYS",
            "AEENDTC",
            "AETOXGR",
            "AESEV",
            "AEOUT",
            "AEREL",
            "AESER",
            "AEACN",
            *SERIOUSNESS,
        ),
        numbers=("AESEQ",),
        dates=("AESTDTC", "AEENDTC"),
        verbatim=("AETERM",),
        upper=("AESEV", "AEOUT", "AESER", "AEACN", *SERIOUSNESS),
    ),
    "tu": DomainSpec(
        required=("USUBJID", "TULNKID", "TULOC"),
        optional=("TUEVAL", "TUEVALID", "TUORRES"),
        upper=("TULNKID", "TULOC", "TUORRES"),
    ),
    "rs": DomainSpec(
        required=("USUBJID", "VISITNUM", "RSTESTCD", "RSSTRESC"),
        optional=("RSDTC", "RSEVAL", "RSEVALID"),
        quiet=("RSCAT", "RSACPTFL"),
        numbers=("VISITNUM",),
        dates=("RSDTC",),
        upper=("RSTESTCD", "RSSTRESC", "RSCAT", "RSACPTFL"),
    ),
    "ds": DomainSpec(
        required=("USUBJID",),
        optional=("DSDECOD", "DSSTDTC"),
        quiet=("DSSCAT",),
        dates=("DSSTDTC",),
        upper=("DSDECOD", "DSSCAT"),
    ),
    "cm": DomainSpec(
        required=("USUBJID",),
        optional=("CMCAT", "CMSTDTC"),
        quiet=("CMDECOD",),
        dates=("CMSTDTC",),
        upper=("CMCAT", "CMDECOD"),
    ),
    "pr": DomainSpec(
        required=("USUBJID",),
        optional=("PRTRT", "PRCAT", "PRSTDTC"),
        dates=("PRSTDTC",),
        upper=("PRTRT", "PRCAT"),
    ),
    "ss": DomainSpec(
        required=("USUBJID",),
        optional=("SSTESTCD", "SSSTRESC", "SSDTC"),
        dates=("SSDTC",),
        upper=("SSTESTCD", "SSSTRESC"),
    ),
    "lb": DomainSpec(
        required=("USUBJID", "LBTESTCD", "LBDTC"),
        optional=(
            *("LBORRES", "LBORRESU", "LBSTRESN", "LBSTRESU", "LBORNRLO", "LBORNRHI"),
            *("LBSTNRLO", "LBSTNRHI", "VISITNUM", "VISIT", "LBSPEC", "LBFAST", "LBBLFL"),
        ),
        quiet=("LBSEQ", "LBSTRESC", "LBSTAT"),
        numbers=("LBSEQ", "LBSTRESN", "LBSTNRLO", "LBSTNRHI", "VISITNUM"),
        dates=("LBDTC",),
        upper=("LBTESTCD", "LBORRES", "LBSTRESC", "LBSPEC", "LBFAST", "LBBLFL", "LBSTAT"),
        results=("LBORRES", "LBSTRESC", "LBORNRLO", "LBORNRHI"),
    ),
    "vs": DomainSpec(
        required=("USUBJID", "VSTESTCD", "VSDTC"),
        optional=(*("VSORRES", "VSORRESU", "VSSTRESN", "VSSTRESU", "VISITNUM", "VISIT", "VSBLFL"),),
        quiet=("VSSEQ", "VSSTRESC", "VSSTAT"),
        numbers=("VSSEQ", "VSSTRESN", "VISITNUM"),
        dates=("VSDTC",),
        upper=("VSTESTCD", "VSORRES", "VSSTRESC", "VSBLFL", "VSSTAT"),
        results=("VSORRES", "VSSTRESC"),
    ),
    "sc": DomainSpec(
        required=("USUBJID",),
        optional=("SCTESTCD", "SCORRES"),
        quiet=("SCTEST", "SCCAT", "SCSTRESC", "SCDTC", "VISITNUM", "VISIT", "SCSTAT"),
        numbers=("VISITNUM",),
        dates=("SCDTC",),
        upper=("SCTESTCD", "SCTEST", "SCCAT", "SCORRES", "SCSTRESC", "SCSTAT"),
        results=("SCORRES", "SCSTRESC"),
    ),
    "qs": DomainSpec(
        required=("USUBJID",),
        optional=("QSTESTCD", "QSORRES"),
        quiet=(*("QSTEST", "QSCAT", "QSSTRESC", "QSDTC", "VISITNUM", "VISIT", "QSSTAT", "QSBLFL"),),
        numbers=("VISITNUM",),
        dates=("QSDTC",),
        upper=("QSTESTCD", "QSTEST", "QSCAT", "QSORRES", "QSSTRESC", "QSSTAT", "QSBLFL"),
        results=("QSORRES", "QSSTRESC"),
    ),
}
"""What the platform reads, by domain."""

REQUIRED_DOMAINS = ("dm", "ex", "tr", "ae")
"""Domains that every export has; ``tr`` and ``ae`` may be header-only."""

IDENTIFIERS = frozenset(
    {"USUBJID", "TRLNKID", "TULNKID", "SITEID", "TREVALID", "TUEVALID", "RSEVALID"}
)
"""Columns that are keys: a number of a binary format is written there without decimals."""

_IDENTIFYING = (
    "STUDYID DOMAIN USUBJID SUBJID SPDEVID NHOID FETUSID POOLID APID RSUBJID SREL SITEID "
    "FOCID SUBJECTID"
)
_TIMING = (
    "VISIT VISITNUM VISITDY TAETORD EPOCH RPHASE RPPLDY RPPLSTDY RPPLENDY MIDS RELMIDS MIDSDTC"
)
_GENERAL = "SEQ GRPID REFID RECID SPID LNKID LNKGRP BEATNO"
_GENERAL_TIMING = """
    DTC STDTC ENDTC DY STDY ENDY NOMDY NOMLBL RPDY RPSTDY RPENDY XDY XSTDY XENDY CHDTC DUR PDUR TPT
    TPTNUM ELTM TPTREF RFTDTC STRF ENRF EVLINT EVINTX STRTPT STTPT ENRTPT ENTPT STINT ENINT DETECT
    PTFL USCHFL
"""
_INTERVENTIONS = """
    TRT MODIFY DECOD MOOD CAT SCAT PRESP OCCUR STAT REASND REASOC INDC CLAS CLASCD DOSE DOSTXT DOSU
    DOSFRM DOSFRQ DOSTOT DOSRGM ROUTE LOT LOC LAT DIR PORTOT FAST PSTRG PSTRGU TRTV VAMT VAMTU ADJ
    RSDISC METHOD
"""
_EVENTS = """
    TERM MODIFY LLT LLTCD DECOD PTCD HLT HLTCD HLGT HLGTCD CAT SCAT PRESP OCCUR STAT REASND BODSYS
    BDSYCD SOC SOCCD LOC LAT DIR PORTOT PARTY PRTYID SEV SER ACN ACNOTH ACNDEV REL RELNST RLDEV PATT
    OUT SCAN SCONG SDISAB SDTH SHOSP SLIFE SOD SMIE SINTV UNANT RLPRT RLPRC CONTRT TOX TOXGR
"""
_FINDINGS = """
    TESTCD TEST MODIFY TSTDTL TSTCND TSTOPO MSCBCE CAT SCAT POS BODSYS ORRES ORRESU ORNRLO ORNRHI
    ORREF STRESC STRESN STRESU STNRLO STNRHI STNRC STREFC STREFN NRIND RESCAT RESLOC CHRON DISTR
    STAT REASND XFN NAM LOINC SPEC ANTREG SPCCND SPCUFL LOC LAT DIR PORTOT METHOD RUNID ANMETH
    TMTHSN LEAD CSTATE BLFL LOBXFL FAST DRVFL EVAL EVALID ACPTFL REPNUM TOX TOXGR SEV DTHREL LLOQ
    ULOQ EXCLFL REASEX CLSIG AGENT CONC CONCU CLMETH
"""
_DM = """
    RFSTDTC RFENDTC RFXSTDTC RFXENDTC RFCSTDTC RFCENDTC RFICDTC RFPENDTC DTHDTC DTHFL SITEID INVID
    INVNAM BRTHDTC AGE AGETXT AGEU SEX RACE ETHNIC SPECIES STRAIN SBSTRAIN ARMCD ARM ACTARMCD ACTARM
    ARMNRS ACTARMUD SETCD COUNTRY DMDTC DMDY DMXFN ENRLDTC ECOG BCLC CHILD ETIOL AFP MVI EHS PRIORLN
    DTHCAUS LSTALVDT DCUTDT NACTDT
"""
# _DM ends with variables of the enrolment table (ECOG, BCLC, …), which sites send beside SDTM.
_CLASS = {
    "dm": "",
    "ex": _INTERVENTIONS,
    "cm": _INTERVENTIONS,
    "pr": _INTERVENTIONS,
    "ae": _EVENTS,
    "ds": _EVENTS,
    "tr": _FINDINGS,
    "tu": _FINDINGS,
    "rs": _FINDINGS,
    "ss": _FINDINGS,
    "lb": _FINDINGS,
    "vs": _FINDINGS,
    "sc": _FINDINGS,
    "qs": _FINDINGS,
}


def sdtm_variables(domain: str) -> frozenset[str]:
    """Names of the SDTM variables of a domain that the platform does not read and does not report.

    Parameters
    ----------
    domain
        Lower-case domain code.
    """
    code = domain.upper()
    names = set(f"{_IDENTIFYING} {_TIMING}".split())
    names |= {code + part for part in f"{_GENERAL} {_GENERAL_TIMING} {_CLASS[domain]}".split()}
    if domain == "dm":
        names |= set(_DM.split())
    return frozenset(names) | frozenset(DOMAINS[domain].taken)
