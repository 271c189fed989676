"""What the tests of whole devices share."""

import os

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Keep the workshop's keys and images for all tests of the isolated board: building takes seconds."""
    places = {f"XDG_{name.upper()}_HOME": str(tmp_path_factory.mktemp(name)) for name in ("cache", "data")}
    return {**os.environ, **places, "A_SECRET_OF_THE_USER": "hunter2"}
