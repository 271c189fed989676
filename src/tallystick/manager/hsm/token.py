"""One PKCS#11 token: its keys by their labels, what they sign, and what is kept beside them (secure-world 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tallystick.errors import TrustError, UsageError
from tallystick.manager.hsm.address import TokenAddress, read_pin
from tallystick.manager.hsm.library import point_of, require_extra
from tallystick.manager.hsm.signer import digest_of, to_der
from tallystick.manager.hsm.token_session import TokenSession

if TYPE_CHECKING:
    import pkcs11

#: DER of the object identifier 1.3.132.0.10, secp256k1
_CURVE: Final = bytes.fromhex("06052b8104000a")
_DIGEST_BYTES: Final = 32
_APPLICATION: Final = "tallystick"


class Token:
    """A token that is logged in. Keys are named by their label; make it with `open`."""

    def __init__(self, session: TokenSession) -> None:
        self._session = session

    @classmethod
    def open(cls, address: TokenAddress) -> Token:
        """Read the PIN, find the token and log in.

        Raises UsageError without the extra or a readable PIN, DeviceNotFound when library or token is not there,
        PermissionDenied for a wrong PIN (which is never tried twice), TransportError for anything else the token says.
        """
        require_extra()
        session = TokenSession(address, read_pin(address.pin_source))
        session.open()
        return cls(session)

    def close(self) -> None:
        """Log out. Twice is harmless; a token that has gone is gone."""
        self._session.close()

    def labels(self) -> list[str]:
        """Return the labels of all private keys, duplicates included, sorted."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> list[str]:
            return sorted(
                key[Attribute.LABEL] for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
            )

        return self._session.carry_out(read)

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

        return self._session.carry_out(make, is_writing=True)

    def public_key(self, label: str) -> bytes:
        """Return a key's public half, 65 bytes; raise UsageError when there is none, TrustError for one of another curve."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> bytes:
            key = session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)
            if key[Attribute.EC_PARAMS] != _CURVE:
                raise TrustError(f"the key {label} of the token is not one of secp256k1")
            return point_of(key[Attribute.EC_POINT])

        return self._session.carry_out(read)

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        """Return a DER signature with low s over `digest` (32 bytes); raise UsageError when there is no such key."""
        if len(digest) != _DIGEST_BYTES:
            raise UsageError(f"the digest has {len(digest)} bytes, not {_DIGEST_BYTES}")
        mechanism = self._session.ecdsa

        def sign(session: pkcs11.Session) -> bytes:
            return self._session.private_key(session, label).sign(digest, mechanism=mechanism)

        return to_der(self._session.carry_out(sign))

    def sign_digest_at_once(self, label: str, digest: bytes) -> bytes | None:
        """Return the same for a key that has signed before, None when more is to be done, or waited for, than a signature."""
        raw = self._session.sign_at_once(label, digest)
        return None if raw is None else to_der(raw)

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
        self._session.carry_out(lambda session: session.create_object(template), is_writing=True)

    def read_data(self, label: str) -> bytes | None:
        """Return what was kept under a label; None when there is nothing, TrustError when there are two."""
        from pkcs11 import Attribute, ObjectClass

        def read(session: pkcs11.Session) -> list[bytes]:
            wanted = {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: label}
            return [bytes(one[Attribute.VALUE]) for one in session.get_objects(wanted)]

        found = self._session.carry_out(read)
        if len(found) > 1:
            raise TrustError(f"the token holds {label} twice")
        return found[0] if found else None


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

    def sign_at_once(self, message: bytes) -> bytes | None:
        """Return the same if that is nothing but a signature of an open session, None otherwise."""
        return self._token.sign_digest_at_once(self._label, digest_of(message))

    def sign_digest(self, digest: bytes) -> bytes:
        """Return a DER signature over `digest` (32 bytes)."""
        return self._token.sign_digest(self._label, digest)
