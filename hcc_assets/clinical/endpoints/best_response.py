"""Best overall response, unconfirmed and confirmed, and the rates built on it [RECIST 1.1, 4.4,
4.6, 4.9; admiralonco's rules, recomputed].

Responses per visit come from ``recist``; time to event is in ``time_to_event``.

Clinical benefit (CBR) here: best response CR or PR, or disease assessed as CR, PR, SD or NON-CR/
NON-PD on or after day 168 (24 weeks) from first dose, before progression, new therapy and cut-off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence, Set

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.courses import Assessment, Course, build_courses
from hcc_assets.clinical.endpoints.progression import progression_free
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoints import BestResponses, ResponseRates
from hcc_assets.stats.proportions import clopper_pearson
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets.study.criteria import delivered

BENEFIT_DAYS = 168
"""24 weeks of stable disease are a clinical benefit [CLINICAL.md 4, CBR]."""

RESPONSES = ("CR", "PR")
NON_CR = "NON-CR/NON-PD"
CONTROLLED = ("CR", "PR", "SD", NON_CR)


def _without_response(
    visits: Sequence[Assessment], start: pd.Timestamp, sd_minimum_days: int
) -> str:
    """SD, NON-CR/NON-PD, PD or NE: the first that exists.

    A response that does not count still is stable disease after the minimum duration.
    """
    late = {a.response for a in visits if (a.date - start).days >= sd_minimum_days}
    if late & {"CR", "PR", "SD"}:
        return "SD"
    if NON_CR in late:
        return NON_CR
    return "PD" if any(a.response == "PD" for a in visits) else "NE"


def unconfirmed(visits: Sequence[Assessment], start: pd.Timestamp, sd_minimum_days: int) -> str:
    """BOR: the best response on record; SD and NON-CR/NON-PD only from ``sd_minimum_days`` after
    first dose."""
    words = {a.response for a in visits}
    return next((w for w in RESPONSES if w in words), None) or _without_response(
        visits, start, sd_minimum_days
    )


def _confirmation(visits: Sequence[Assessment], first: int, rules: Recist) -> Assessment | None:
    """The assessment that confirms the response at position ``first``, if any.

    CR needs a CR, PR a CR or PR, the first one at least ``confirmation_days`` later; in between
    only CR (for PR also PR, and at most ``max_sd_between`` SD) and at most ``max_ne_between`` NE;
    for PR no PR after a CR.
    """
    word = visits[first].response
    accepted = ("CR",) if word == "CR" else RESPONSES
    allowed = {"CR", "NE"} if word == "CR" else {"CR", "PR", "NE", "SD"}
    between: list[str] = []
    for later in visits[first + 1 :]:
        if (
            later.response in accepted
            and (later.date - visits[first].date).days >= rules.confirmation_days
        ):
            run = [*between, later.response]
            pr_after_cr = word == "PR" and "CR" in run and "PR" in run[run.index("CR") :]
            fits = (
                set(between) <= allowed
                and between.count("NE") <= rules.max_ne_between
                and between.count("SD") <= rules.max_sd_between
            )
            return later if fits and not pr_after_cr else None
        between.append(later.response)
    return None


def confirmed_responses(
    visits: Sequence[Assessment], rules: Recist
) -> list[tuple[Assessment, Assessment]]:
    """Pairs of a response and the assessment that confirms it, in time order."""
    pairs = [
        (a, _confirmation(visits, i, rules))
        for i, a in enumerate(visits)
        if a.response in RESPONSES
    ]
    return [(a, later) for a, later in pairs if later is not None]


def confirmed(
    visits: Sequence[Assessment], start: pd.Timestamp, sd_minimum_days: int, rules: Recist
) -> str:
    """CBOR: CR or PR only when confirmed, then SD, NON-CR/NON-PD, PD, NE as for BOR."""
    words = {a.response for a, _ in confirmed_responses(visits, rules)}
    return next((w for w in RESPONSES if w in words), None) or _without_response(
        visits, start, sd_minimum_days
    )


def first_response(course: Course, rules: Recist) -> Assessment | None:
    """The first response that counts for the headline source; None for a non-responder."""
    visits = course.until_progression()
    if rules.headline == "CBOR":
        pairs = confirmed_responses(visits, rules)
        return pairs[0][0] if pairs else None
    return next((a for a in visits if a.response in RESPONSES), None)


def _reason(
    course: Course, visits: Sequence[Assessment], best: str, early_death: bool, rules: Recist
) -> str:
    if course.no_reader:
        return "NE: several readers and none of them is the endpoint reader; data blocked"
    if course.blocked:
        return "NE: data blocked by an open E finding"
    if not visits:
        if course.assessments:
            return "NE: no assessment between first dose and progression or new therapy"
        return (
            "NE: early death, no assessment" if early_death else "NE: no post-baseline assessment"
        )
    days = {a.date: (a.date - course.start).days for a in visits}
    if best in RESPONSES:
        pair = next(
            ((a, b) for a, b in confirmed_responses(visits, rules) if a.response == best), None
        )
        if pair is not None:
            return (
                f"{best} on day {days[pair[0].date] + 1}, confirmed on day {days[pair[1].date] + 1}"
            )
        first = next(a for a in visits if a.response == best)
        return f"{best} on day {days[first.date] + 1}, not confirmed"
    if best in ("SD", NON_CR):
        return f"{best}: stable at day {rules.sd_minimum_days} after first dose or later"
    if best == "PD":
        return "PD: progression before any response or sufficient stable disease"
    if not any(a.evaluable for a in visits):
        return "NE: no evaluable post-baseline assessment" + (
            ", early death" if early_death else ""
        )
    return (
        f"NE: evaluable only before day {rules.sd_minimum_days} after first dose, without "
        "progression"
    )


def _row(course: Course, config: StudyConfig) -> dict[str, object]:
    rules = config.recist
    visits = course.until_progression()
    short = max(0, rules.sd_minimum_days - rules.visit_window_days)
    bor, cbor = (
        unconfirmed(visits, course.start, rules.sd_minimum_days),
        confirmed(visits, course.start, rules.sd_minimum_days, rules),
    )
    changes = [a.change for a in visits if not np.isnan(a.change)]
    early_death = (
        not course.blocked
        and course.death is not None
        and (course.death - course.start).days <= config.pfs.max_gap_days
    )
    response = first_response(course, rules)
    ending = progression_free(course, config.pfs.primary, config.pfs.max_gap_days)
    headline = cbor if rules.headline == "CBOR" else bor
    days = [(a.date - course.start).days for a in visits if a.response in CONTROLLED]
    controlled = max(days, default=-np.inf)
    return {
        "USUBJID": course.subject,
        "EVALUATOR": course.reader,
        "BOR": bor,
        "CBOR": cbor,
        "BOR_SHORT_SD": unconfirmed(visits, course.start, short),
        "CBOR_SHORT_SD": confirmed(visits, course.start, short, rules),
        "BEST_PCHG": min(changes) if changes else np.nan,
        "RESPDT": response.date if response else pd.NaT,
        "TTR_DAYS": (response.date - course.start).days + 1 if response else np.nan,
        "DOR_DAYS": (max(ending.date, response.date) - response.date).days + 1
        if response
        else np.nan,
        "DOR_CNSR": float(ending.censored) if response else np.nan,
        "CB24": controlled >= BENEFIT_DAYS,
        "CB24_WINDOW": controlled >= BENEFIT_DAYS - rules.visit_window_days,
        "EVALUABLE": any(a.evaluable for a in visits) or early_death,
        "N_ASSESSMENTS": len(visits),
        "BLOCKED": course.blocked,
        "REASON": _reason(course, visits, headline, early_death, rules),
    }


def derive_best_responses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    responses: pd.DataFrame,
    disposition: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date | None = None,
    blocked: Set[str] = frozenset(),
) -> pd.DataFrame:
    """Best response of the treated set by the endpoint reader.

    Parameters
    ----------
    subjects, tumour_assessments, disposition
        Frames of ``schemas.clinical``.
    responses
        Result of ``recist.derive_responses`` for the same inputs.
    config
        ``[recist]`` windows, headline and endpoint reader; ``[pfs]`` primary and max_gap_days (end
        of a response, early death).
    cutoff
        Records after this date are ignored; default: ``study.data_cutoff``.
    blocked
        Subjects with an open E finding in their tumour data: NE, in the treated set.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.BestResponses``, one row per treated subject and criterion: the
        endpoint's, and the others of ``recist.criteria`` that have assessments.
    """
    rows = [
        {"CRITERION": criterion, **_row(course, config)}
        for criterion in delivered(tumour_assessments, config.recist.criteria)
        for course in build_courses(
            *(subjects, tumour_assessments, responses, disposition, config),
            criterion=criterion,
            cutoff=cutoff,
            blocked=blocked,
        )
    ]
    return conform(BestResponses, pd.DataFrame(rows)) if rows else empty(BestResponses)


def response_rates(
    best: pd.DataFrame, config: StudyConfig | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Response, disease control and clinical benefit rates with Clopper-Pearson intervals.

    Parameters
    ----------
    best
        ``schemas.endpoints.BestResponses``.
    config
        Not needed for the numbers; accepted so that every endpoint function is called alike.
    level
        Confidence level, two-sided.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.ResponseRates``: ORR, DCR and CBR by BOR and CBOR, for all treated and
        for the evaluable; null without subjects.
    """
    tables = [
        _rates(mine, level).assign(CRITERION=criterion)
        for criterion, mine in best.groupby("CRITERION", sort=False)
    ]
    return conform(ResponseRates, pd.concat(tables)) if tables else empty(ResponseRates)


def _rates(best: pd.DataFrame, level: float) -> pd.DataFrame:
    rows = []
    for measure in ("ORR", "DCR", "CBR"):
        for source in ("BOR", "CBOR"):
            has = early = best[source].isin(CONTROLLED if measure == "DCR" else RESPONSES)
            if measure == "CBR":
                has, early = has | best["CB24"], has | best["CB24_WINDOW"]
            for population in ("TREATED", "EVALUABLE"):
                among = best["EVALUABLE"].astype(bool) | (population == "TREATED")
                x, n = int((has & among).sum()), int(among.sum())
                low, high = clopper_pearson(x, n, level)
                rows.append(
                    {
                        "measure": measure,
                        "source": source,
                        "population": population,
                        "x": x,
                        "n": n,
                        "pct": 100 * x / n if n else np.nan,
                        "lcl": 100 * low,
                        "ucl": 100 * high,
                        "n_blocked": int(best["BLOCKED"].astype(bool).sum()),
                        "n_short_cb": int((among & early & ~has).sum()),
                        "n_short_sd": int(
                            (among & (best[source] != best[f"{source}_SHORT_SD"])).sum()
                        ),
                    }
                )
    return pd.DataFrame(rows)
