"""Efficacy endpoints of each subject: best response, rates, time to event, and their changes.

Here belongs what is derived from the responses of visits. Responses are made in ``recist``,
curves and intervals in ``stats``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "derive_best_responses": "best_response",
        "response_rates": "best_response",
        "Causes": "changes",
        "ENDPOINTS": "changes",
        "difference": "changes",
        "endpoint_changes": "changes",
        "input_causes": "changes",
        "derive_time_to_event": "time_to_event",
    },
)
