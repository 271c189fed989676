"""What every client has to have got from the device, whatever its way."""

from judge import assert_address_is_well_formed, assert_signature_holds


def assert_account(answer, vectors):
    """Check that the client was given the first account of the test seed."""
    assert answer["public_key"] == vectors["public_key"]
    assert answer["address"] == vectors["address"]
    assert answer.get("computed_address", vectors["address"]) == vectors["address"]
    assert_address_is_well_formed(answer["address"], hrp=vectors["hrp"])


def assert_signatures(answer, vectors, *, documents):
    """Check that each document was signed as it was given, by the first account, and the worked one to the byte."""
    assert set(documents) <= answer["signatures"].keys()
    for name, signed in answer["signatures"].items():
        assert signed["document"] == vectors["documents"].get(name, signed["document"])
        assert signed.get("verified", True) is True, f"the client's own library refuses the signature of {name}"
        assert_signature_holds(public_key=vectors["public_key"], payload=signed["document"].encode(), der=signed["der"])
    assert answer["signatures"]["worked"]["der"] == vectors["worked_signature"]
