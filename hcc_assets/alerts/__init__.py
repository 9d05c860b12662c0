"""What fails, told to those who have to know: open alerts, the outbox, the channels. Judging values
is in the checks of the catalogue; names in messages are keys, never ids of people.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "AlertStore": "outbox",
        "Channel": "channels",
        "Severity": "records",
        "Signal": "records",
        "Silence": "records",
        "channels_from_environment": "channels",
        "deliver_due": "delivery",
        "home_health": "home_health",
        "open_alerts": "alerting",
        "tell_of": "dagster_signals",
    },
)
