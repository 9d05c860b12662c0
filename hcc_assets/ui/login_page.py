"""The only page that is shown without a log-in."""

from __future__ import annotations

import html

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Log in</title>
<style>body{{font:16px system-ui;margin:15vh auto;max-width:24rem}}
input,button{{font:inherit;padding:.4rem;width:100%;box-sizing:border-box;margin:.3rem 0}}</style>
<h1>Log in</h1><p>{said}</p>
<form method="post" action="{action}"><label>Token
<input type="password" name="token" autocomplete="current-password" autofocus></label>
<button>Log in</button></form></html>
"""
SAID = "Open the link that hcc ui printed, or give its token, or your own."


def login_page(prefix: str, said: str = SAID) -> bytes:
    """A form for the token."""
    return PAGE.format(said=html.escape(said), action=html.escape(f"{prefix}/login")).encode()
