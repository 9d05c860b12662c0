"""Recipes of the clinical endpoints: responses, rates, time to event, safety. Rules are in ``clinical`` and ``stats``, pictures in ``endpoint_figures``."""

from __future__ import annotations

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe
from hcc_assets.defs import endpoint_figures as figures
from hcc_assets.home.versions import CheckRecord
from hcc_assets.schemas import endpoint_summaries
from hcc_assets.schemas import endpoints as models
from hcc_assets.schemas import safety as safety_models
from hcc_assets.schemas.exposure import ExposureSummary

_SETTINGS = ("study", "recist", "pfs")


def _blocked(ask: Ask, *, each_reader: bool = False) -> frozenset[str]:
    """Subjects whose tumour data are blocked; ``each_reader``: in what is derived for every reader."""
    from hcc_assets.clinical.checks import READERS_KEPT, blocked

    return blocked(
        ask.frame("clinical_checks", "issues"),
        ("DM", "EX", "TR"),
        leave_out=READERS_KEPT if each_reader else frozenset(),
    )


def _told(blocked: frozenset[str]) -> CheckRecord:
    return CheckRecord(
        name="no_subject_blocked",
        passed=not blocked,
        severity="WARN",
        affected=len(blocked),
        description=f"{len(blocked)} subjects are blocked by data issues and count as not evaluable"
        if blocked
        else "no subject is blocked by a data issue",
    )


_BLOCK_CHECK = Check(
    "no_subject_blocked",
    "No subject is blocked by a data issue",
    "WARN",
    todo="See data_issues; send the query letters.",
)


def _responses(ask: Ask) -> Output:
    from hcc_assets.clinical.recist.responses import derive_responses

    held_back = _blocked(ask, each_reader=True)
    table = derive_responses(
        ask.table("subjects"),
        ask.table("tumour_assessments"),
        ask.config,
        cutoff=ask.cutoff,
        blocked=held_back,
    )
    return Output(table=table, checks=[_told(held_back)])


def _best_responses(ask: Ask) -> Output:
    from hcc_assets.clinical.endpoints.best_response import derive_best_responses

    held_back = _blocked(ask)
    table = derive_best_responses(
        ask.table("subjects"),
        ask.table("tumour_assessments"),
        ask.table("responses"),
        ask.table("disposition"),
        ask.config,
        cutoff=ask.cutoff,
        blocked=held_back,
    )
    return Output(table=table, checks=[_told(held_back)])


def _response_rates(ask: Ask) -> Output:
    from hcc_assets.clinical.endpoints.best_response import response_rates

    return Output(table=response_rates(ask.table("best_responses"), ask.config))


def _time_to_event(ask: Ask) -> Output:
    from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event

    held_back = _blocked(ask)
    table = derive_time_to_event(
        ask.table("subjects"),
        ask.table("tumour_assessments"),
        ask.table("responses"),
        ask.table("disposition"),
        ask.config,
        cutoff=ask.cutoff,
        blocked=held_back,
    )
    return Output(table=table, checks=[_told(held_back)])


def _pfs_summary(ask: Ask) -> Output:
    from hcc_assets.stats.kaplan_meier import summarise

    return Output(table=summarise(ask.table("time_to_event"), ask.config))


def _follow_up(ask: Ask) -> Output:
    from hcc_assets.stats.kaplan_meier import follow_up

    return Output(table=follow_up(ask.table("time_to_event")))


def _simon(ask: Ask) -> Output:
    from hcc_assets.stats.simon import monitor

    return Output(
        table=monitor(ask.table("best_responses"), ask.table("time_to_event"), ask.config)
    )


def _left_out(ask: Ask) -> frozenset[int]:
    from hcc_assets.clinical.checks import rows_left_out

    return rows_left_out(ask.frame("clinical_checks", "issues"))


def _ae_summary(ask: Ask) -> Output:
    from hcc_assets.clinical.safety.summaries import ae_summary

    rows = _left_out(ask)
    table = ae_summary(
        ask.table("subjects"),
        ask.table("exposure"),
        ask.table("adverse_events"),
        ask.config,
        cutoff=ask.cutoff,
        left_out_rows=rows,
        disposition=ask.table("disposition"),
    )
    record = CheckRecord(
        name="no_row_left_out",
        passed=not rows,
        severity="WARN",
        affected=len(rows),
        description=f"{len(rows)} adverse event rows are left out for errors",
    )
    return Output(table=table, checks=[record])


def _ae_listings(ask: Ask) -> Output:
    from hcc_assets.clinical.safety.summaries import ae_listings

    return Output(
        table=ae_listings(
            ask.table("subjects"),
            ask.table("exposure"),
            ask.table("adverse_events"),
            ask.config,
            cutoff=ask.cutoff,
            left_out_rows=_left_out(ask),
        )
    )


