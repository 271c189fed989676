"""Scenes, answers and system calls as hypothesis draws them."""

from hypothesis import strategies as st

from tallystick.wire.install import Curve
from tallystick.wire.screen import (
    Choice,
    Decided,
    Dismissed,
    Entry,
    Item,
    Menu,
    Notice,
    Progress,
    Review,
    ReviewKind,
    Selected,
    Tone,
)
from tallystick.wire.syscall import (
    Agree,
    Ask,
    Cipher,
    EndorsementAppSecret,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
    Exchange,
    Exit,
    Idle,
    Log,
    PublicKey,
    PublicOf,
    Random,
    ReadRecord,
    ReadSetting,
    Response,
    Sign,
    SignWith,
    Verify,
    WriteRecord,
    WriteSetting,
)

texts = st.text(max_size=12)
lines = st.lists(texts, max_size=4).map(tuple)
entries = st.lists(st.builds(Entry, texts, texts), min_size=1, max_size=4).map(tuple)
menus = entries.flatmap(
    lambda made: st.builds(Menu, title=texts, entries=st.just(made), icon=texts, start=st.integers(0, len(made) - 1))
)
choices = st.builds(Choice, lines=lines, options=st.lists(texts, min_size=1, max_size=4).map(tuple), icon=texts)
items = st.builds(Item, texts, st.lists(texts, min_size=1, max_size=3).map(tuple))
reviews = st.builds(
    Review,
    items=st.lists(items, max_size=3).map(tuple),
    kind=st.sampled_from(ReviewKind),
    intro=lines,
    approve=texts,
    reject=texts,
)
notices = st.builds(Notice, lines=lines, button=texts, tone=st.sampled_from(Tone))
progresses = st.builds(Progress, text=texts, percent=st.none() | st.integers(0, 100))
scenes = menus | choices | reviews | notices | progresses
answers = (
    st.none() | st.builds(Selected, st.integers(0, 0xFFFF)) | st.builds(Decided, st.booleans()) | st.just(Dismissed())
)

curves = st.sampled_from((Curve.SECP256K1, Curve.SECP256R1, Curve.ED25519))
paths = st.lists(st.integers(0, 0xFFFFFFFF), max_size=10).map(tuple)


def _octets(size):
    """Return bytes of one length."""
    return st.binary(min_size=size, max_size=size)


records = st.none() | st.binary(max_size=40)
responses = st.builds(Response, st.binary(max_size=40), st.integers(0, 0xFFFF))
requests = (
    st.builds(Exchange, st.none() | responses)
    | st.just(Exit())
    | st.builds(Log, st.text(st.characters(categories=("L", "N", "P")), max_size=20))
    | st.builds(Ask, scenes)
    | st.builds(Idle, menus)
    | st.builds(PublicKey, curves, paths)
    | st.builds(Sign, curves, paths, st.binary(max_size=64))
    | st.builds(Random, st.integers(1, 1024))
    | st.builds(ReadSetting, texts)
    | st.builds(WriteSetting, texts, st.booleans())
    | st.builds(ReadRecord, texts)
    | st.builds(WriteRecord, texts, records)
    | st.sampled_from((EndorsementCodeHash(), EndorsementAppSecret()))
    | st.builds(EndorsementPublicKey, st.integers(0, 0xFF))
    | st.builds(EndorsementCertificate, st.integers(0, 0xFF))
    | st.builds(EndorsementMetadata, st.integers(0, 0xFF))
    | st.builds(EndorsementSign, st.binary(max_size=40))
    | st.builds(EndorsementSignWithoutCodeHash, st.binary(max_size=40))
    | st.builds(EndorsementDeriveAndSign, st.binary(max_size=40))
    | st.builds(PublicOf, _octets(32))
    | st.builds(SignWith, _octets(32), _octets(32))
    | st.builds(Verify, _octets(65), _octets(32), st.binary(max_size=72))
    | st.builds(Agree, _octets(32), _octets(65))
    | st.integers(1, 4).flatmap(
        lambda blocks: st.builds(Cipher, st.booleans(), _octets(16), _octets(16), _octets(16 * blocks))
    )
)
