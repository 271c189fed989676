"""TPM 2.0 commands as bytes: the few that a key provider needs (TPM 2.0 Library, parts 2 and 3).

Written out here instead of bound to a library, for three reasons: nothing has to be compiled to use a TPM, a sandboxed
process needs one open descriptor and no more, and no passwords travel on command lines. Sessions are not encrypted:
what the TPM gives is of no use without the PIN, and whoever taps its bus learns nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, unique

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Rng
from tallystick.errors import RemoteProtocolError, StateError
from tallystick.wire.buffer import Reader, Writer

#: hands over a command and returns the response
Exchange = Callable[[bytes], bytes]

OWNER = 0x40000001
NULL = 0x40000007
LOCKOUT = 0x4000000A
SHA256 = 0x000B
_PASSWORD = 0x40000009
_CONTINUE = 0x01
_NO_SESSIONS, _SESSIONS = 0x8001, 0x8002
_HEADER_BYTES = 10
_NONCE_BYTES = 16
MAX_RESPONSE = 4096
#: TPM_CAP_HANDLES; the first handle of loaded objects, of HMAC and of policy sessions; and more than any TPM has loaded
_HANDLES, _LOADED, _MANY = 1, (0x80000000, 0x02000000, 0x03000000), 64
_RETRIES = 5


@unique
class Cc(IntEnum):
    """Command codes."""

    NV_UNDEFINE_SPACE = 0x122
    HIERARCHY_CHANGE_AUTH = 0x129
    NV_DEFINE_SPACE = 0x12A
    CREATE_PRIMARY = 0x131
    NV_INCREMENT = 0x134
    NV_WRITE = 0x137
    NV_READ = 0x14E
    POLICY_SECRET = 0x151
    CREATE = 0x153
    LOAD = 0x157
    UNSEAL = 0x15E
    FLUSH_CONTEXT = 0x165
    NV_READ_PUBLIC = 0x169
    POLICY_AUTH_VALUE = 0x16B
    START_AUTH_SESSION = 0x176
    GET_CAPABILITY = 0x17A
    GET_RANDOM = 0x17B
    POLICY_PCR = 0x17F
    PCR_EXTEND = 0x182
    POLICY_GET_DIGEST = 0x189


@unique
class Rc(IntEnum):
    """Response codes that mean something to us, without the number of the parameter they are about."""

    HANDLE = 0x08B
    AUTH_FAIL = 0x08E
    BAD_AUTH = 0x0A2
    #: an index that has counted to its limit
    AUTH_UNAVAILABLE = 0x12F
    LOCKOUT = 0x921
    RETRY = 0x922


class TpmError(StateError):
    """The TPM answered a response code other than success."""

    code = "tpm"

    def __init__(self, command: Cc, response: int) -> None:
        super().__init__(
            f"the TPM answered {response:#05x} to {command.name}", remedy="look the code up in TPM 2.0 part 2"
        )
        #: the code without handle, session or parameter number
        self.response = response & 0xBF if response & 0x80 else response


@dataclass(frozen=True, slots=True)
class Entity:
    """A handle with its name, which is what authorizations cover; a session or hierarchy is named by its handle."""

    handle: int
    name: bytes = b""

    def named(self) -> bytes:
        """Return the name."""
        return self.name or self.handle.to_bytes(4, "big")


@dataclass(slots=True)
class Session:
    """A session, with the key of what it authorizes; `handle` of the password session sends the key as it is."""

    handle: int = _PASSWORD
    key: Secret = field(default_factory=lambda: Secret(b""))
    rng: Rng | None = None
    _tpm_nonce: bytes = b""
    _nonce: bytes = b""

    def began(self, tpm_nonce: bytes) -> None:
        """Take the first nonce of the TPM."""
        self._tpm_nonce = tpm_nonce

    def authorize(self, command: bytes) -> bytes:
        """Return the authorization of a command, given its hash (32 bytes)."""
        if self.rng is None:
            proof = self.key.reveal()
        else:
            self._nonce = self.rng.read(_NONCE_BYTES)
            proof = self._hmac(command, self._nonce, self._tpm_nonce)
        writer = Writer().u32(self.handle).u16(len(self._nonce)).take(self._nonce).u8(_CONTINUE)
        return writer.u16(len(proof)).take(proof).to_bytes()

    def check(self, response: bytes, reader: Reader) -> None:
        """Check the TPM's authorization of its response, given the response's hash; raise RemoteProtocolError."""
        nonce, attributes, proof = sized(reader), reader.u8(), sized(reader)
        if self.rng is None:
            return
        self._tpm_nonce = nonce
        expected = self._hmac(response, nonce, self._nonce, attributes)
        if not hmac.compare_digest(expected, proof):
            raise RemoteProtocolError("the response is not the TPM's")

    def _hmac(self, digest: bytes, newer: bytes, older: bytes, attributes: int = _CONTINUE) -> bytes:
        key = self.key.reveal().rstrip(b"\x00")  # as the TPM keeps it (part 1, 19.6.4.3)
        return hmac.new(key, digest + newer + older + bytes((attributes,)), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Response:
    """Handle, if the command gives one, and a reader over its parameters."""

    handle: int
    parameters: Reader


class Tpm:
    """A TPM behind `exchange`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def run(
        self,
        code: Cc,
        *entities: Entity | int,
        parameters: bytes = b"",
        sessions: Sequence[Session] = (),
        gives_handle: bool = False,
    ) -> Response:
        """Run a command; `sessions` authorize the first of the entities, in their order.

        Raises:
            TpmError: the TPM refuses.
            RemoteProtocolError: what comes back is no response.

        """
        named = [entity if isinstance(entity, Entity) else Entity(entity) for entity in entities]
        digest = hashlib.sha256(
            code.to_bytes(4, "big") + b"".join(entity.named() for entity in named) + parameters
        ).digest()
        body = b"".join(entity.handle.to_bytes(4, "big") for entity in named)
        if sessions:
            area = b"".join(session.authorize(digest) for session in sessions)
            body += len(area).to_bytes(4, "big") + area
        body += parameters
        header = Writer().u16(_SESSIONS if sessions else _NO_SESSIONS).u32(_HEADER_BYTES + len(body)).u32(code)
        raw = self._exchange(header.to_bytes() + body)
        for _ in range(_RETRIES):  # before it first checks a password under lock-out, it must note that it does
            if raw[6:10] != Rc.RETRY.to_bytes(4, "big"):
                break
            raw = self._exchange(header.to_bytes() + body)
        return _response(code, raw, sessions, gives_handle=gives_handle)

    def flush(self, handle: int) -> None:
        """Forget a loaded object or a session."""
        self.run(Cc.FLUSH_CONTEXT, handle)

    def flush_all(self) -> None:
        """Forget every loaded object and session, for a TPM without a resource manager that does so when its user is gone."""
        for first in _LOADED:
            asked = Writer().u32(_HANDLES).u32(first).u32(_MANY).to_bytes()
            answer = self.run(Cc.GET_CAPABILITY, parameters=asked).parameters
            answer.u8()
            if answer.u32() != _HANDLES:
                raise RemoteProtocolError("the TPM does not say what it has loaded")
            for _ in range(min(answer.u32(), _MANY)):
                self.flush(answer.u32())


def _response(code: Cc, raw: bytes, sessions: Sequence[Session], *, gives_handle: bool) -> Response:
    reader = Reader(raw)
    tag, size_bytes, result = reader.u16(), reader.u32(), reader.u32()
    if size_bytes != len(raw):
        raise RemoteProtocolError("the response of the TPM has another length")
    if result:
        raise TpmError(code, result)
    handle = reader.u32() if gives_handle else 0
    if tag != _SESSIONS:
        if sessions:
            raise RemoteProtocolError("the response of the TPM is not authorized")
        return Response(handle, reader)
    parameters = reader.take(reader.u32())
    digest = hashlib.sha256(bytes(4) + code.to_bytes(4, "big") + parameters).digest()
    for session in sessions:
        session.check(digest, reader)
    reader.finish()
    return Response(handle, Reader(parameters))


def sized(reader: Reader) -> bytes:
    """Return a TPM2B: length u16, then that many bytes."""
    return reader.take(reader.u16())


def as_sized(data: bytes) -> bytes:
    """Return the TPM2B of `data`."""
    return Writer().u16(len(data)).take(data).to_bytes()
