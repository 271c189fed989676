"""The session with a PKCS#11 token: logged in once, kept open, opened anew when it was lost (secure-world 7).

Logging in costs more than a signature, so there is one session for each worker process. When the token went away (pulled,
its service restarted, the session dropped) the next action opens everything once more and fails only if that fails.
The library is told nothing of threads, so one lock for the whole process stands around every call. After a fork a token
must be opened anew: open it in the worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from tallystick.crypto.secret import Secret
from tallystick.errors import PermissionDenied, TrustError
from tallystick.manager.hsm.address import TokenAddress
from tallystick.manager.hsm.library import load_library, our_errors

if TYPE_CHECKING:
    import pkcs11
    from pkcs11 import _pkcs11

ValueT = TypeVar("ValueT")

#: a PKCS#11 library is one for the whole process, whoever uses it
_LIBRARY: Final = threading.RLock()
#: how often, and how long apart (seconds), a token that is not seen is looked for again
_LOOKS: Final = 3
_LOOK_AGAIN_S: Final = 0.02


class TokenSession:
    """The session with the token at `address`, closed until `open`; it remembers the private keys it has found, too."""

    def __init__(self, address: TokenAddress, pin: Secret) -> None:
        self._address = address
        self._pin = pin
        self._session: pkcs11.Session | None = None
        self._private: dict[str, pkcs11.SignMixin] = {}
        #: tokens lock themselves after a few wrong PINs, so one that was refused is not tried again
        self._is_refused = False

    @cached_property
    def ecdsa(self) -> pkcs11.Mechanism:
        """The mechanism of all signatures: of a digest, without a hash of its own."""
        from pkcs11 import Mechanism

        return Mechanism.ECDSA

    def open(self) -> None:
        """Find the token and log in; raise DeviceNotFound, PermissionDenied (after which no PIN is tried again), TransportError."""
        with _LIBRARY, our_errors():
            self._log_in(is_fresh=False)

    def close(self) -> None:
        """Log out. Twice is harmless; a token that has gone is gone."""
        with _LIBRARY:
            self._forget()

    def private_key(self, session: pkcs11.Session, label: str) -> pkcs11.SignMixin:
        """Return the private key of a label, looked up once in a session; raise TrustError for one that does not sign."""
        from pkcs11 import ObjectClass, SignMixin

        if label not in self._private:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
            if not isinstance(key, SignMixin):
                raise TrustError(f"the token's key {label} does not sign")
            self._private[label] = key
        return self._private[label]

    def carry_out(self, action: Callable[[pkcs11.Session], ValueT], *, is_writing: bool = False) -> ValueT:
        """Do something with the session; open everything again, once, when the session or the token has gone.

        `is_writing` gives the action a session that may write, for itself alone. Raises what `our_errors` does.
        """
        from pkcs11 import exceptions

        with _LIBRARY, our_errors():
            if is_writing:
                return self._write(action)
            try:
                return action(self._session or self._log_in(is_fresh=False))
            except _lost():
                return action(self._log_in(is_fresh=True))
            except exceptions.PKCS11Error as error:
                # the bare class: the binding's own word for a library that somebody else in this process ended
                if type(error) is not exceptions.PKCS11Error:
                    raise
                return action(self._log_in(is_fresh=True))

    def sign_at_once(self, label: str, digest: bytes) -> bytes | None:
        """Return the signature (``r ‖ s``) of a key that `private_key` has found, if it takes one call of the library and no waiting.

        None when the session was lost, somebody else uses the library, or the token fails: `carry_out` says how.
        """
        from pkcs11 import exceptions

        if not _LIBRARY.acquire(blocking=False):
            return None
        try:
            key = self._private.get(label)
            return None if key is None else key.sign(digest, mechanism=self.ecdsa)
        except exceptions.PKCS11Error:
            return None
        finally:
            _LIBRARY.release()

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


@cache
def _lost() -> tuple[type[Exception], ...]:
    """Return the errors after which everything is to be opened again."""
    from pkcs11 import exceptions

    return (
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
