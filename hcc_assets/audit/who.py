"""Who acts, as the system knows it. Roles and log-ins of the web UI are in `ui.users`."""

from __future__ import annotations

import os
import pwd
import socket


def real_user() -> str:
    """The user of this process by its user id; an environment variable can say anything."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # not in the password file, as in many containers
        return f"uid {number}"


def whoami() -> str:
    """``user@host`` for the audit trail."""
    return f"{real_user()}@{socket.gethostname()}"
