"""Alerts: what fails (`records`), what to tell of it (`state`), in which words (`digest`), kept until told (`outbox`), sent (`delivery`)."""
