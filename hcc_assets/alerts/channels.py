"""Where alerts go: the channels named in ``HCC_ALERT_URLS``. An address holds credentials: it is
never logged, stored or shown, only its label is."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

VARIABLE = "HCC_ALERT_URLS"


@dataclass(frozen=True)
class Channel:
    """One Apprise address. ``label`` (scheme and eight hexadecimal digits) names it everywhere;
    ``url`` stays in memory."""

    label: str
    url: str = field(repr=False)


def channels_from_environment(
    key: bytes, environ: Mapping[str, str] | None = None
) -> list[Channel]:
    """The channels of ``HCC_ALERT_URLS`` (Apprise URLs separated by spaces), each once, in the
    order given.

    Parameters
    ----------
    key
        Key of the home: the label is an HMAC, so that a stored label tells nothing of the address.
    environ
        Default ``os.environ``.
    """
    urls = dict.fromkeys((os.environ if environ is None else environ).get(VARIABLE, "").split())
    return [Channel(_label(key, url), url) for url in urls]


def _label(key: bytes, url: str) -> str:
    scheme = url.partition("://")[0].lower()
    readable = (
        scheme if re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}", scheme) and "://" in url else "unknown"
    )
    code = hmac.new(key, b"channel" + bytes(1) + url.encode(), hashlib.sha256).hexdigest()
    return f"{readable}-{code[:8]}"