def _aesi_summary(ask: Ask) -> Output:
    from hcc_assets.clinical.safety.summaries import aesi_summary

    table = aesi_summary(
        ask.table("subjects"),
        ask.table("exposure"),
        ask.table("adverse_events"),
        ask.config,
        cutoff=ask.cutoff,
        left_out_rows=_left_out(ask),
    )
    return Output(table=table)


def _exposure_summary(ask: Ask) -> Output:
    from hcc_assets.clinical.safety.exposure import exposure_summary

    return Output(
        table=exposure_summary(
            ask.table("subjects"), ask.table("exposure"), ask.config, cutoff=ask.cutoff
        )
    )


ENDPOINT_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="responses",
        compute=_responses,
        group="endpoints",
        inputs=("subjects", "tumour_assessments", "clinical_checks"),
        model=models.Responses,
        settings=_SETTINGS,
        checks=(_BLOCK_CHECK,),
        figures=figures.response_figures,
        description="Response of every subject, reader and visit, derived from lesions by RECIST 1.1 in exact arithmetic. Each row says why.",
    ),
    Recipe(
        name="best_responses",
        compute=_best_responses,
        group="endpoints",
        inputs=("subjects", "tumour_assessments", "responses", "disposition", "clinical_checks"),
        model=models.BestResponses,
        settings=_SETTINGS,
        checks=(_BLOCK_CHECK,),
        figures=figures.best_figures,
        description="Best overall response, unconfirmed and confirmed, of every treated subject. Read by the endpoint reader of study.toml.",
    ),
    Recipe(
        name="response_rates",
        compute=_response_rates,
        group="endpoints",
        inputs=("best_responses",),
        model=models.ResponseRates,
        settings=_SETTINGS,
        description="ORR, DCR and CBR with exact Clopper-Pearson intervals. For the treated and the evaluable population.",
    ),
    Recipe(
        name="time_to_event",
        compute=_time_to_event,
        group="endpoints",
        inputs=("subjects", "tumour_assessments", "responses", "disposition", "clinical_checks"),
        optional=("exposure", "best_responses"),
        model=models.TimeToEvent,
        settings=_SETTINGS,
        checks=(_BLOCK_CHECK,),
        figures=figures.time_figures,
        description="PFS under both policies, OS, DOR and TTR of every treated subject. With the reason for each censoring and the source row.",
    ),
    Recipe(
        name="pfs_summary",
        compute=_pfs_summary,
        group="endpoints",
        inputs=("time_to_event",),
        model=endpoint_summaries.PfsSummary,
        settings=_SETTINGS,
        description="Kaplan-Meier medians and landmark rates with log-log intervals and numbers at risk. Not estimable is empty, never a guess.",
    ),
    Recipe(
        name="follow_up",
        compute=_follow_up,
        group="endpoints",
        inputs=("time_to_event",),
        model=endpoint_summaries.FollowUp,
        settings=_SETTINGS,
        description="How long subjects were followed, by reverse Kaplan-Meier. Over treated subjects.",
    ),
    Recipe(
        name="simon_monitoring",
        compute=_simon,
        group="endpoints",
        inputs=("best_responses", "time_to_event"),
        model=endpoint_summaries.SimonMonitoring,
        settings=("recist", "simon"),
        description="Two-stage monitoring where study.toml has a design. Empty without one.",
    ),
    Recipe(
        name="ae_summary",
        compute=_ae_summary,
        group="endpoints",
        inputs=("subjects", "exposure", "adverse_events", "clinical_checks"),
        optional=("disposition",),
        model=safety_models.AeSummary,
        settings=("study", "safety", "treatment"),
        checks=(
            Check(
                "no_row_left_out",
                "No adverse event row is left out for an error",
                "WARN",
                todo="See data_issues for the rows.",
            ),
        ),
        figures=figures.ae_figures,
        description="Treatment-emergent adverse events by incidence, severity and outcome. Each patient counts once at the maximum grade.",
    ),
    Recipe(
        name="aesi_summary",
        compute=_aesi_summary,
        group="endpoints",
        inputs=("subjects", "exposure", "adverse_events", "clinical_checks"),
        model=safety_models.AesiSummary,
        settings=("study", "safety"),
        description="Events of special interest: how many resolved, how many did not, what was done. Terms are those of study.toml.",
    ),
    Recipe(
        name="ae_listings",
        compute=_ae_listings,
        group="endpoints",
        inputs=("subjects", "exposure", "adverse_events", "clinical_checks"),
        model=safety_models.AeListings,
        settings=("study", "safety"),
        description="Serious and fatal events and withdrawals, one row each. Verbatim terms are left out.",
    ),
    Recipe(
        name="exposure_summary",
        compute=_exposure_summary,
        group="endpoints",
        inputs=("subjects", "exposure"),
        model=ExposureSummary,
        settings=("study", "treatment"),
        figures=figures.exposure_figures,
        description="Duration, cumulative dose and dose intensity of every treated subject. Interruptions and reductions are counted.",
    ),
)
