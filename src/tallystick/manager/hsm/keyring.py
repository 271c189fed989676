"""Issuer, software and signer together: the keys that a manager and a factory work with, opened and made (secure-world 7).

All three belong to one realm, and a certificate by the issuer says that the signer is its manager: devices of that issuer
then show the manager as known. Opening checks all of it, so that what is open is whole.

Signing in files takes microseconds. A token may take long enough to hold up a server's event loop (a third of a millisecond
in software, many milliseconds in hardware), and it serves one call at a time anyway: `step` runs what may sign in the
keyring's one thread, and `sign` has the signer's signatures made there too unless the token is quick.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeVar

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import RemoteProtocolError, TrustError, UsageError
from tallystick.manager.hsm.address import FileAddress, TokenAddress, parse_address
from tallystick.manager.hsm.key_file import KeyFile
from tallystick.manager.hsm.key_thread import KeyThread
from tallystick.manager.hsm.place import file_of, label_of, label_prefix, make_folder, require_allowed
from tallystick.manager.hsm.prompt import PromptSigner
from tallystick.manager.hsm.role import KEYRING_ROLES, Realm, Role
from tallystick.manager.hsm.signer import Signer, digest_of
from tallystick.manager.hsm.token import Token, TokenSigner
from tallystick.wire.certificate import HostCertificate, signer_message

ValueT = TypeVar("ValueT")

_SERIAL_BYTES: Final = 4
_REMEDY: Final = "make keys with: tally manager keys create"
_PROBE: Final = hashlib.sha256(b"tallystick: do the halves of this key belong together?").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Three keys of one realm, and the signer's host certificate (attestation 2, step 3). Open one in each worker process."""

    realm: Realm
    issuer: Signer
    software: Signer
    signer: Signer
    signer_certificate: HostCertificate
    _token: Token | None = field(default=None, repr=False)
    _thread: KeyThread | None = field(default=None, repr=False)
    _prompt: PromptSigner | None = field(default=None, repr=False)

    @classmethod
    def open(cls, url: str, *, allow_production_file: bool = False) -> Keyring:
        """Open the keys at ``file:DIR`` or ``pkcs11:…`` and check that they belong together.

        Raises UsageError for a bad URL, missing keys, or production keys in files that were not asked for; TrustError for
        keys that disagree; and what `Token.open` raises.
        """
        address = parse_address(url)
        if isinstance(address, FileAddress):
            return _open_files(address, allow_production=allow_production_file)
        token = Token.open(address)
        try:
            return _open_token(token)
        except BaseException:
            token.close()
            raise

    @classmethod
    def create(cls, url: str, realm: Realm, *, allow_production_file: bool = False) -> Keyring:
        """Make three keys at `url`, let the issuer certify the signer, and return them open.

        Raises UsageError where there are keys already, and as `open` does.
        """
        address = parse_address(url)
        if isinstance(address, FileAddress):
            require_allowed(realm, allow_production=allow_production_file)
            _create_files(address, realm)
        else:
            _create_in_token(address, realm)
        return cls.open(url, allow_production_file=allow_production_file)

    @property
    def signer_serial(self) -> bytes:
        """The four bytes that name the issuer's key in ``E0 50``: equal for all its devices, so they identify none."""
        return hashlib.sha256(self.issuer.public_key).digest()[:_SERIAL_BYTES]

    @property
    def is_blocking(self) -> bool:
        """True when signing waits for a token; then signing belongs into `sign` or `step`."""
        return self._thread is not None

    def sign(self, message: bytes) -> bytes | asyncio.Future[bytes]:
        """Return the signer's signature over the SHA-256 of `message` (DER, low s), or a future with it while the token takes time."""
        return self.signer.sign(message) if self._prompt is None else self._prompt.sign(message)

    def step(self, function: Callable[..., ValueT], *arguments: object) -> asyncio.Future[ValueT]:
        """Call what may sign without holding up the event loop; for keys in files, which take microseconds, at once."""
        if self._thread is not None:
            return self._thread.call(function, *arguments)
        future: asyncio.Future[ValueT] = asyncio.get_running_loop().create_future()
        future.set_result(function(*arguments))
        return future

    def close(self) -> None:
        """End thread and session. Twice is harmless."""
        if self._thread is not None:
            self._thread.close()
        if self._token is not None:
            self._token.close()

    def __enter__(self) -> Self:
        """Return the keyring; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def certify_signer(issuer: Signer, signer_public_key: bytes) -> HostCertificate:
    """Return the issuer's certificate for a manager's signer: role 01, over the key of 65 bytes (wire-protocol D.1)."""
    return HostCertificate(public_key=signer_public_key, signature=issuer.sign(signer_message(signer_public_key)))


def _open_files(address: FileAddress, *, allow_production: bool) -> Keyring:
    keys = {role: KeyFile.read(file_of(address.folder, role), role=role) for role in KEYRING_ROLES}
    realms = {key.realm for key in keys.values()}
    if len(realms) > 1:
        raise TrustError("the keys of this folder belong to different realms", remedy="never put two realms together")
    realm = realms.pop()
    require_allowed(realm, allow_production=allow_production)
    return _checked(
        Keyring(
            realm=realm,
            issuer=keys[Role.ISSUER],
            software=keys[Role.SOFTWARE],
            signer=keys[Role.SIGNER],
            signer_certificate=_certificate(keys[Role.SIGNER].certificate),
        )
    )


def _open_token(token: Token) -> Keyring:
    realm = _realm_of(token.labels())
    certificate = token.read_data(_certificate_label(realm))
    keys = {role: TokenSigner(token, label_of(realm, role)) for role in KEYRING_ROLES}
    thread = KeyThread()
    return _checked(
        Keyring(
            realm=realm,
            issuer=keys[Role.ISSUER],
            software=keys[Role.SOFTWARE],
            signer=keys[Role.SIGNER],
            signer_certificate=_certificate(certificate or b""),
            _token=token,
            _thread=thread,
            _prompt=PromptSigner(keys[Role.SIGNER], thread),
        )
    )


def _realm_of(labels: list[str]) -> Realm:
    """Return the one realm whose three keys a token holds, each once."""
    # an owner's key may be in the same token: it is another party's, with a realm of its own to be checked where it is used
    ours = [label for label in labels if label not in {label_of(realm, Role.OWNER) for realm in Realm}]
    found = {realm: [label for label in ours if label.startswith(label_prefix(realm))] for realm in Realm}
    realms = [realm for realm, held in found.items() if held]
    if not realms:
        raise UsageError("the token holds no keys of this program", remedy=_REMEDY)
    if len(realms) > 1:
        raise TrustError("the token holds keys of both realms", remedy="never put two realms together: use two tokens")
    realm = realms[0]
    if sorted(found[realm]) != sorted(label_of(realm, role) for role in KEYRING_ROLES):
        raise TrustError("the token does not hold each of the three keys once", remedy="use a new token")
    return realm


def _certificate_label(realm: Realm) -> str:
    return f"{label_of(realm, Role.SIGNER)}-certificate"


def _certificate(raw: bytes) -> HostCertificate:
    try:
        return HostCertificate.from_bytes(raw)
    except RemoteProtocolError as error:
        raise TrustError("the signer's certificate is missing or damaged", remedy=_REMEDY) from error


def _checked(keyring: Keyring) -> Keyring:
    """Return the keyring if its certificate is the issuer's for the signer, and every key signs as its public half says."""
    try:
        certificate = keyring.signer_certificate
        message = signer_message(keyring.signer.public_key)
        if certificate.public_key != keyring.signer.public_key or not verify_ecdsa_der(
            keyring.issuer.public_key, digest_of(message), certificate.signature
        ):
            raise TrustError("the signer's certificate is not one of this issuer", remedy="put the right keys together")
        for signer in (keyring.issuer, keyring.software, keyring.signer):
            if not verify_ecdsa_der(signer.public_key, _PROBE, signer.sign_digest(_PROBE)):
                raise TrustError("the two halves of a key do not belong together")
        if len({keyring.issuer.public_key, keyring.software.public_key, keyring.signer.public_key}) < len(
            KEYRING_ROLES
        ):
            raise TrustError("one key has two roles", remedy="issuer, software and signer are three keys")
    except BaseException:
        keyring.close()
        raise
    return keyring


