"""Signs of life for monitors outside: a small file that is renewed, and a URL that is asked.
Judging health is in `health`."""

from __future__ import annotations

import datetime as dt
import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

from upath import UPath

from hcc_assets.home import files

URL_VARIABLE = "HCC_HEARTBEAT_URL"


def write_heartbeat(
    path: Path,
    now: dt.datetime,
    *,
    who: str,
    healthy: bool | None = None,
    trail: Mapping[str, Any] | None = None,
) -> None:
    """Renew the heartbeat file: one JSON object ``{at, who, pid, healthy, trail}``, replaced in one
    step.

    Parameters
    ----------
    path
        The file; its folder is made.
    now
        Aware time.
    who
        What beats: ``daemon``, ``refresh``.
    healthy
        Verdict of the last health check, when there was one.
    trail
        Head of the audit trail: a monitor that keeps what it reads holds an anchor.
    """
    record = {
        "at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "who": who,
        "pid": os.getpid(),
        "healthy": healthy,
        "trail": trail,
    }
    files.write_bytes(UPath(path), (json.dumps(record) + "\n").encode())


def heartbeat_age(path: Path, now: dt.datetime) -> float | None:
    """Seconds since the file was renewed (negative when the clock was set back); None when there is
    none, infinity when it cannot be read."""
    try:
        at = dt.datetime.fromisoformat(json.loads(path.read_bytes())["at"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return float("inf")
    return (now - at).total_seconds()


def ping(
    healthy: bool, *, environ: Mapping[str, str] | None = None, timeout_s: float = 10
) -> bool | None:
    """Ask the monitor's URL (``HCC_HEARTBEAT_URL``; the same with ``/fail`` when something is red).
    A monitor that hears nothing raises the alarm.

    Returns
    -------
    bool or None
        Whether the monitor answered with success; None when no URL is set. The URL, which holds a
        key, is never shown.
    """
    url = (os.environ if environ is None else environ).get(URL_VARIABLE, "").strip()
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{URL_VARIABLE} must begin with http:// or https://")
    address = url if healthy else url.rstrip("/") + "/fail"
    try:
        # the scheme was checked
        with urllib.request.urlopen(address, timeout=timeout_s) as answer:  # noqa: S310
            return bool(200 <= answer.status < 300)
    except (URLError, TimeoutError, OSError, ValueError):
        return False
