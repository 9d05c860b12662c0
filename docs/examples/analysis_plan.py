"""The section "For the statistical analysis plan" of docs/statistician.md, written from settings.

``python docs/examples/analysis_plan.py study.toml`` writes it for a study; without a file for the
defaults. Numbers are those of the settings and of the code that uses them.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from hcc_assets.clinical.checks.run import ROWS_NOT_COUNTED
from hcc_assets.clinical.endpoints.best_response import BENEFIT_DAYS
from hcc_assets.clinical.laboratory.liver import HY_ALP, HY_ALT, HY_BILI
from hcc_assets.clinical.treatment.course import LAG_DAYS
from hcc_assets.stats.associations import MIN_EVENTS, MIN_GROUP
from hcc_assets.stats.kaplan_meier import DAYS_PER_MONTH
from hcc_assets.stats.second_engine.comparison import TOLERANCE
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets.study.partial_dates import PARTIAL_DATES

WIDTH = 100
"""Characters of a line, as of the code."""
LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
Said = list[str]


def section(config: StudyConfig | None = None) -> str:
    """Markdown of the section below its heading: a title per topic, a point per sentence."""
    study = config or StudyConfig()
    topics = {
        "Populations": populations(study),
        "Response": response(study),
        "Time to event": time_to_event(study),
        "Estimators and intervals": estimators(study),
        "Composition and expression of biopsies": biopsies(study),
        "Safety": safety(study),
        "Multiplicity": multiplicity(study),
        "Sensitivity analyses": sensitivity(study),
        "Missing data": missing(study),
        "Partial dates": partial_dates(),
        "Software": software(),
    }
    parts = []
    for title, said in topics.items():
        points = [
            textwrap.fill(
                one, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
            )
            for one in said
        ]
        parts.append("\n".join([f"### {title}", "", *points]))
    return "\n\n".join(parts) + "\n"


def _headline(study: StudyConfig) -> str:
    return "confirmed" if study.recist.headline == "CBOR" else "unconfirmed"


def populations(study: StudyConfig) -> Said:
    cutoff = study.study.data_cutoff or "the date of the clinical export"
    return [
        f"The data cut-off is {cutoff}. Later records are not used.",
        "The treated population is every subject with at least one dose above 0 mg on or before "
        "the cut-off. It is the population of all efficacy endpoints, and the safety population.",
        "The evaluable population is the treated subjects with at least one evaluable tumour "
        "assessment from the first dose up to progression or a new anticancer therapy, or who "
        f"died within {study.pfs.max_gap_days} days of the first dose. Response rates are given "
        "for both.",
        "Baseline characteristics are of the treated population; who has no answer is counted as "
        "missing. The flow of subjects begins with all enrolled.",
    ]


def response(study: StudyConfig) -> Said:
    rules = study.recist
    first, *others = rules.criteria
    more = f", and by {others[0]} from its own measurements where these exist" if others else ""
    back = "is progression" if rules.node_reappearance == "any" else "is judged by 20 % and 5 mm"
    said = [
        f"Response is derived from the measured lesions by {first}{more}. Reported responses are "
        "compared with it and not used.",
        f"The reader is {rules.endpoint_reader}; where a subject does not have this reader, the "
        "only one there is, or the one that is marked as accepted at every visit.",
        "Baseline is the visit of that name, else the last complete assessment on or before the "
        "first dose.",
        "Thresholds are exact: PR is a sum at least 30 % below baseline, PD one at least 20 % and "
        "at least 5 mm above the smallest earlier sum.",
        f"After CR a node that measures 10 mm again {back}.",
        "Best overall response is the first that exists of CR, PR, SD, NON-CR/NON-PD, PD and NE "
        "from the first dose to the first progression, new anticancer therapy or cut-off, all "
        f"inclusive. SD and NON-CR/NON-PD need an assessment {rules.sd_minimum_days} days after "
        "the first dose or later.",
        f"A response is confirmed by an assessment at least {rules.confirmation_days} days later, "
        f"with at most {rules.max_ne_between} NE and at most {rules.max_sd_between} SD between. "
        f"The {_headline(study)} best response is the headline; both are reported.",
        "ORR is the proportion with CR or PR. DCR is the proportion with CR, PR, SD or "
        "NON-CR/NON-PD. CBR is the proportion with CR or PR, or with disease control on or after "
        f"day {BENEFIT_DAYS} and before progression and new therapy.",
    ]
    if rules.sticky_pr:
        said.append("A confirmed PR is kept until progression.")
    if rules.afp_for_cr:
        said.append("A subject with AFP above its limit of normal has no CR.")
    return said


def time_to_event(study: StudyConfig) -> Said:
    gap = study.pfs.max_gap_days
    return [
        "Times run from the first dose, DOR from the first response. A time is the last day minus "
        f"the first plus 1, a month is {DAYS_PER_MONTH} days.",
        f"The primary PFS is `{study.pfs.primary}`.",
        "PFS by treatment policy (`PFS_TP`): the event is progression or death, whichever comes "
        "first, at any time. Without one, PFS is censored at the last evaluable assessment, on "
        "day 1 where there is none.",
        "PFS with FDA-style censoring (`PFS_FDA`): as above, but an event later than the day of a "
        "new anticancer therapy is censored at the last evaluable assessment up to that day, and "
        f"an event more than {gap} days after the last evaluable assessment (or the first dose) "
        "is censored at that assessment.",
        "TTP: the event is progression. Without it, also with a death, TTP is censored at the last "
        "evaluable assessment.",
        "OS: the event is death. Others are censored on the last day on which they were known to "
        "be alive; at the cut-off if they were seen, or died, later.",
        f"DOR: of subjects with a response ({_headline(study)}), from the first one to the end of "
        "the primary PFS. TTR: of the same, to the first response.",
        "An NE assessment is no evaluable assessment. A new anticancer therapy is a record of CM "
        "or PR with a word of `therapy.new_anticancer`, on or after the first dose.",
    ]


def estimators(study: StudyConfig) -> Said:
    landmarks = ", ".join(f"{m:g}" for m in study.pfs.landmarks_months)
    flat = "the middle" if study.pfs.median_rule == "midpoint" else "the left end"
    said = [
        "Intervals are two-sided, with a level of 95 %.",
        "Rates: exact interval of Clopper and Pearson.",
        "Times: Kaplan-Meier. Median and quartiles have limits read off the log-log band; where "
        f"the curve is flat at the quantile, {flat} of that stretch is the estimate. Survival at "
        f"{landmarks} months has Greenwood's error and log-log limits.",
        "Follow-up: median by reverse Kaplan-Meier.",
        "A statistic that cannot be estimated is reported as NE beside its n.",
    ]
    if study.simon is not None:
        s = study.simon
        said.append(
            f"The design has two stages (Simon 1989). It stops after {s.n1} subjects with {s.r1} "
            f"or fewer responses, and the treatment is promising with more than {s.r} of {s.n}. "
            "The estimate and interval that respect the design (Jung and Kim 2004) stand beside "
            "those that do not."
        )
    return said


def biopsies(study: StudyConfig) -> Said:
    cells = study.single_cell
    pairs = " and ".join(f"{a} with {b}" for a, b in study.samples.contrasts)
    return [
        f"Timepoints are compared within patients and within one tissue: {pairs}. The patient is "
        "the replicate.",
        f"A biopsy with fewer than {cells.min_cells_per_sample} passing cells is left out. With "
        f"fewer than {cells.min_pairs} patients there is no test.",
        "The registered estimand is the change of the share of a class: its median over patients, "
        "and the Hodges-Lehmann estimate with the exact interval and p value of the signed-rank "
        "test.",
        "Whether a class changed against those that stayed is tested by a paired t test of its "
        "log ratio to a reference of the classes that changed alike; the doubt of cell calls is in "
        "its error, and a verdict says whether every admissible reference agrees. The primary "
        f"denominator is `{cells.primary_denominator}`.",
        "Expression is compared on pseudobulks of at least "
        f"{cells.min_cells_pseudobulk} cells: mean paired difference of log2 counts per million, "
        "moderated t. Gene programs are pre-registered.",
    ]


def safety(study: StudyConfig) -> Said:
    labs = study.labs
    weeks = 2 * study.recist.visit_interval_days
    return [
        "Treatment ends by an end of treatment in DS, by death or by withdrawal, and the last day "
        "is the last dose. Where dosing was entered only up to more than "
        f"{LAG_DAYS} days before such an end, without an interruption, the last day is that end. "
        "Without an end the last day is the cut-off; where DS is not delivered and the last record "
        f"is older than {weeks} days, it is that of the last record.",
        "An adverse event is treatment-emergent when it starts from the first dose to "
        f"{study.safety.teae_window_days} days after the last day of treatment. A worsening that "
        "has a row of its own is an event of its own.",
        "A patient is counted once in a line, at the maximum grade. Percentages are of the safety "
        "population.",
        "The exposure-adjusted incidence is patients with a first event per 100 patient-years at "
        "risk, with exact Poisson limits. Risk ends with the event, death, the cut-off, or "
        f"{study.safety.teae_window_days} days after treatment.",
        f"Laboratory values are graded by CTCAE {labs.ctcae_version}; liver tests against the "
        "baseline where that was above its upper limit.",
        f"A possible case of Hy's law is ALT or AST above {HY_ALT:g} times (the upper limit, or an "
        f"abnormal baseline) and bilirubin above {HY_BILI:g} times the upper limit within "
        f"{labs.hys_law_days} days, without ALP of {HY_ALP:g} times its limit from the one to the "
        "other.",
    ]


def multiplicity(study: StudyConfig) -> Said:
    tested = (
        "are estimated and not tested"
        if study.simon is None
        else "are estimated; the decision of the two-stage design is the only test"
    )
    return [
        f"Efficacy and safety {tested}. Their intervals are not adjusted.",
        "Composition: p values of the log ratio are adjusted by Benjamini and Hochberg over the "
        f"{len(PRIMARY_CLASSES)} primary classes of the primary denominator within one "
        "comparison. Those of the registered estimand are given as they are.",
        "Expression: genes are adjusted within a class, and beside it over all classes; programs "
        "over all programs and classes.",
        "Associations of biopsies with response (exact Mann-Whitney) and PFS (Cox) are "
        "exploratory. They are adjusted within outcome and family of features, and given from "
        f"{study.single_cell.min_pairs} patients, {MIN_GROUP} in each group and {MIN_EVENTS} "
        "events on.",
    ]


def sensitivity(study: StudyConfig) -> Said:
    rules = study.recist
    other = "PFS_FDA" if study.pfs.primary == "PFS_TP" else "PFS_TP"
    short = max(0, rules.sd_minimum_days - rules.visit_window_days)
    second = "unconfirmed" if rules.headline == "CBOR" else "confirmed"
    said = [
        f"Response: {second} best response; evaluable population; SD from day {short} and benefit "
        f"from day {BENEFIT_DAYS - rules.visit_window_days} (shortened by the visit window).",
        f"PFS: `{other}`; the median by the other rule for a flat stretch, where it differs.",
        "Response and PFS: best and worst over every resolution of the open data errors.",
        "Composition: other denominators, a second reference, centred log ratio, posterior log "
        "abundance, a mixed model with unpaired biopsies, merged classes, doublets and small "
        "biopsies in, calls made without the genes of the drug's targets.",
        "Expression: PyDESeq2, on request.",
    ]
    if len(rules.criteria) > 1:
        said.insert(
            2,
            f"{rules.criteria[1]}, where it is assessed: every endpoint but OS, and the "
            f"concordance of best response with {rules.criteria[0]}.",
        )
    return said


def missing(study: StudyConfig) -> Said:
    left_out = " and ".join(sorted(ROWS_NOT_COUNTED))
    return [
        "No response is imputed. A missing target makes a visit NE, unless the measured ones show "
        "progression. A subject without a response that counts is NE, and in the denominator.",
        "A subject with an unresolved error in demography, dosing or the baseline assessment is "
        "NE, and PFS is censored on day 1 unless the subject died. Their number is reported. "
        "An error in a later measurement makes that lesion not evaluable at that visit.",
        "Adverse events: without a start they are treatment-emergent, unless they ended before the "
        "first dose; without a grade they are in the any-grade line and in one of their own; "
        "without causality they are related; without an outcome they are told apart. Not counted "
        f"are exact copies and events of unknown subjects (checks {left_out}).",
        "A laboratory value without the unit or range that a grade needs has no grade.",
        "Paired analyses take the patients with both biopsies; the mixed model takes the others in "
        "as missing at random. Missing biopsies are tabulated by response.",
    ]


def partial_dates() -> Said:
    first, last = (
        ", ".join(name for name, rule in PARTIAL_DATES.items() if rule.side == side)
        for side in ("first", "last")
    )
    moved = "; ".join(
        f"{name} not before {rule.not_before}" + (f" unless {rule.unless}" if rule.unless else "")
        for name, rule in PARTIAL_DATES.items()
        if rule.not_before
    )
    return [
        f"The first possible day stands for a partial {first}; the last possible day for a "
        f"partial {last}.",
        f"Within the same month or year: {moved}. A partial death is not before the last contact.",
        "Imputed dates are flagged. Time to onset and duration of adverse events rest on whole "
        "dates only.",
    ]


def software() -> Said:
    locked: dict[str, str] = {}
    for name, version in re.findall(r"(?m)^([a-z0-9-]+)==([\d.]+)", LOCK.read_text("utf-8")):
        locked.setdefault(name, version)
    names = ("numpy", "pandas", "scipy", "statsmodels", "lifelines", "pydeseq2")
    versions = ", ".join(f"{name} {locked[name]}" for name in names)
    return [
        f"hcc_assets on Python 3.11 with {versions}, and the rest of `requirements.lock`.",
        "At every refresh the published summaries are made again by other code and libraries; a "
        f"relative difference above {TOLERANCE:g} is an error.",
        "Each published file names the code, settings and deliveries it rests on (`hcc explain`).",
    ]


if __name__ == "__main__":
    given = Path(sys.argv[1]).read_text(encoding="utf-8") if sys.argv[1:] else ""
    sys.stdout.write(section(parse_config(given)))