def _create_files(address: FileAddress, realm: Realm) -> None:
    folder = address.folder
    taken = [role for role in KEYRING_ROLES if file_of(folder, role).exists()]
    if taken:
        raise UsageError(f"there are keys in {folder} already", remedy="keys are not replaced: choose another folder")
    keys = {role: KeyFile.generate(role, realm) for role in KEYRING_ROLES}
    plain = keys[Role.SIGNER]
    keys[Role.SIGNER] = KeyFile(
        role=plain.role,
        realm=plain.realm,
        public_key=plain.public_key,
        private=plain.private,
        certificate=certify_signer(keys[Role.ISSUER], plain.public_key).to_bytes(),
    )
    make_folder(folder)
    for role, key in keys.items():
        key.write(file_of(folder, role))


def _create_in_token(address: TokenAddress, realm: Realm) -> None:
    token = Token.open(address)
    try:
        if any(label.startswith(label_prefix(one)) for label in token.labels() for one in Realm):
            raise UsageError(
                "the token holds keys of this program already", remedy="keys are not replaced: use a new token"
            )
        for role in KEYRING_ROLES:
            token.create_key(label_of(realm, role))
        issuer, signer = (TokenSigner(token, label_of(realm, role)) for role in (Role.ISSUER, Role.SIGNER))
        token.write_data(_certificate_label(realm), certify_signer(issuer, signer.public_key).to_bytes())
    finally:
        token.close()
