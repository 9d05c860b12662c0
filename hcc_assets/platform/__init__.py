"""Plumbing between the data home and Dagster: paths, the atomic store, versions, landing, alerts, audit. No science belongs here."""
