"""Processes for what is not trusted: made here, watched here, ended here."""
