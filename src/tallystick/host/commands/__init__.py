"""Requests as values: each knows its APDU and how to read its answer, and nothing about sending."""
