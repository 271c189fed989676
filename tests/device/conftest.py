"""What the tests of whole devices share."""

import os

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Keep the workshop's keys and images for all tests of the isolated board: building takes seconds."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "A_SECRET_OF_THE_USER": "hunter2"}
