"""Fuzz targets of the Cosmos app: each takes any bytes and may only answer or refuse as documented."""

from collections.abc import Callable

from tallystick.apps.cosmos import amino, summary, textual
from tallystick.apps.cosmos.fault import Fault
from tallystick.apps.cosmos.json_token import tokenise
from tallystick.apps.cosmos.parse import AddressRequest, Command, SignRequest
from tallystick.apps.cosmos.policy import Viewer, plan
from tallystick.wire.path import Bip32Path
from tallystick.wire.status import Reject

_REQUEST = SignRequest.from_bytes(Bip32Path.parse("44'/118'/0'/0/0").to_words(), expert=False)
_COMMAND_STATUS = frozenset({0x6700, 0x6982, 0x6984, 0x6989, 0x698A, 0x698B, 0x698C, 0x6E00})


def _payload_refused(reject: Reject) -> None:
    """Raise unless the refusal is 6984 with a text of the table."""
    if reject.status != 0x6984:
        raise AssertionError(f"refused with {reject}")
    Fault(reject.data.decode("ascii"))


def json_token(data: bytes) -> None:
    """Tokenise a payload; every node lies inside it."""
    try:
        document = tokenise(data, token_limit=768)
    except Reject as reject:
        _payload_refused(reject)
        return
    if not 0 <= document.root.start <= document.root.end <= len(data):
        raise AssertionError("a root outside the payload")


def amino_review(data: bytes) -> None:
    """Read and show an amino document in both modes; a review is never empty."""
    try:
        document = amino.read(data, token_limit=768)
        for expert in (False, True):
            if not summary.items(document, expert=expert, own_address="cosmos1x"):
                raise AssertionError("nothing to review")
    except Reject as reject:
        _payload_refused(reject)


def textual_review(data: bytes) -> None:
    """Read and show textual screens."""
    try:
        textual.items(textual.read(data), page_width=17)
    except Reject as reject:
        _payload_refused(reject)


def signing_plan(data: bytes) -> None:
    """Plan a signature; the first byte chooses format and mode."""
    viewer = Viewer(expert=bool(data[:1] > b"\x7f"), touch=False, page_width=39, own_address="cosmos1x")
    try:
        made = plan(_REQUEST, data[1:], payload_format=data[0] & 3 if data else 0, viewer=viewer)
    except Reject as reject:
        _payload_refused(reject)
        return
    if not made.items:
        raise AssertionError("nothing to review")


def command(data: bytes) -> None:
    """Read an APDU and its data as both commands."""
    try:
        read = Command.from_bytes(data)
        AddressRequest.from_bytes(read.data, expert=False)
        SignRequest.from_bytes(read.data, expert=True)
    except Reject as reject:
        if reject.status not in _COMMAND_STATUS or reject.data:
            raise AssertionError(f"refused with {reject}") from reject


targets: dict[str, Callable[[bytes], None]] = {
    "cosmos_json_token": json_token,
    "cosmos_amino_review": amino_review,
    "cosmos_textual_review": textual_review,
    "cosmos_signing_plan": signing_plan,
    "cosmos_command": command,
}
