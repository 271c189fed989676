"""Fixtures for the Cosmos app."""

import pytest
from cosmos_stage import Stage


@pytest.fixture
def stage() -> Stage:
    """Start a fresh app on a Nano with the test sentence, expert mode off, and a person who approves."""
    return Stage()
