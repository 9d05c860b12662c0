"""Two people for a decision, where ``[governance] four_eyes`` asks for them: the first word is a
line of the audit trail and changes nothing, the second one of somebody else decides."""

from __future__ import annotations

from collections.abc import Collection

from hcc_assets.audit.trail import decided, trail_of
from hcc_assets.audit.who import whoami
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder, subject_digest

ASKED = "asked"


def person(who: str) -> str:
    """A user of a line of the trail without the host: one person at two machines is one person."""
    return who.partition("@")[0]


def seconded(
    home: Home,
    action: str,
    *,
    why: str,
    who: str | None = None,
    subject_id: str | None = None,
    content: str | None = None,
    redact: Collection[str] = (),
) -> str | None:
    """Who asked for the same before, when that was somebody else; else None, and that this person
    asks is noted.

    Parameters
    ----------
    action
        ``accept`` or ``erase``; the note is ``accept asked``.
    who
        Default: the user of the system.
    subject_id, content
        What it is about: a subject, or the content of a delivery. Another content is another
        question.
    redact
        Further names that must not be kept.
    """
    me = who or whoami()
    subject = (
        subject_digest(key_for_home(keys_folder(home)), subject_id)
        if subject_id is not None
        else None
    )
    asked = [
        e
        for e in decided(home, f"{action} {ASKED}")
        if (e.subject, e.to_hash) == (subject, content)
    ]
    for entry in asked:
        if person(entry.who) != person(me):
            return entry.who
    if not asked:
        trail_of(home).append(
            f"{action} {ASKED}",
            why=why,
            who=me,
            subject_id=subject_id,
            to_hash=content,
            redact=redact,
        )
    return None
