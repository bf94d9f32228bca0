"""Nouns: frozen data that every other part speaks.

Rule 1: data and small pure questions about it; no clock, no I/O, no third-party library.
Rule 2: nothing here is changed in place; a new fact makes a new value.
"""
