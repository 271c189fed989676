"""The PKCS#11 library of a token: loaded from its path, its errors said in this program's words, its points read (secure-world 7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tallystick.crypto.secp256k1 import UNCOMPRESSED_LENGTH, decompress
from tallystick.errors import DeviceNotFound, PermissionDenied, TallyError, TransportError, TrustError, UsageError

if TYPE_CHECKING:
    from pkcs11 import _pkcs11

_OCTET_STRING: Final = b"\x04\x41"


def load_library(module: str) -> _pkcs11.lib:
    """Return the library, started; raise DeviceNotFound when there is none at this path."""
    import pkcs11

    try:
        return pkcs11.lib(module)
    except pkcs11.exceptions.PKCS11Error as error:
        # the bare class: not an answer of the library, which could not be loaded
        if type(error) is not pkcs11.exceptions.PKCS11Error:
            raise
        raise DeviceNotFound("there is no PKCS#11 library at this path", remedy="correct module= in the URL") from None


def point_of(raw: bytes) -> bytes:
    """Return the 65 bytes of a point: tokens give it within an OCTET STRING, and some without (secure-world 7)."""
    data = bytes(raw)
    if len(data) == len(_OCTET_STRING) + UNCOMPRESSED_LENGTH and data.startswith(_OCTET_STRING):
        data = data[len(_OCTET_STRING) :]
    try:
        return decompress(data)
    except UsageError:
        raise TrustError("a public key of the token is not a point of secp256k1") from None


def require_extra() -> None:
    """Check that the extra is installed; raise UsageError."""
    try:
        import pkcs11  # noqa: F401 - whether it is there is the question
    except ImportError:
        raise UsageError(
            "keys in a hardware module need python-pkcs11", remedy="run: pip install 'tallystick[hsm]'"
        ) from None


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn what the library says into this program's errors: what happened and what to do, never the PIN."""
    from pkcs11 import exceptions

    try:
        yield
    except exceptions.PKCS11Error as error:
        raise _translate(error) from None


def _translate(error: Exception) -> TallyError:
    from pkcs11 import exceptions

    name = type(error).__name__
    if isinstance(error, exceptions.PinIncorrect | exceptions.PinInvalid | exceptions.PinLenRange):
        return PermissionDenied(
            "the token refuses this PIN", remedy="correct the PIN: tokens lock after a few wrong ones"
        )
    if isinstance(error, exceptions.PinLocked | exceptions.PinExpired | exceptions.UserPinNotInitialized):
        return PermissionDenied(
            f"the token's PIN cannot be used ({name})", remedy="its security officer can set a new one"
        )
    if isinstance(error, exceptions.NoSuchToken | exceptions.TokenNotPresent | exceptions.DeviceRemoved):
        return DeviceNotFound("there is no token of this label", remedy="plug it in, or correct token= in the URL")
    if isinstance(error, exceptions.NoSuchKey):
        return UsageError("the token has not this key", remedy="make keys with: tally manager keys create")
    if isinstance(error, exceptions.MultipleObjectsReturned | exceptions.MultipleTokensReturned):
        return TrustError("two tokens, or two keys of one token, have the same label")
    text = f"the token, or the library that speaks to it, failed ({name})"
    return TransportError(text, remedy="see whether it is plugged in and its service runs")
