"""Fuzz targets for every parser of the wire room.

Each target takes any bytes. It returns when the parser accepts or refuses them with a declared error, and lets everything else
out. The same functions serve the bounded runs in `test_fuzz_room.py` and a coverage-guided fuzzer::

    import atheris, targets_wire
    atheris.Setup(sys.argv, targets_wire.targets["apdu"]); atheris.Fuzz()
"""

import contextlib
from collections import deque
from collections.abc import Callable

from tallystick.crypto.scp import KeySigner, Suite, open_records
from tallystick.errors import LocalProtocolError, RemoteProtocolError, UsageError
from tallystick.wire import http
from tallystick.wire.apdu import CommandApdu, ResponseApdu
from tallystick.wire.app_list import decode_app_list, encode_app_list
from tallystick.wire.arbiter import Arbiter, Deliver, Execute
from tallystick.wire.ble import BleFraming
from tallystick.wire.certificate import DeviceCertificate, EndorsedKey, HostCertificate, device_message
from tallystick.wire.channel import Channel, DeviceCredentials, DeviceHandshake, TrustedKey
from tallystick.wire.ctaphid import MAX_CTAPHID, Assembler, Capability
from tallystick.wire.ctaphid_device import CtapHidDevice, CtapHidState, RequestReceived, SendReport
from tallystick.wire.dashboard import (
    AppAndVersion,
    BatteryQuery,
    HostOnboarding,
    MemoryInfo,
    decode_app_name,
    decode_battery,
    decode_device_name,
)
from tallystick.wire.hid import HidFraming
from tallystick.wire.image import CreateApp
from tallystick.wire.install import Derivation, InstallParameters
from tallystick.wire.intel_hex import IntelHex
from tallystick.wire.loader import LoaderVersion, decode_command
from tallystick.wire.packet import ApduReceived, ReplyFrames
from tallystick.wire.path import Bip32Path
from tallystick.wire.role import Role
from tallystick.wire.status import Layer, explain
from tallystick.wire.tcp import TcpFraming
from tallystick.wire.tlv import TlvWriter, iterate_tlv
from tallystick.wire.version import parse_version

_refusal = contextlib.suppress(RemoteProtocolError)


def _pieces(data: bytes) -> list[bytes]:
    """Cut `data` as it says itself: a length byte, that many bytes, and so on."""
    pieces = []
    while data:
        pieces.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return pieces


def _exact(parse: Callable[[bytes], object], write: Callable[[object], bytes]) -> Callable[[bytes], None]:
    """Return a target for a format with one encoding: what is accepted is written back to the same bytes."""

    def target(data: bytes) -> None:
        with _refusal:
            value = parse(data)
            assert write(value) == data

    return target


def _stable(parse: Callable[[bytes], object], write: Callable[[object], bytes]) -> Callable[[bytes], None]:
    """Return a target for a format read leniently: writing what was read, and reading that, changes nothing more."""

    def target(data: bytes) -> None:
        with _refusal:
            value = parse(data)
            try:
                raw = write(value)
            except LocalProtocolError:
                return
            assert parse(raw) == value

    return target


def _write(value: object) -> bytes:
    return value.to_bytes()


def apdu(data: bytes) -> None:
    """Commands, strictly and leniently, and answers."""
    with _refusal:
        command = CommandApdu.from_bytes(data)
        assert CommandApdu.from_bytes(command.to_bytes(extended=True)) == command
    with _refusal:
        assert data.endswith(CommandApdu.lenient(data).data)
    with _refusal:
        assert ResponseApdu.from_bytes(data).to_bytes() == data


def tcp(data: bytes) -> None:
    """Both ends of a TCP stream, in any pieces, with a low limit: nothing is kept beyond it."""
    for role in Role:
        framing = TcpFraming(role, max_bytes=64)
        with _refusal:
            for piece in _pieces(data):
                framing.receive(piece)
                assert framing.pending_bytes < 4 + 64 + 2


def hid(data: bytes) -> None:
    """Both ends of a HID link; the device never raises and answers whatever it accepts."""
    device, host = HidFraming(Role.DEVICE, max_apdu_bytes=260), HidFraming(Role.HOST)
    for piece in _pieces(data):
        for event in device.receive(piece[:64]):
            assert not isinstance(event, ApduReceived) or len(event.apdu) <= 260
            assert not isinstance(event, ReplyFrames) or {len(frame) for frame in event.frames} == {64}
        with _refusal:
            host.receive(piece)


def ctaphid(data: bytes) -> None:
    """Take reports at the device's end of FIDO over HID, with requests answered now and then, and the parts of messages."""
    device, assembler, now_s = CtapHidDevice(capabilities=Capability.CBOR, max_bytes=260), Assembler(), 0.0
    for piece in _pieces(data):
        report = piece[:64].ljust(64, b"\0")
        now_s += report[-1] / 100
        for event in device.receive(report, now_s=now_s):
            assert not isinstance(event, RequestReceived) or len(event.message.data) <= 260
            assert not isinstance(event, SendReport) or len(event.raw) == 64
        if report[-1] & 1 and device.state is CtapHidState.WORKING:
            device.answer(report)
        with _refusal:
            message = assembler.receive(report)
            assert message is None or len(message.data) <= MAX_CTAPHID


def ble(data: bytes) -> None:
    """Both ends of a Bluetooth link."""
    device, host = BleFraming(Role.DEVICE, max_apdu_bytes=260), BleFraming(Role.HOST)
    device.set_att_mtu(156)
    host.negotiate()
    for piece in _pieces(data):
        for event in device.receive(piece):
            assert not isinstance(event, ReplyFrames) or all(len(frame) <= 153 for frame in event.frames)
        with _refusal:
            host.receive(piece)
        assert 20 <= host.frame_bytes <= 255


