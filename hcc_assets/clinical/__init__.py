"""The clinical half of the trial: delivered SDTM tables to endpoints, safety tables and ADaM.

Here belong pure functions from frames and the ``StudyConfig`` to frames. Table models are in
``schemas``, code lists and settings in ``study``, estimators in ``stats``, figures and reports in
rooms of their own; nothing here knows Dagster or publishes anything.

From the bottom: ``issues`` (how a finding is written), ``reading`` (files to tables), ``treatment``
(when each subject was treated), ``checks`` (rules on the tables) and ``recist`` (lesions to
responses), ``endpoints`` and ``safety``, ``laboratory`` (values and their grades), then ``holding``
(may an export replace the one before?) and ``adam`` (files for a statistician).
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "build_adam": "adam.datasets",
        "write_adam": "adam.files",
        "response_discordance": "checks.cross",
        "read_terms": "checks.ctcae",
        "blocked": "checks.run",
        "rows_left_out": "checks.run",
        "run_checks": "checks.run",
        "derive_best_responses": "endpoints.best_response",
        "response_rates": "endpoints.best_response",
        "Causes": "endpoints.changes",
        "endpoint_changes": "endpoints.changes",
        "input_causes": "endpoints.changes",
        "derive_time_to_event": "endpoints.time_to_event",
        "HoldVerdict": "holding.verdict",
        "lab_findings": "laboratory.findings",
        "lab_shifts": "laboratory.shifts",
        "derive_labs": "laboratory.records",
        "liver_safety": "laboratory.liver",
        "compare_exports": "holding.verdict",
        "Export": "reading.exports",
        "read_export": "reading.exports",
        "validate_file": "reading.exports",
        "DomainRefused": "reading.refusal",
        "derive_responses": "recist.responses",
        "treatment_emergent": "safety.events",
        "exposure_summary": "safety.exposure",
        "ae_listings": "safety.summaries",
        "ae_summary": "safety.summaries",
        "aesi_summary": "safety.summaries",
        "treatment_course": "treatment.course",
        "known_deaths": "treatment.deaths",
        "dose_days": "treatment.doses",
    },
)
