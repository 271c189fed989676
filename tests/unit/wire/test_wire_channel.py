"""The secure channel: published handshakes from both ends, order of steps, consent, trust, and the end of a channel."""

import pytest
from channel_pair import SAMPLES, FixedSuite, SeededRng, answer, credentials, device, host, join, signer
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.scp import KeySigner, Suite
from tallystick.errors import LocalProtocolError, RemoteProtocolError, TrustError, UsageError
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import HostCertificate, signer_message
from tallystick.wire.channel import (
    DeviceCredentials,
    DeviceHandshake,
    HostHandshake,
    HostSigner,
    TrustedKey,
    Unsigned,
)
from tallystick.wire.dashboard import Ins

ISSUER = signer("issuer")


def sample_ends(name):
    """Return host and device of a published handshake."""
    sample = SAMPLES[name]
    keys = {role: bytes.fromhex(key) for role, key in sample["private"].items()}
    target_id = int(sample["target_id"], 16)
    host_end = HostHandshake(
        target_id=target_id,
        signer=KeySigner(keys["signer"]),
        suite=FixedSuite(nonce=bytes.fromhex(sample["host_nonce"]), private=keys["host_ephemeral"]),
        issuers=[bytes.fromhex(sample["public"]["issuer"])],
    )
    device_end = DeviceHandshake(
        target_id=target_id,
        credentials=credentials(
            issuer=KeySigner(keys["issuer"]),
            key=KeySigner(keys["device"]),
            header=bytes.fromhex(sample["header"]),
            serial=bytes.fromhex(sample["serial"]),
        ),
        suite=FixedSuite(nonce=bytes.fromhex(sample["device_nonce"]), private=keys["device_ephemeral"]),
        trusted=(),
    )
    return sample, host_end, device_end


