"""The bytes on the bus between the Secure World and the chip: `wire.chip`'s list and nothing else (secure-world 2.1, 5.2, 5.3).

One message is one datagram: type u8, then the fields.

====  ==================  =======================================  =================
type  request             fields                                   reply
====  ==================  =======================================  =================
01    `Latch`             state u8                                 `Done`
02    `Describe`          none                                     `Description`
03    `Mac`               slot u8, data (1 to 1024 bytes)          `Tag`
04    `ReadCounter`       counter u8                               `Value`
05    `IncrementCounter`  counter u8                               `Value`
06    `ReadMinimum`       role u8                                  `Value`
07    `RaiseMinimum`      role u8, security version u32            `Value`
08    `Draw`              size u8 (1 to 64)                        `Noise`
09    `DestroyKey`        none                                     `Done`
====  ==================  =======================================  =================

0A to 0D are those of `wire.chip_key`.

Replies: 81 `Done`; 82 `Description` (state u8, device id 16 bytes, key id 8 bytes, kind u8); 83 `Tag` (32 bytes);
84 `Value` (u32); 85 `Noise`; 86 `Handle`; FF `Refused` (reason u8).
"""

from __future__ import annotations

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.chip import (
    DEVICE_ID_BYTES,
    KEY_ID_BYTES,
    MAX_DATA,
    MAX_DRAW,
    TAG_BYTES,
    ChipRole,
    ChipState,
    CounterId,
    Describe,
    Description,
    DestroyKey,
    Done,
    Draw,
    FromChip,
    IncrementCounter,
    KeySlot,
    Latch,
    Mac,
    Noise,
    ProviderKind,
    RaiseMinimum,
    ReadCounter,
    ReadMinimum,
    Refusal,
    Refused,
    Tag,
    ToChip,
    Value,
)
from tallystick.wire.chip_key import (
    MAX_HANDLE,
    Derive,
    Discard,
    Enroll,
    Failures,
    Handle,
    checked_handle,
    key_request_from_bytes,
    key_request_to_bytes,
)


def request_to_bytes(message: ToChip) -> bytes:
    """Return the datagram of a request; raise LocalProtocolError when a length cannot be."""
    match message:
        case Latch(state):
            raw = bytes((0x01, state))
        case Describe():
            raw = b"\x02"
        case Mac(slot, data):
            raw = bytes((0x03, slot)) + data
        case ReadCounter(counter):
            raw = bytes((0x04, counter))
        case IncrementCounter(counter):
            raw = bytes((0x05, counter))
        case ReadMinimum(role):
            raw = bytes((0x06, role))
        case RaiseMinimum(role, security_version):
            raw = bytes((0x07, role)) + _u32(security_version)
        case Draw(size_bytes):
            if not 1 <= size_bytes <= MAX_DRAW:
                raise LocalProtocolError(f"1 to {MAX_DRAW} bytes of noise at a time")
            raw = bytes((0x08, size_bytes))
        case DestroyKey():
            raw = b"\x09"
        case Enroll() | Derive() | Failures() | Discard():
            raw = key_request_to_bytes(message)
    if isinstance(message, Mac) and not 1 <= len(message.data) <= MAX_DATA:
        raise LocalProtocolError(f"a keyed hash is over 1 to {MAX_DATA} bytes")
    return raw


def request_from_bytes(data: bytes) -> ToChip:
    """Read a request; raise RemoteProtocolError for any datagram that is not exactly one of the thirteen."""
    size = len(data)
    try:
        match data[:1]:
            case b"\x01" if size == 2:
                return Latch(ChipState(data[1]))
            case b"\x02" if size == 1:
                return Describe()
            case b"\x03" if 3 <= size <= MAX_DATA + 2:
                return Mac(KeySlot(data[1]), data[2:])
            case b"\x04" if size == 2:
                return ReadCounter(CounterId(data[1]))
            case b"\x05" if size == 2:
                return IncrementCounter(CounterId(data[1]))
            case b"\x06" if size == 2:
                return ReadMinimum(ChipRole(data[1]))
            case b"\x07" if size == 6:
                return RaiseMinimum(ChipRole(data[1]), int.from_bytes(data[2:], "big"))
            case b"\x08" if size == 2 and 1 <= data[1] <= MAX_DRAW:
                return Draw(data[1])
            case b"\x09" if size == 1:
                return DestroyKey()
    except ValueError:
        pass
    message = key_request_from_bytes(data)
    if message is None:
        raise RemoteProtocolError("not a request to the chip")
    return message


def reply_to_bytes(message: FromChip) -> bytes:
    """Return the datagram of a reply; raise LocalProtocolError when a length cannot be."""
    match message:
        case Done():
            return b"\x81"
        case Description(state, device_id, key_id, kind):
            if len(device_id) != DEVICE_ID_BYTES or len(key_id) != KEY_ID_BYTES:
                raise LocalProtocolError("a device id has 16 bytes, a key id 8")
            return bytes((0x82, state)) + device_id + key_id + bytes((kind,))
        case Tag(value):
            if len(value) != TAG_BYTES:
                raise LocalProtocolError("a keyed hash has 32 bytes")
            return b"\x83" + value
        case Value(number):
            return b"\x84" + _u32(number)
        case Noise(noise):
            if not 1 <= len(noise) <= MAX_DRAW:
                raise LocalProtocolError(f"1 to {MAX_DRAW} bytes of noise at a time")
            return b"\x85" + noise
        case Handle(handle):
            return b"\x86" + checked_handle(handle)
        case Refused(reason):
            return bytes((0xFF, reason))


def reply_from_bytes(data: bytes) -> FromChip:
    """Read a reply; raise RemoteProtocolError for any datagram that is not exactly one of the seven."""
    size = len(data)
    try:
        match data[:1]:
            case b"\x81" if size == 1:
                return Done()
            case b"\x82" if size == 3 + DEVICE_ID_BYTES + KEY_ID_BYTES:
                device_id, key_id = data[2 : 2 + DEVICE_ID_BYTES], data[2 + DEVICE_ID_BYTES : -1]
                return Description(ChipState(data[1]), device_id, key_id, ProviderKind(data[-1]))
            case b"\x83" if size == 1 + TAG_BYTES:
                return Tag(data[1:])
            case b"\x84" if size == 5:
                return Value(int.from_bytes(data[1:], "big"))
            case b"\x85" if 2 <= size <= MAX_DRAW + 1:
                return Noise(data[1:])
            case b"\x86" if 2 <= size <= 1 + MAX_HANDLE:
                return Handle(data[1:])
            case b"\xff" if size == 2:
                return Refused(Refusal(data[1]))
    except ValueError:
        pass
    raise RemoteProtocolError("not a reply of the chip")


def _u32(number: int) -> bytes:
    if not 0 <= number < 1 << 32:
        raise LocalProtocolError(f"{number} does not fit 32 bits")
    return number.to_bytes(4, "big")
