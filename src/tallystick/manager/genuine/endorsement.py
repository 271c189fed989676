"""Attestation keys: made on the device, certified by their owner (wire-protocol F, H.5)."""

from __future__ import annotations

from typing import Final

from tallystick.errors import TrustError
from tallystick.manager.flow import NOT_FOUND, Ask, Flow, FlowError, FlowResult
from tallystick.manager.genuine.channel import ChannelKeys, open_channel, verify
from tallystick.manager.hsm.signer import Signer
from tallystick.wire.certificate import EndorsedKey, endorsement_message, owner_message
from tallystick.wire.dashboard import Ins, request
from tallystick.wire.manager_flow import FlowRequest

#: what clients call this manager's owner (wire-protocol H.3)
_OWNER: Final = "attest_1"
#: by what clients call them
_KEYS: Final = {"1": 1, "2": 2}


def endorse(keys: ChannelKeys, owner: Signer | None, asked: FlowRequest) -> Flow:
    """Have the device make attestation key 1 or 2 (`endorse_scheme`) and give it the owner's certificate of it."""
    number = _KEYS.get(asked.endorse_scheme)
    if number is None:
        raise FlowError("endorseScheme is 1 or 2")
    if asked.endorse not in {"", _OWNER}:
        raise FlowError(f"there is no owner {asked.endorse}", status=NOT_FOUND, remedy=f"this manager has {_OWNER}")
    if owner is None:
        raise FlowError("this manager has no owner's key", remedy="start it with --owner-key")
    opened = yield from open_channel(keys, asked.target_id, authenticate=False)
    made = EndorsedKey.from_bytes((yield Ask(request(Ins.ENDORSEMENT_START, number))))
    if not verify(opened.device.public_key, endorsement_message(made.public_key), made.signature):
        raise TrustError("the device did not sign the attestation key it made")
    yield Ask(request(Ins.ENDORSEMENT_COMMIT, data=owner.sign(owner_message(made.public_key))))
    return FlowResult()