def http_body(data: bytes) -> None:
    """Answers of both proxies."""
    with _refusal:
        http.decode_answer(data)


def tlv(data: bytes) -> None:
    """Elements have one encoding."""
    with _refusal:
        writer = TlvWriter()
        for element in iterate_tlv(data):
            writer.add(element.tag, element.value)
        assert writer.to_bytes() == data


def path(data: bytes) -> None:
    """Paths in both binary forms, and as text."""
    with _refusal:
        assert Bip32Path.from_bytes(data).to_bytes() == data
    with _refusal:
        assert Bip32Path.from_words(data).to_words() == data
    with contextlib.suppress(UsageError):
        parsed = Bip32Path.parse(data.decode("utf-8", "replace"))
        assert Bip32Path.parse(str(parsed)) == parsed


def names_and_numbers(data: bytes) -> None:
    """Read the small messages: names and battery."""
    for decode in (decode_device_name, decode_app_name):
        with _refusal:
            assert decode(data).isprintable()
    for query in BatteryQuery:
        with _refusal:
            decode_battery(query, data)


def status(data: bytes) -> None:
    """Every status word is explained in every layer."""
    word = int.from_bytes(data[:2], "big")
    for layer in Layer:
        assert explain(word, layer=layer).status == word


def arbiter(data: bytes) -> None:
    """Any sequence of submit, reply and drop leaves at most one request in the device and no answer astray."""
    shared, device = Arbiter(max_queued=2), deque()
    for byte in data:
        client, action = byte & 0x0F, byte >> 6
        if action == 0 and device:
            events = shared.reply(device.popleft())
        elif action == 1:
            events = shared.drop(client)
        else:
            events = shared.submit(client, bytes((client,)))
        for event in events:
            if isinstance(event, Execute):
                device.append(event.apdu)
            if isinstance(event, Deliver):
                assert event.response == bytes((event.client,))
        assert len(device) <= 1


class _Counting:
    """Bytes for the fuzzed device: other ones each time, the same ones each run."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, size_bytes: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size_bytes, "big")


def _credentials() -> DeviceCredentials:
    issuer, key = KeySigner(b"\x55" * 32), KeySigner(b"\x33" * 32)
    signature = issuer.sign(device_message(header=b"", public_key=key.public_key))
    certificate = DeviceCertificate(public_key=key.public_key, signature=signature)
    return DeviceCredentials(key=key, certificate=certificate, signer_serial=bytes(4))


_CREDENTIALS = _credentials()
_TRUSTED = TrustedKey(name="issuer", public_key=KeySigner(b"\x55" * 32).public_key)


def handshake(data: bytes) -> None:
    """Any steps of a handshake, each a number and its data: nothing that identifies the device leaves before a signer was accepted."""
    device = DeviceHandshake(
        target_id=0x33000004, credentials=_CREDENTIALS, suite=Suite(rng=_Counting()), trusted=[_TRUSTED]
    )
    channel, accepted = None, False
    for piece in _pieces(data)[:64]:
        step, body = piece[:1], piece[1:]
        with _refusal:
            match step:
                case b"\x04":
                    accepted = False
                    device.select(body)
                case b"\x50":
                    assert len(device.challenge(body)) == 12
                case b"\x51" | b"\xd1":
                    if device.validate(body, ephemeral=step == b"\xd1"):
                        accepted = True
                        device.accept()
                case b"\x52" | b"\xd2":
                    assert device.certificate(ephemeral=step == b"\xd2")
                    assert accepted
                case b"\x53":
                    channel = device.open()
                    assert accepted
                case _ if channel:
                    channel.unwrap(body)
        assert accepted or not device.identified


def channel(data: bytes) -> None:
    """Read any records in an open channel of either kind, or refuse them for good."""
    for target_id in (0x33000002, 0x33000004):
        end = Channel(open_records(bytes(32), target_id=target_id))
        for piece in _pieces(data)[:64]:
            was_closed, plain = end.closed, None
            with _refusal:
                plain = end.unwrap(piece)
            assert end.closed == (plain is None)
            assert plain is None or (not was_closed and len(plain) < max(1, len(piece)))


def loader(data: bytes) -> None:
    """Commands of the loader in the channel and before a bootloader have one encoding."""
    for bootloader in (False, True):
        with _refusal:
            assert decode_command(data, bootloader=bootloader).to_bytes() == data


targets: dict[str, Callable[[bytes], None]] = {
    "apdu": apdu,
    "app_and_version": _exact(AppAndVersion.from_bytes, _write),
    "app_list": _stable(decode_app_list, encode_app_list),
    "arbiter": arbiter,
    "ble": ble,
    "channel": channel,
    "ctaphid": ctaphid,
    "create_app": _exact(CreateApp.from_bytes, _write),
    "derivation": _exact(Derivation.from_bytes, _write),
    "device_certificate": _exact(DeviceCertificate.from_bytes, _write),
    "endorsed_key": _exact(EndorsedKey.from_bytes, _write),
    "handshake": handshake,
    "hid": hid,
    "host_certificate": _exact(HostCertificate.from_bytes, _write),
    "host_onboarding": _exact(HostOnboarding.from_bytes, _write),
    "http": http_body,
    "install_parameters": _stable(InstallParameters.from_bytes, _write),
    "intel_hex": _stable(IntelHex.from_bytes, _write),
    "loader": loader,
    "loader_version": _stable(LoaderVersion.from_bytes, _write),
    "memory_info": _exact(MemoryInfo.from_bytes, _write),
    "names": names_and_numbers,
    "path": path,
    "status": status,
    "tcp": tcp,
    "tlv": tlv,
    "version": _stable(parse_version, _write),
}