@pytest.mark.parametrize("name", SAMPLES)
def test_published_handshake_byte_for_byte_from_both_ends(name):
    """With the published keys and nonces, every command, every answer and the first record are the published ones."""
    sample, host_end, device_end = sample_ends(name)
    log = []
    peer, channel = join(host_end, device_end, log=log)
    assert log == sample["handshake"]
    assert peer.genuine
    assert peer.issuer.hex() == sample["public"]["issuer"]
    assert peer.device.public_key.hex() == sample["public"]["device"]
    assert peer.signer_serial.hex() == sample["serial"]
    first = sample["first_command"]
    command = peer.channel.command(bytes.fromhex(first["plain"]))
    assert command.to_bytes().hex() == first["apdu"]
    assert channel.unwrap(command.data).hex() == first["plain"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_handshake_whose_signature_the_caller_makes_is_the_same(name):
    """`steps` asks for one signature, where `run` makes it, and yields the same commands and result with it."""
    sample, host_end, device_end = sample_ends(name)
    key = KeySigner(bytes.fromhex(sample["private"]["signer"]))
    steps, log, signed = host_end.steps(), [], []
    step = next(steps)
    opened = None
    while opened is None:
        if isinstance(step, Unsigned):
            signed.append(step.message)
            reply = key.sign(step.message)
        else:
            reply, _ = answer(device_end, step)
            log.append([step.to_bytes().hex(), reply.hex()])
        try:
            step = steps.send(reply)
        except StopIteration as end:
            opened = end.value
    assert log == sample["handshake"]
    assert opened.genuine
    nonces = bytes.fromhex(sample["host_nonce"] + sample["device_nonce"])
    assert [message[:17] for message in signed] == [b"\x11" + nonces]


@pytest.mark.parametrize("generation", [2, 3, 4])
def test_the_two_ends_understand_each_other_in_every_generation(generation):
    """Commands and answers of all lengths go through one chain; empty answers leave it alone."""
    target_id = 0x33100000 | generation
    peer, channel = join(host(target_id=target_id), device(target_id=target_id))
    for size in (1, 15, 16, 17, 31, 32, 239):
        command, reply = bytes([size]) * size, b"\x80" + bytes(size)
        sealed = peer.channel.wrap(command)
        assert channel.unwrap(sealed) == command
        assert channel.wrap(b"") == peer.channel.unwrap(b"") == b""
        assert peer.channel.unwrap(channel.wrap(reply)) == reply


@pytest.mark.parametrize("generation", [0, 1])
def test_the_first_generation_is_refused_in_words(generation):
    """The first secure channel has another handshake: neither end pretends to speak it."""
    for make in (host, device):
        with pytest.raises(UsageError, match="first secure channel"):
            make(target_id=0x31000000 | generation)


def test_a_bulk_wrapped_ahead_is_understood_when_all_answers_are_empty():
    """A manager wraps a whole script before the device has answered any of it."""
    peer, channel = join(host(), device())
    script = [bytes([number]) * (number + 1) for number in range(50)]
    assert [channel.unwrap(record) for record in [peer.channel.wrap(plain) for plain in script]] == script


def test_the_longest_plaintext_of_a_short_apdu():
    """239 bytes fit an Lc of one byte, 240 do not."""
    peer, _ = join(host(), device())
    assert len(peer.channel.command(bytes(239)).to_bytes()) == 5 + 254
    with pytest.raises(LocalProtocolError):
        peer.channel.command(bytes(240)).to_bytes()


def test_language_packs_travel_in_commands_of_their_own():
    """A record may be carried by another instruction with its own P1."""
    peer, channel = join(host(), device())
    command = peer.channel.command(b"abcd", ins=Ins.LANGUAGE_CREATE, p1=2)
    assert (command.cla, command.ins, command.p1) == (0xE0, 0x30, 2)
    assert channel.unwrap(command.data) == b"abcd"


@pytest.mark.parametrize("position", range(46))
def test_a_record_with_any_byte_changed_closes_the_channel(position):
    """A wrong MAC is refused with 6982, and so is every record after it, even a right one."""
    peer, channel = join(host(), device())
    record = bytearray(peer.channel.wrap(bytes(20)))
    good = peer.channel.wrap(b"good")
    record[position] ^= 0x40
    for data in (bytes(record), good):
        with pytest.raises(RemoteProtocolError) as refusal:
            channel.unwrap(data)
        assert refusal.value.status == 0x6982
    assert channel.closed
    with pytest.raises(LocalProtocolError):
        channel.wrap(b"answer")


@pytest.mark.parametrize("generation", [2, 3])
@given(record=st.binary(min_size=1, max_size=300))
def test_noise_instead_of_a_record_closes_the_channel(generation, record):
    """Whatever its length, what is not a record ends the channel with a declared status (without MAC, nearly always)."""
    target_id = 0x33100000 | generation
    _, channel = join(host(target_id=target_id), device(target_id=target_id))
    cipher = len(record) - (14 if generation == 3 else 0)
    status = None
    try:
        channel.unwrap(record)
    except RemoteProtocolError as refusal:
        status = refusal.status
    # without a MAC, one in 256 has something like a padding
    allowed = {0x6982, None if generation == 2 else 0x6982} if cipher >= 16 and cipher % 16 == 0 else {0x6700}
    assert status in allowed
    assert channel.closed == (status is not None)


def test_a_record_is_not_taken_twice_nor_in_another_order():
    """Chained IVs make a repeated or overtaking record a wrong one."""
    for again in (False, True):
        peer, channel = join(host(), device())
        records = [peer.channel.wrap(b"first"), peer.channel.wrap(b"second")]
        if again:
            assert channel.unwrap(records[0]) == b"first"
        with pytest.raises(RemoteProtocolError):
            channel.unwrap(records[0 if again else 1])


def test_a_handshake_left_early_gives_a_closed_channel_and_the_devices_keys():
    """Endorsement tools leave out E0 53; the device counts as identified all the same."""
    end = device()
    peer, channel = join(host(), end, authenticate=False)
    assert channel is None
    assert peer.channel.closed
    assert peer.genuine
    assert end.identified
    end.reset()
    assert not end.identified


# who is asked about


def asked_about(device_end, **more):
    """Return the questions of one handshake."""
    asked = []
    join(host(**more), device_end, asked=asked)
    return asked


def link(subject, parent):
    """Return a certificate of the signer `subject` by `parent`."""
    return HostCertificate(public_key=subject.public_key, signature=parent.sign(signer_message(subject.public_key)))


def test_an_unknown_signer_is_asked_about_by_its_key():
    """A signer that vouches for itself has no authority."""
    assert asked_about(device()) == [HostSigner(public_key=signer("manager").public_key, authority=None)]


def test_a_manager_of_the_issuer_is_known_by_the_issuers_name():
    """A signer certified by a trusted key is asked about with that key's name."""
    trusted = [TrustedKey(name="other", public_key=signer("other").public_key)]
    trusted.append(TrustedKey(name="Issuer", public_key=ISSUER.public_key))
    chain = [link(signer("manager"), ISSUER)]
    expected = [HostSigner(public_key=signer("manager").public_key, authority="Issuer")]
    assert asked_about(device(trusted=trusted), chain=chain) == expected


def test_a_custom_ca_that_signs_itself_is_known_by_its_name():
    """The host whose key is installed as custom CA is no unknown."""
    trusted = [TrustedKey(name="bench", public_key=signer("manager").public_key)]
    assert asked_about(device(trusted=trusted)) == [
        HostSigner(public_key=signer("manager").public_key, authority="bench")
    ]


def test_a_chain_of_signers_asks_once_about_its_first():
    """Links after the first follow from it; the last one signs for the session."""
    chain = [link(signer("root"), signer("root")), link(signer("middle"), signer("root"))]
    chain.append(link(signer("manager"), signer("middle")))
    assert asked_about(device(), chain=chain) == [HostSigner(public_key=signer("root").public_key, authority=None)]


def test_a_broken_chain_is_refused():
    """A link that the key before it did not sign is 6982 and ends the session."""
    chain = [link(signer("root"), signer("root")), link(signer("manager"), signer("manager"))]
    with pytest.raises(RemoteProtocolError) as refusal:
        asked_about(device(), chain=chain)
    assert refusal.value.status == 0x6982


def test_an_endless_chain_is_refused():
    """A chain has at most eight links."""
    root = signer("manager")
    assert len(asked_about(device(), chain=[link(root, root)] * 8)) == 1
    with pytest.raises(RemoteProtocolError):
        asked_about(device(), chain=[link(root, root)] * 9)


def challenged(trusted):
    """Return a device that has had all before the certificates, and the ephemeral certificate for it."""
    steps, end = recorded(), device(trusted=trusted)
    for command in steps[:2]:
        answer(end, command)
    return end, steps[3].data


def test_a_remote_hsm_without_static_certificate_asks_about_the_known_key():
    """One E0 51 80 signed by a trusted key asks about that key, and the certificates follow."""
    end, certificate = challenged([TrustedKey(name="HSM", public_key=signer("manager").public_key)])
    asked = end.validate(certificate, ephemeral=True)
    assert asked == HostSigner(public_key=signer("manager").public_key, authority="HSM")
    end.accept()
    assert end.certificate(ephemeral=False)


def test_a_remote_hsm_that_is_unknown_is_refused():
    """Without a static certificate, an unknown key is 6982."""
    end, certificate = challenged([])
    with pytest.raises(RemoteProtocolError) as refusal:
        end.validate(certificate, ephemeral=True)
    assert refusal.value.status == 0x6982


def test_a_refusal_ends_the_session():
    """After a no, only a new E0 04 is taken."""
    end, steps = device(), recorded()
    for command in steps[:2]:
        answer(end, command)
    assert end.validate(steps[2].data, ephemeral=False)
    end.refuse()
    refused(end, steps[3])


def test_accepting_nobody_is_a_mistake_of_the_caller():
    """`accept` without a question is a bug on this side."""
    with pytest.raises(LocalProtocolError):
        device().accept()


# order of steps


def recorded():
    """Return the commands that a host with the standard seeds sends to a fresh standard device."""
    log = []
    join(host(), device(), log=log)
    return [CommandApdu.from_bytes(bytes.fromhex(command)) for command, _ in log]


def refused(end, command, status=0x6985):
    """Hold that the device refuses a command with a status."""
    with pytest.raises(RemoteProtocolError) as refusal:
        answer(end, command)
    assert refusal.value.status == status


#: what may follow the first n commands of a handshake (indices of commands: 04 50 51 51-80 52 52-80 53)
ALLOWED = {0: {0}, 1: {0, 1}, 2: {0, 2}, 3: {0, 2, 3}, 4: {0, 4, 5}, 5: {0, 4, 5}, 6: {0, 4, 5, 6}, 7: {0}}


@pytest.mark.parametrize("done", range(8))
@pytest.mark.parametrize("following", range(7))
def test_every_step_is_taken_in_its_place_only(done, following):
    """Out of order is 6985 and the session is gone; in order, repeated or again from the start, it goes on."""
    steps, end = recorded(), device()
    for command in steps[:done]:
        answer(end, command)
    if following in ALLOWED[done]:
        answer(end, steps[following])
        return
    # without a static certificate only a key that is known already may sign for the session: that is tried, and fails
    refused(end, steps[following], 0x6982 if (done, following) == (2, 3) else 0x6985)
    for command in steps[1:]:
        refused(end, command)


def test_nothing_follows_a_question_that_is_open():
    """Between E0 51 and the person's answer no step is taken."""
    for following in range(1, 7):
        steps, end = recorded(), device()
        for command in steps[:2]:
            answer(end, command)
        end.validate(steps[2].data, ephemeral=False)
        refused(end, steps[following])


def test_the_session_certificate_is_the_same_when_asked_for_again():
    """A repeated E0 52 80 makes no second key."""
    steps, end = recorded(), device()
    for command in steps[:4]:
        answer(end, command)
    assert end.certificate(ephemeral=True) == end.certificate(ephemeral=True)


@pytest.mark.parametrize(
    ("index", "data", "status"),
    [
        (0, b"", 0x6700),
        (0, bytes(3), 0x6700),
        (0, bytes(5), 0x6700),
        (0, bytes(4), 0x6484),
        (1, b"", 0x6700),
        (1, bytes(7), 0x6700),
        (1, bytes(9), 0x6700),
        (2, b"", 0x6700),
    ],
)
def test_bad_data_of_a_step_ends_the_session(index, data, status):
    """Wrong lengths are 6700, another target 6484; then the session is gone."""
    steps, end = recorded(), device()
    for command in steps[:index]:
        answer(end, command)
    refused(end, CommandApdu(0xE0, steps[index].ins, 0, 0, data), status)
    refused(end, steps[index + 1])


@pytest.mark.parametrize("index", [2, 3])
def test_a_certificate_cut_or_changed_anywhere_is_refused(index):
    """Truncated it is 6700; with any byte changed 6700 or 6982; and the session is gone."""
    steps = recorded()
    good = steps[index].data
    for position in range(len(good)):
        for data in (good[:position], good[:position] + bytes([good[position] ^ 0x01]) + good[position + 1 :]):
            end = device()
            for command in steps[:index]:
                answer(end, command)
            with pytest.raises(RemoteProtocolError) as refusal:
                answer(end, CommandApdu(0xE0, 0x51, steps[index].p1, 0, data))
            assert refusal.value.status in ({0x6700} if len(data) < len(good) else {0x6700, 0x6982})
            refused(end, steps[4])


def test_a_replayed_handshake_is_refused():
    """The host's ephemeral certificate is bound to the device's nonce: in a second session it is 6982."""
    steps, end = recorded(), device()
    for command in steps:
        answer(end, command)
    for command in steps[:3]:
        answer(end, command)
    refused(end, steps[3], 0x6982)


def test_a_session_key_off_the_curve_is_refused_at_the_end():
    """Signed but no point: no secret, 6982."""
    key = signer("manager")

    class OffCurve:
        public_key = b"\x04" + bytes(64)

    class OffCurveSuite(Suite):
        def ephemeral(self):
            return OffCurve()

    with pytest.raises(RemoteProtocolError) as refusal:
        join(host(key=key, suite=OffCurveSuite(rng=SeededRng("host"))), device())
    assert refusal.value.status == 0x6982


def test_high_s_of_an_old_host_is_accepted():
    """Old hosts send signatures with the larger s; libsecp256k1 alone would refuse them."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

    class HighS(KeySigner):
        def sign(self, message):
            der = super().sign(message)
            r = der[4 : 4 + der[3]]
            s = (order - int.from_bytes(der[6 + der[3] :], "big")).to_bytes(33, "big")
            body = b"\x02" + bytes([len(r)]) + r + b"\x02\x21" + s
            return b"\x30" + bytes([len(body)]) + body

    peer, channel = join(host(key=HighS(b"\x07" * 32)), device())
    assert channel.unwrap(peer.channel.wrap(b"x")) == b"x"


# what the host makes of a device


def test_a_device_of_another_issuer_is_reported_not_refused():
    """Without a certifying issuer the channel opens, and the answer says that nothing is known."""
    peer, channel = join(host(issuers=[signer("other").public_key]), device())
    assert not peer.genuine
    assert channel.unwrap(peer.channel.wrap(b"x")) == b"x"


def test_the_issuer_that_certified_is_named():
    """Of several expected issuers the one that holds is told."""
    peer, _ = join(host(issuers=[signer("other").public_key, ISSUER.public_key]), device())
    assert peer.issuer == ISSUER.public_key


def certificate_by(key):
    """Return a change that shows the certificate of another device."""

    def change(command, data):
        if (command.ins, command.p1) != (Ins.CHANNEL_DEVICE_CERTIFICATE, 0):
            return data
        return credentials(issuer=ISSUER, key=key).certificate.to_bytes()

    return change


def test_a_device_that_shows_a_certificate_not_its_own_is_refused():
    """The session key must be signed by the key in the certificate."""
    with pytest.raises(TrustError):
        join(host(), device(), change=certificate_by(signer("victim")))


@pytest.mark.parametrize("ins", [Ins.CHANNEL_NONCE, Ins.CHANNEL_DEVICE_CERTIFICATE])
@given(data=st.binary(max_size=300))
def test_a_host_survives_any_answer(ins, data):
    """Noise in place of nonce or certificate is a declared error."""
    with pytest.raises((RemoteProtocolError, TrustError)):
        join(host(), device(), change=lambda command, good: data if command.ins == ins else good)


def test_a_chain_must_end_in_the_signer():
    """A host cannot use a certificate of another key."""
    with pytest.raises(LocalProtocolError):
        host(chain=[link(signer("other"), ISSUER)])


def test_credentials_belong_together():
    """A certificate of another key, or a serial of another length, is refused where it is put together."""
    good = credentials(issuer=ISSUER, key=signer("device"))
    for change in ({"key": signer("other")}, {"signer_serial": b"123"}):
        fields = {"key": good.key, "certificate": good.certificate, "signer_serial": good.signer_serial} | change
        with pytest.raises(LocalProtocolError):
            DeviceCredentials(**fields)
    with pytest.raises(LocalProtocolError):
        TrustedKey(name="short", public_key=b"\x04")


def test_nothing_secret_is_shown():
    """No key shows in the texts of the objects of a handshake."""
    end = device()
    peer, channel = join(host(), end)
    shown = "".join(map(repr, (end, peer, channel, signer("device"), signer("device"))))
    assert signer("device")._private.reveal().hex() not in shown
