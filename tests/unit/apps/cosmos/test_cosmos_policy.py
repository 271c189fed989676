"""What must be shown before a signature, and that nothing signs without it."""

import pytest
from cosmos_stage import refused, words

from tallystick.apps.cosmos import policy, screens
from tallystick.apps.cosmos.parse import AddressRequest, SignRequest
from tallystick.apps.cosmos.session import CAPACITY, Session, State
from tallystick.apps.cosmos.sign import HALF_ORDER, has_low_s
from tallystick.crypto.hash import keccak256, sha256
from tallystick.errors import LocalProtocolError
from tallystick.wire.screen import Item

DOCUMENT = b'{"account_number":"1","chain_id":"x","fee":{"amount":[],"gas":"1"},"memo":"m","msgs":["y"],"sequence":"2"}'
HUB = SignRequest.from_bytes(words(44, 118), expert=False)
INJECTIVE = SignRequest.from_bytes(words(44, 60) + b"\x03inj", expert=False)
VIEWER = policy.Viewer(expert=False, touch=False, page_width=39, own_address="")
ORDER = 2 * HALF_ORDER + 1


def test_plan_binds_key_digest_and_items():
    """A plan names the key, the digest of exactly this payload by the kind of chain, and what is shown."""
    plan = policy.plan(HUB, DOCUMENT, payload_format=0, viewer=VIEWER)
    assert (plan.path, plan.digest) == (HUB.path, sha256(DOCUMENT))
    assert Item("Memo", ("m",)) in plan.items
    assert policy.plan(INJECTIVE, DOCUMENT, payload_format=0, viewer=VIEWER).digest == keccak256(DOCUMENT)


@pytest.mark.parametrize("payload_format", [2, 3, 255])
def test_formats_nobody_knows(payload_format):
    """P2 of neither format is refused before the payload is looked at."""
    status = refused(lambda: policy.plan(HUB, b"", payload_format=payload_format, viewer=VIEWER))
    assert status == (0x6984, "Value out of range")


def test_token_limit_goes_by_the_screen():
    """A touch screen leaves room for 600 tokens, a Nano for 768."""
    many = DOCUMENT.replace(b'["y"]', b"[" + b"1," * 650 + b"1]")
    touch = policy.Viewer(expert=False, touch=True, page_width=39, own_address="")
    assert refused(lambda: policy.plan(HUB, many, payload_format=0, viewer=touch))[1] == "JSON. Too many tokens"
    # here it is the number of items
    assert refused(lambda: policy.plan(HUB, many, payload_format=0, viewer=VIEWER))[1] == "Unrecognized error code"


def test_a_review_no_message_could_hold_is_refused():
    """A full payload of unprintable bytes would be four times as long on the screen."""
    payload = DOCUMENT.replace(b'"m"', b'"' + b"\xff" * 16_000 + b'"')
    assert refused(lambda: policy.plan(HUB, payload, payload_format=0, viewer=VIEWER))[1] == "Unrecognized error code"


def test_only_a_decision_makes_an_approval():
    """An approval carries what was shown; a no is 6986, and nobody else can make one."""
    plan = policy.plan(HUB, DOCUMENT, payload_format=0, viewer=VIEWER)
    approval = policy.decide(plan, approved=True)
    assert (approval.path, approval.digest) == (plan.path, plan.digest)
    assert refused(lambda: policy.decide(plan, approved=False)) == (0x6986, "")
    with pytest.raises(LocalProtocolError):
        policy.Approval(plan, seal=object())


def test_expert_mode_is_needed_for_coin_60_alone():
    """Keys of coin 60' sign in expert mode only."""
    assert policy.needs_expert(INJECTIVE)
    assert not policy.needs_expert(HUB)


@pytest.mark.parametrize(("coin", "hrp", "expert", "titles"), [
    (118, b"\x06cosmos", False, ["Address"]),
    (118, b"\x06cosmos", True, ["Address", "Path"]),
    (60, b"\x03inj", False, ["Address", "Path"]),
])  # fmt: skip
def test_address_review(coin, hrp, expert, titles):
    """The path is shown in expert mode and for a 60' chain, without m/."""
    request = AddressRequest.from_bytes(hrp + words(44, coin), expert=expert)
    with_path = policy.shows_path(request, expert=expert)
    review = screens.address("cosmos1x", request.path, with_path=with_path)
    assert [item.title for item in review.items] == titles
    assert review.items[-1].values == ((f"44'/{coin}'/0'/0/0",) if with_path else ("cosmos1x",))


def test_session_takes_exactly_its_capacity():
    """16384 bytes fit, in any chunks; one more is 6988."""
    session = Session()
    session.begin(HUB)
    session.append(b"x" * (CAPACITY - 1))
    session.append(b"y")
    session.append(b"")
    assert refused(lambda: session.append(b"z")) == (0x6988, "")
    assert session.finish() == (HUB, b"x" * (CAPACITY - 1) + b"y")
    assert session.state is State.REVIEWING


def test_session_refuses_what_does_not_fit_its_state():
    """Each transition out of turn is 6986 and changes nothing."""
    session = Session()
    for call in (lambda: session.append(b""), session.finish):
        assert refused(call) == (0x6986, "")
    session.begin(HUB)
    for call in (lambda: session.begin(HUB), session.review):
        assert refused(call) == (0x6986, "")
        assert session.state is State.RECEIVING


def test_session_gives_the_buffer_up():
    """After the last chunk and after a reset nothing of the payload is left for the next one."""
    session = Session()
    for end in (session.finish, session.reset):
        session.begin(HUB)
        session.append(b"secret")
        end()
        session.reset()
        session.begin(HUB)
        assert session.finish()[1] == b""
        session.reset()


def test_session_remembers_the_last_hrp():
    """A client that names no hrp gets the one last named; at first it is cosmos."""
    session = Session()
    assert session.hrp == b"cosmos"
    session.remember(INJECTIVE)
    session.begin(HUB)
    session.reset()
    assert session.hrp == b"inj"


def der(r: int, s: int) -> bytes:
    """Return the DER form of two integers."""
    parts = [value.to_bytes(value.bit_length() // 8 + 1, "big") for value in (r, s)]
    body = b"".join(bytes((2, len(part))) + part for part in parts)
    return bytes((0x30, len(body))) + body


@pytest.mark.parametrize("s", [1, 127, 128, HALF_ORDER - 1, HALF_ORDER])
def test_low_s_is_let_through(s):
    """S up to half the order is low."""
    assert has_low_s(der(ORDER - 1, s))


@pytest.mark.parametrize("s", [0, HALF_ORDER + 1, ORDER - 1])
def test_high_s_is_not(s):
    """S over half the order, or none, does not leave the app."""
    assert not has_low_s(der(1, s))


def test_order_of_the_curve():
    """Half the order is that of secp256k1 (SEC 2)."""
    assert ORDER == 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def test_other_bytes_are_no_signature():
    """Another first byte, a wrong length, padding, a cut and something left over are refused."""
    good = der(0x80, 5)
    assert has_low_s(good)
    bad = [der(0, 5), b"\x31" + good[1:], good + b"\x00", *(good[:size] for size in range(len(good)))]
    bad += [bytes.fromhex(text) for text in ("3007020200010201" + "05", "30060201ff020105", "300602010502" + "01ff")]
    bad += [bytes.fromhex("300702010102020001"), bytes.fromhex("3003020101"), bytes.fromhex("300602010003" + "0101")]
    assert not any(has_low_s(raw) for raw in bad)
