"""A small chain, asked by REST and by RPC."""

import pytest
from fake_chain import Clock, FakeChain


@pytest.fixture(params=["rest", "rpc"])
def chain(request):
    """Return the chain, once for each way to ask it."""
    return FakeChain(kind=request.param)


@pytest.fixture
def clock():
    """Return time that passes only when it is waited for."""
    return Clock()
