"""One PKCS#11 token: found by label, logged in once, its session kept open (secure-world 7).

Logging in costs more than a signature, so there is one session for each worker process. When the token went away (pulled,
its service restarted, the session dropped) the next signature opens everything once more and fails only if that fails.
The library is told nothing of threads, so one lock for the whole process stands around every call. After a fork a token
must be opened anew: open it in the worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from tallystick.crypto.secret import Secret
from tallystick.errors import PermissionDenied, TrustError, UsageError
from tallystick.manager.hsm.address import TokenAddress, read_pin
from tallystick.manager.hsm.library import load_library, our_errors, point_of, require_extra
from tallystick.manager.hsm.signer import digest_of, to_der

if TYPE_CHECKING:
    import pkcs11
    from pkcs11 import _pkcs11

ValueT = TypeVar("ValueT")

#: DER of the object identifier 1.3.132.0.10, secp256k1
_CURVE: Final = bytes.fromhex("06052b8104000a")
_DIGEST_BYTES: Final = 32
_APPLICATION: Final = "tallystick"
#: a PKCS#11 library is one for the whole process, whoever uses it
_LIBRARY: Final = threading.RLock()
#: how often, and how long apart (seconds), a token that is not seen is looked for again
_LOOKS: Final = 3
_LOOK_AGAIN_S: Final = 0.02


class Token:
    """A token that is logged in. Keys are named by their label; make it with `open`."""

    def __init__(self, address: TokenAddress, pin: Secret) -> None:
        self._address = address
        self._pin = pin
        self._session: pkcs11.Session | None = None
        self._private: dict[str, pkcs11.SignMixin] = {}
        #: tokens lock themselves after a few wrong PINs, so one that was refused is not tried again
        self._is_refused = False

    @classmethod
    def open(cls, address: TokenAddress) -> Token:
        """Read the PIN, find the token and log in.

        Raises UsageError without the extra or a readable PIN, DeviceNotFound when library or token is not there,
        PermissionDenied for a wrong PIN (which is never tried twice), TransportError for anything else the token says.
        """
        require_extra()
        token = cls(address, read_pin(address.pin_source))
        with _LIBRARY, our_errors():
            token._log_in(is_fresh=False)
        return token

    def close(self) -> None:
        """Log out. Twice is harmless; a token that has gone is gone."""
        with _LIBRARY:
            self._forget()

    def labels(self) -> list[str]:
        """Return the labels of all private keys, duplicates included, sorted."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> list[str]:
            return sorted(
                key[Attribute.LABEL] for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
            )

        return self._carry_out(read)

    def create_key(self, label: str) -> bytes:
        """Make a key pair that signs and does nothing else, never leaves the token and is kept there; return its public key.

        Raises UsageError when there is a key of this label.
        """
        from pkcs11 import Attribute, KeyType, MechanismFlag

        if label in self.labels():
            raise UsageError(f"the token has a key {label} already", remedy="keys are not replaced: use another token")

        def make(session: pkcs11.Session) -> bytes:
            curve = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: _CURVE}, local=True)
            public, _ = curve.generate_keypair(
                label=label,
                id=label.encode(),
                store=True,
                capabilities=MechanismFlag.SIGN,
                public_template={Attribute.VERIFY: True, Attribute.MODIFIABLE: False},
                private_template={
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.SIGN_RECOVER: False,
                    Attribute.DECRYPT: False,
                    Attribute.UNWRAP: False,
                    Attribute.DERIVE: False,
                    Attribute.MODIFIABLE: False,
                },
            )
            return point_of(public[Attribute.EC_POINT])

        return self._carry_out(make, is_writing=True)

    def public_key(self, label: str) -> bytes:
        """Return a key's public half, 65 bytes; raise UsageError when there is none, TrustError for one of another curve."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> bytes:
            key = session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)
            if key[Attribute.EC_PARAMS] != _CURVE:
                raise TrustError(f"the key {label} of the token is not one of secp256k1")
            return point_of(key[Attribute.EC_POINT])

        return self._carry_out(read)

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        """Return a DER signature with low s over `digest` (32 bytes); raise UsageError when there is no such key."""
        from pkcs11 import Mechanism, ObjectClass, SignMixin

        if len(digest) != _DIGEST_BYTES:
            raise UsageError(f"the digest has {len(digest)} bytes, not {_DIGEST_BYTES}")

        def sign(session: pkcs11.Session) -> bytes:
            if label not in self._private:
                key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
                if not isinstance(key, SignMixin):
                    raise TrustError(f"the token's key {label} does not sign")
                self._private[label] = key
            return self._private[label].sign(digest, mechanism=Mechanism.ECDSA)

        return to_der(self._carry_out(sign))

    def write_data(self, label: str, data: bytes) -> None:
        """Keep a few public bytes, such as a certificate, beside the keys."""
        from pkcs11 import Attribute, ObjectClass

        template = {
            Attribute.CLASS: ObjectClass.DATA,
            Attribute.TOKEN: True,
            Attribute.PRIVATE: False,
            Attribute.LABEL: label,
            Attribute.APPLICATION: _APPLICATION,
            Attribute.VALUE: data,
        }
        self._carry_out(lambda session: session.create_object(template), is_writing=True)

    def read_data(self, label: str) -> bytes | None:
        """Return what was kept under a label; None when there is nothing, TrustError when there are two."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> list[bytes]:
            wanted = {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: label}
            return [bytes(one[Attribute.VALUE]) for one in session.get_objects(wanted)]

        found = self._carry_out(read)
        if len(found) > 1:
            raise TrustError(f"the token holds {label} twice")
        return found[0] if found else None

    def _carry_out(self, action: Callable[[pkcs11.Session], ValueT], *, is_writing: bool = False) -> ValueT:
        """Do something with the session; open everything again, once, when the session or the token has gone."""
        from pkcs11 import exceptions

        lost = (
            exceptions.DeviceError,
            exceptions.DeviceRemoved,
            exceptions.FunctionFailed,
            exceptions.GeneralError,
            exceptions.KeyHandleInvalid,
            exceptions.ObjectHandleInvalid,
            exceptions.SessionClosed,
            exceptions.SessionHandleInvalid,
            exceptions.TokenNotPresent,
            exceptions.UserNotLoggedIn,
        )
        with _LIBRARY, our_errors():
            if is_writing:
                return self._write(action)
            try:
                return action(self._session or self._log_in(is_fresh=False))
            except lost:
                return action(self._log_in(is_fresh=True))
            except exceptions.PKCS11Error as error:
                # the bare class: the binding's own word for a library that somebody else in this process ended
                if type(error) is not exceptions.PKCS11Error:
                    raise
                return action(self._log_in(is_fresh=True))

    def _write(self, action: Callable[[pkcs11.Session], ValueT]) -> ValueT:
        """Do something in a session that may write, which exists for this alone."""
        self._forget()
        try:
            return action(self._log_in(is_fresh=False, is_writing=True))
        finally:
            self._forget()

    def _log_in(self, *, is_fresh: bool, is_writing: bool = False) -> pkcs11.Session:
        """Open a session; with the library started anew when `is_fresh`, which is how it sees tokens come and go."""
        import pkcs11

        self._forget()
        if self._is_refused:
            raise PermissionDenied("the token had refused this PIN", remedy="correct the PIN and start again")
        token = _find(load_library(str(self._address.module)), self._address.token, is_fresh=is_fresh)
        try:
            self._session = token.open(rw=is_writing, user_pin=self._pin.reveal().decode("ascii"))
        except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinLocked):
            self._is_refused = True
            raise
        except pkcs11.exceptions.UserAlreadyLoggedIn:
            # by another session of this process: the state of the log-in is one for all of them
            self._session = token.open(rw=is_writing)
        return self._session

    def _forget(self) -> None:
        from pkcs11 import exceptions

        session, self._session = self._session, None
        self._private.clear()
        if session is not None:
            try:
                session.close()
            except exceptions.PKCS11Error:
                # it went away by itself, which is why it is forgotten
                return


class TokenSigner:
    """One key of a token: a `Signer`."""

    __slots__ = ("_label", "_public_key", "_token")

    def __init__(self, token: Token, label: str) -> None:
        self._token = token
        self._label = label
        self._public_key = token.public_key(label)

    @property
    def public_key(self) -> bytes:
        """The public key, 65 bytes."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature over the SHA-256 of `message`; the token sees the digest alone."""
        return self._token.sign_digest(self._label, digest_of(message))

    def sign_digest(self, digest: bytes) -> bytes:
        """Return a DER signature over `digest` (32 bytes)."""
        return self._token.sign_digest(self._label, digest)


def _find(library: _pkcs11.lib, label: str, *, is_fresh: bool) -> pkcs11.Token:
    """Return the token of this label; with the library started anew first when `is_fresh`, and again while there is none.

    A library sees a token that was made or plugged in only when it starts, and may miss one that another process opens then.
    """
    from pkcs11 import exceptions

    if is_fresh:
        library.reinitialize()
    for _ in range(_LOOKS):
        with suppress(exceptions.NoSuchToken):
            return library.get_token(token_label=label)
        time.sleep(_LOOK_AGAIN_S)
        library.reinitialize()
    return library.get_token(token_label=label)
