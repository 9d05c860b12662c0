"""Sends one message through one Apprise address, as a process of its own: the parent ends it when
it hangs, and an address is never an argument.

Reads one JSON object ``{url, title, body}`` from standard input and writes one, ``{ok, permanent,
retry_after, reason}``, to standard output. The reason is a code of ours (``HTTP 429``, ``SMTP
550``), never the text of a server or of an exception, which may repeat the address.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import sys
from collections.abc import Callable
from typing import Any

PERMANENT_HTTP = frozenset([400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 422, 501])
"""Answers that the same message will get again (RFC 9110, 15.5 and 15.6.2): no second try."""


def retry_after_seconds(text: str | None, now: dt.datetime) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110, 10.2.3): a number or a date; None when there
    is none or it cannot be read."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(
        0.0, ((until if until.tzinfo else until.replace(tzinfo=dt.UTC)) - now).total_seconds()
    )


def send(url: str, title: str, body: str) -> dict[str, Any]:
    """Send one message; what the servers answered decides whether a failure will pass."""
    import smtplib

    import apprise
    import requests

    seen: dict[str, Any] = {"status": None, "retry_after": None, "smtp": None}
    http_send, smtp_send, smtp_login = (
        requests.Session.send,
        smtplib.SMTP.sendmail,
        smtplib.SMTP.login,
    )

    def observed_send(session: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        response = http_send(session, *args, **kwargs)
        if response.status_code >= 400:
            seen.update(
                status=response.status_code, retry_after=response.headers.get("Retry-After")
            )
        return response

    def observed(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            except smtplib.SMTPRecipientsRefused as error:
                seen["smtp"] = min(code for code, _ in error.recipients.values())
                raise
            except smtplib.SMTPResponseException as error:
                seen["smtp"] = error.smtp_code
                raise

        return run

    requests.Session.send = observed_send  # type: ignore[method-assign, assignment]
    smtplib.SMTP.sendmail = observed(smtp_send)  # type: ignore[method-assign]
    smtplib.SMTP.login = observed(smtp_login)  # type: ignore[method-assign]
    channel = apprise.Apprise()
    if not channel.add(url):
        return {
            "ok": False,
            "permanent": True,
            "retry_after": None,
            "reason": "the address is not one that Apprise understands",
        }
    for plugin in channel:
        if plugin.overflow_mode == apprise.OverflowMode.UPSTREAM:
            plugin.overflow_mode = (
                apprise.OverflowMode.SPLIT
            )  # a service with short messages gets several, instead of refusing one
    if channel.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
        return {"ok": True, "permanent": False, "retry_after": None, "reason": ""}
    if seen["status"] is not None:
        waits = (
            retry_after_seconds(seen["retry_after"], dt.datetime.now(dt.UTC))
            if seen["status"] in (429, 503)
            else None
        )
        return {
            "ok": False,
            "permanent": seen["status"] in PERMANENT_HTTP,
            "retry_after": waits,
            "reason": f"HTTP {seen['status']}",
        }
    if seen["smtp"] is not None:
        return {
            "ok": False,
            "permanent": seen["smtp"] >= 500,
            "retry_after": None,
            "reason": f"SMTP {seen['smtp']}",
        }
    return {
        "ok": False,
        "permanent": False,
        "retry_after": None,
        "reason": "no connection, or broken off",
    }


def main() -> None:
    """Entry point of the process."""
    import logging

    logging.disable(logging.CRITICAL)
    request = json.load(sys.stdin)
    json.dump(send(request["url"], request["title"], request["body"]), sys.stdout)


if __name__ == "__main__":
    main()
