"""The exception tree of the whole package.

::

    TallyError
    ├── ProtocolError             bytes that break a protocol
    │   ├── LocalProtocolError    we misused a core: a bug in the caller, never caught
    │   └── RemoteProtocolError   the peer sent something it must not; carries the status word to answer
    ├── TransportError            the way to the device failed
    │   ├── DeviceNotFound        nothing there
    │   ├── AmbiguousDevice       more than one candidate and no choice made
    │   ├── DeviceBusy            somebody else holds it
    │   ├── PermissionDenied      it is there, but we may not open it
    │   └── TransportTimeout      no answer in time
    ├── StatusError               the device answered a status word other than success
    │   └── UserRefused           the person said no on the device
    ├── TrustError                a signature, hash, certificate or measurement that does not hold
    ├── StateError                the device's own storage cannot be used
    │   ├── StateLocked           another process has the state directory open
    │   └── StateCorrupt          what was read is not what was written
    └── UsageError                the request cannot be carried out as asked

Texts say what is wrong and never hold a secret; `remedy` says what to do about it, in one sentence.
"""

from __future__ import annotations


class TallyError(Exception):
    """Base of every error this package raises on purpose."""

    #: stable word for machine-readable output
    code = "error"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ProtocolError(TallyError):
    """Bytes break a protocol."""

    code = "protocol_error"


class LocalProtocolError(ProtocolError):
    """This side misused a protocol core: a bug in the caller, never caught."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; `status` is the status word (16 bits) a device should answer, 0 for silence."""

    def __init__(self, message: str, *, status: int = 0x6F00, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class TransportError(TallyError):
    """The way to the device failed: a closed socket, a lost cable."""

    code = "transport_error"


class DeviceNotFound(TransportError):
    """No device answers at the address, or none is plugged in."""

    code = "no_device"


class AmbiguousDevice(TransportError):
    """More than one device fits and none was chosen; `candidates` holds their URLs."""

    code = "ambiguous_device"

    def __init__(self, message: str, *, candidates: list[str], remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.candidates = candidates


class DeviceBusy(TransportError):
    """Another program holds the device, or the port is taken."""

    code = "device_busy"


class PermissionDenied(TransportError):
    """The device is there but this user may not open it."""

    code = "no_permission"


class TransportTimeout(TransportError):
    """No answer came in time."""

    code = "timeout"


class StatusError(TallyError):
    """The device answered a status word (16 bits) other than 9000; `data` is what stood before it."""

    code = "refused_by_device"

    def __init__(self, message: str, *, status: int, data: bytes = b"", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.data = data


class UserRefused(StatusError):
    """The person at the device said no."""

    code = "refused_by_user"


class TrustError(TallyError):
    """A signature, hash, certificate or measurement does not hold."""

    code = "not_trusted"


class StateError(TallyError):
    """The device's own storage cannot be used."""

    code = "state_error"


class StateLocked(StateError):
    """Another process has the state directory open."""

    code = "state_busy"


class StateCorrupt(StateError):
    """What was read from the state directory is not what was written."""

    code = "state_corrupt"


class UsageError(TallyError):
    """The request cannot be carried out as asked."""

    code = "usage"
