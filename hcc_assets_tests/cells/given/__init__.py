"""Tests of the calls that are given to us."""
