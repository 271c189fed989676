"""Stage 0, the boot ROM of the simulated chip: the bootloader against the fused key table (secure-world 2.1)."""

from __future__ import annotations

from tallystick.crypto.minisign import PublicKey
from tallystick.device.boot.explain import BootState, Chain, Verdict
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.silicon.fuses import ROM_KEY_BYTES, ROM_KEYS, FuseState, key_table_hash
from tallystick.errors import RemoteProtocolError, TrustError
from tallystick.wire.firmware import ImageRole


class Rom:
    """The ROM of a chip with these fuses. A closed chip starts what is signed; an open one may start anything, and says so."""

    def __init__(self, fuses: FuseState) -> None:
        self._fuses = fuses

    @property
    def state(self) -> BootState:
        """What every later stage and every seal is told."""
        return BootState.VERIFIED if self._fuses.is_closed else BootState.OPEN

    def check(self, chain: Chain, *, key_table: bytes, image: bytes, signature: bytes) -> VerifiedImage:
        """Check the bootloader `image` by an unrevoked key of the four in `key_table` (168 bytes); raise BootFailure."""
        keys: list[PublicKey] = []
        with chain.stage("key table") as finding:
            try:
                keys = self._unrevoked(key_table)
                finding.digest = self._fuses.key_table
            except TrustError as error:
                if self._fuses.is_closed:
                    raise
                finding.verdict, finding.reason = Verdict.SKIPPED, error.message
        expect = Expectation(role=ImageRole.BOOTLOADER, minimum=self._fuses.minimum[ImageRole.BOOTLOADER])
        with chain.stage("bootloader") as finding:
            try:
                verified = VerifiedImage.by_signature(image, signature, keys, expect=expect)
            except (TrustError, RemoteProtocolError) as error:
                if self._fuses.is_closed:
                    raise
                # a development chip goes on without, as the real ones do while open; it never calls itself verified
                verified = VerifiedImage.unsigned(image, expect=expect)
                finding.verdict, finding.reason = Verdict.SKIPPED, error.message
            finding.key_id, finding.digest = verified.key_id, verified.digest
        return verified

    def _unrevoked(self, key_table: bytes) -> list[PublicKey]:
        if len(key_table) != ROM_KEYS * ROM_KEY_BYTES:
            raise TrustError("the key table has another length")
        raw = [key_table[start : start + ROM_KEY_BYTES] for start in range(0, len(key_table), ROM_KEY_BYTES)]
        if not self._fuses.key_table or key_table_hash(raw) != self._fuses.key_table:
            raise TrustError("the key table is not the one in the fuses")
        return [PublicKey.from_bytes(key) for index, key in enumerate(raw) if not self._fuses.revoked >> index & 1]
