"""Is the platform well? The findings of all probes at one moment. Telling is in `alerts`, mending
elsewhere."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from hcc_assets.audit.log import AuditTrail
from hcc_assets.operate.watch import dagster_probes, probes
from hcc_assets.operate.watch.databases import Databases
from hcc_assets.operate.watch.probes import MIN_FREE_BYTES, Outbox, Probe


@dataclass(frozen=True)
class HealthReport:
    """All findings of one moment."""

    at: dt.datetime
    probes: tuple[Probe, ...]

    @property
    def healthy(self) -> bool:
        """True when every probe is."""
        return all(p.ok for p in self.probes)

    def to_json(self) -> str:
        """``{healthy, at, probes: [{name, ok, sentence, what_to_do}]}``."""
        content = {
            "healthy": self.healthy,
            "at": self.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "probes": [asdict(p) for p in self.probes],
        }
        return json.dumps(content, indent=2)

    def to_text(self) -> str:
        """One line per probe, red ones first."""
        lines = []
        for probe in sorted(self.probes, key=lambda p: p.ok):
            lines.append(
                f"{'ok ' if probe.ok else 'RED'}  {probe.name}: {probe.sentence}"
                + (f" {probe.what_to_do}" if not probe.ok else "")
            )
        return "\n".join(lines)


def check_health(
    now: dt.datetime,
    *,
    folders: Collection[Path] = (),
    databases: Databases | None = None,
    expect_daemon: bool | None = None,
    asked: Path | None = None,
    definitions_module: str | None = None,
    alerts: Outbox | None = None,
    channels: Sequence[str] | None = None,
    audit: AuditTrail | None = None,
    stale: Callable[[], Sequence[str]] | None = None,
    heartbeat: Path | None = None,
    heartbeat_limit_s: float = 26 * 3600,
    min_free_bytes: int = MIN_FREE_BYTES,
    extra: Sequence[Callable[[], Probe]] = (),
) -> HealthReport:
    """Run every probe for which there is something to look at. A probe that itself breaks is red.

    Parameters
    ----------
    now
        Aware time.
    folders
        Where the platform writes: free space and writability.
    databases
        Of Dagster and the outbox: are they whole, daemons and ticks. With ``asked`` (the sign that
        the alert sensor leaves) also whether the daemon reaches the code location.
    expect_daemon
        Whether a daemon is to run here; None: once one has run, it is to go on.
    definitions_module
        Module of the code location, loaded in a child process.
    alerts, channels
        Outbox, and labels of the channels that are set up (None: alerts are off).
    audit
        The trail to verify.
    stale
        Names of published assets that are older than they should be.
    heartbeat, heartbeat_limit_s
        File that refresh or the daemon renews, and its greatest age (seconds) before it is red.
    min_free_bytes
        Least free space per folder.
    extra
        Further probes.
    """
    looks: list[tuple[str, Callable[[], Probe]]] = [
        (f"disk {f.name}", partial(probes.disk, f, min_free_bytes)) for f in folders
    ]
    if databases is not None:
        looks += [
            ("database", partial(dagster_probes.databases, databases)),
            ("daemon", partial(dagster_probes.daemon, databases, now, expect_daemon)),
            ("sensors", partial(dagster_probes.ticks, databases)),
        ]
    if databases is not None and asked is not None and definitions_module is None:
        looks.append(("code location", partial(dagster_probes.asked, databases, asked, now)))
    if definitions_module is not None:
        looks.append(("code location", partial(probes.code_location, definitions_module)))
    if alerts is not None:
        looks.append(("alerts", partial(probes.alerts, alerts, now, channels)))
    if audit is not None:
        looks.append(("audit trail", partial(probes.audit, audit)))
    if stale is not None:
        looks.append(("published", lambda: probes.stale(stale())))
    if heartbeat is not None:
        looks.append(("heartbeat", partial(probes.heartbeat, heartbeat, now, heartbeat_limit_s)))
    looks += [(getattr(probe, "__name__", "extra"), probe) for probe in extra]
    return HealthReport(now, tuple(_guarded(name, probe) for name, probe in looks))


def _guarded(name: str, probe: Callable[[], Probe]) -> Probe:
    try:
        return probe()
    # a probe that breaks is a finding; the text may hold data, the class does not
    except Exception as error:  # noqa: BLE001
        return Probe(
            name,
            False,
            f"could not be looked at ({type(error).__name__}).",
            "Look at the disk and at the log of the daemon.",
        )
