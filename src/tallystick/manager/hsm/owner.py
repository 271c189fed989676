"""An owner's key: it certifies attestation keys of devices, and need not be where a manager's keys are (attestation 0, 3).

It is named by the path of a key file, by ``file:DIR`` (``owner.json`` in it), by ``pkcs11:…``, or by the word ``test``: the
owner of the test realm, whose key everybody knows and whose certificates therefore say nothing about hardware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tallystick.crypto.hash import sha256
from tallystick.errors import TrustError, UsageError
from tallystick.manager.hsm.address import FileAddress, TokenAddress, parse_address
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.place import file_of, label_of, make_folder, require_allowed
from tallystick.manager.hsm.role import Realm, Role
from tallystick.manager.hsm.signer import Signer
from tallystick.manager.hsm.token import Token, TokenSigner
from tallystick.wire.certificate import owner_message

#: names the owner whose key everybody knows
TEST_OWNER: Final = "test"
_SCHEMES: Final = ("file:", "pkcs11:")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerKey:
    """An owner's key, open; close it, or use it as a context."""

    realm: Realm
    _signer: Signer = field(repr=False)
    _token: Token | None = field(default=None, repr=False)

    @classmethod
    def open(cls, where: str, *, allow_production_file: bool = False) -> Self:
        """Open the key at `where`.

        Raises UsageError when there is none, or a production key in a file that was not asked for; TrustError for a damaged
        one, or two in a token; and what `Token.open` raises.
        """
        if where == TEST_OWNER:
            return cls(realm=Realm.TEST, _signer=_test_owner())
        address = _address(where)
        if isinstance(address, TokenAddress):
            return cls._open_token(address)
        key = KeyFile.read(address, role=Role.OWNER)
        require_allowed(key.realm, allow_production=allow_production_file)
        return cls(realm=key.realm, _signer=key)

    @classmethod
    def create(cls, where: str, realm: Realm, *, allow_production_file: bool = False) -> Self:
        """Make a key at `where` and return it open; raise UsageError where there is one already, and as `open` does."""
        if where == TEST_OWNER:
            raise UsageError("the key of the owner `test` is known already, to everybody", remedy="name a file")
        address = _address(where)
        if isinstance(address, TokenAddress):
            token = Token.open(address)
            try:
                _require_none(token)
                token.create_key(label_of(realm, Role.OWNER))
            finally:
                token.close()
        else:
            require_allowed(realm, allow_production=allow_production_file)
            if where.startswith(_SCHEMES):
                make_folder(address.parent)
            KeyFile.generate(Role.OWNER, realm).write(address)
        return cls.open(where, allow_production_file=allow_production_file)

    @classmethod
    def _open_token(cls, address: TokenAddress) -> Self:
        token = Token.open(address)
        try:
            found = _owners(token)
            if not found:
                raise UsageError("the token holds no owner's key", remedy="make one with: tally owner keys create")
            if len(found) > 1:
                raise TrustError("the token holds more than one owner's key", remedy="use one token for each")
            return cls(realm=found[0], _signer=TokenSigner(token, label_of(found[0], Role.OWNER)), _token=token)
        except BaseException:
            token.close()
            raise

    @property
    def public_key(self) -> bytes:
        """The public key: 65 bytes, which verifiers and apps pin."""
        return self._signer.public_key

    @property
    def is_blocking(self) -> bool:
        """True when signing waits for a token."""
        return self._token is not None

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature with low s over the SHA-256 of `message`."""
        return self._signer.sign(message)

    def sign_digest(self, digest: bytes) -> bytes:
        """Return a DER signature with low s over `digest` (32 bytes)."""
        return self._signer.sign_digest(digest)

    def certify(self, public_key: bytes) -> bytes:
        """Return the certificate of an attestation key (65 bytes): DER over ``FE`` and the key."""
        return self.sign(owner_message(public_key))

    def close(self) -> None:
        """Let go of the token. Twice is harmless."""
        if self._token is not None:
            self._token.close()

    def __enter__(self) -> Self:
        """Return the key; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _test_owner() -> KeyFile:
    return KeyFile.generate(
        Role.OWNER, Realm.TEST, entropy=lambda _size: sha256(f"tallystick test realm: {Role.OWNER.value}".encode())
    )


def _address(where: str) -> TokenAddress | Path:
    """Return the token or the key file that is meant."""
    if not where.startswith(_SCHEMES):
        return Path(where)
    address = parse_address(where)
    return file_of(address.folder, Role.OWNER) if isinstance(address, FileAddress) else address


def _owners(token: Token) -> list[Realm]:
    """Return the realm of each owner's key in a token."""
    labels = {label_of(realm, Role.OWNER): realm for realm in Realm}
    return [labels[label] for label in token.labels() if label in labels]


def _require_none(token: Token) -> None:
    if _owners(token):
        raise UsageError("the token holds an owner's key already", remedy="keys are not replaced: use a new token")
