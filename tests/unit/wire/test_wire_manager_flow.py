"""What a client asks a manager for: queries of flows, and the provider behind a version."""

from __future__ import annotations

import pytest

from tallystick.errors import RemoteProtocolError
from tallystick.wire.manager_flow import FlowRequest, provider_of


def test_a_request_goes_through_its_query():
    """What a host asks for is read back from the query it makes, under the names of the reference."""
    request = FlowRequest(
        target_id=0x33000004, perso="perso_11", firmware="nanox/2.6.0/upgrade_osu", firmware_key="nanox/2.6.0/upgrade_osu_key"
    )  # fmt: skip
    query = request.to_query()
    assert query == {
        "targetId": "855638020",
        "perso": "perso_11",
        "firmware": "nanox/2.6.0/upgrade_osu",
        "firmwareKey": "nanox/2.6.0/upgrade_osu_key",
    }
    assert FlowRequest.from_query(query | {"livecommonversion": "34.0.0"}) == request


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"targetId": ""},
        {"targetId": "0x33000004"},
        {"targetId": "-1"},
        {"targetId": "4294967296"},
        {"targetId": "٣"},
        {"targetId": "1", "firmware": "x" * 300},
        {"targetId": "1", "hash": "a\nb"},
    ],
)
def test_a_request_out_of_bounds_is_refused(query):
    """A target id that is none, and values that are too long or not printable, are refused."""
    with pytest.raises(RemoteProtocolError):
        FlowRequest.from_query(query)


@pytest.mark.parametrize(
    ("version", "provider"),
    [("1.5.5", 1), ("1.5.5-das", 2), ("1.5-club", 3), ("1.5.5-shitcoins", 4), ("1.5.5-ee", 5), ("1.5.5-ee-osu", 5), ("1.5.5-new", 1), ("", 1)],
)  # fmt: skip
def test_the_suffix_of_a_version_names_its_provider(version, provider):
    """The letters behind the dash choose the provider; unknown ones are the first provider's (wire-protocol H.2)."""
    assert provider_of(version) == provider
