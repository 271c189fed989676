"""Commands ``E0 60`` to ``E0 66``: the picture on the lock screen of the touch models (wire-protocol C, C.7).

A picture is announced, sent in parts in order, and committed; the person agrees before the first and before the last.
Nothing is stored until then, and what is stored is a picture of exactly this model's screen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tallystick.device.os.consent import Handler, ask_consent, require_no_parameters, require_own_use
from tallystick.device.os.session import Session
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.buffer import Reader
from tallystick.wire.dashboard import Ins
from tallystick.wire.lock_image import HEADER_BYTES, MAX_IMAGE_BYTES, LockImage
from tallystick.wire.status import Reject, StatusWord

#: bytes one fetch may ask for
MAX_FETCH = 238
#: the one depth of a screen without greys, in bits; the others take every depth
_MONOCHROME = {"apex_p": 1}


@dataclass(slots=True, kw_only=True)
class _Upload:
    """A picture on its way."""

    channel: int
    size_bytes: int
    #: the person agreed to all of it beforehand, with the consent to put things back after an update
    agreed: bool
    data: bytearray = field(default_factory=bytearray)


class LockImages:
    """Keeps the picture of one device."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._upload: _Upload | None = None
        self.handlers: dict[int, Handler] = {
            Ins.IMAGE_CREATE: self._create,
            Ins.IMAGE_LOAD: self._load,
            Ins.IMAGE_COMMIT: self._commit,
            Ins.IMAGE_DELETE: self._delete,
            Ins.IMAGE_SIZE: self._size,
            Ins.IMAGE_FETCH: self._fetch,
            Ins.IMAGE_HASH: self._hash,
        }

    def drop(self, channel: int | None) -> None:
        """Forget the picture that the client of `channel` was sending; None is any client."""
        if self._upload is not None and channel in (None, self._upload.channel):
            self._upload = None

    async def _create(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require()
        require_no_parameters(apdu)
        if len(apdu.data) != 4:
            raise Reject(StatusWord.WRONG_LENGTH)
        size_bytes = int.from_bytes(apdu.data, "big")
        if not HEADER_BYTES < size_bytes <= MAX_IMAGE_BYTES:
            raise Reject(StatusWord.IMAGE_SIZE_INVALID)
        if size_bytes > self._session.registry.memory().free:
            raise Reject(StatusWord.NOT_ENOUGH_SPACE)
        self._upload = None
        grant = self._session.reinstalls.get(channel)
        agreed = grant is not None and grant.take_lock_image()
        if not agreed:
            await ask_consent(self._session, "Set a picture as", "lock screen?", option="Allow")
        self._upload = _Upload(channel=channel, size_bytes=size_bytes, agreed=agreed)
        return b""

    async def _load(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require()
        require_no_parameters(apdu)
        reader = Reader(apdu.data)
        offset, chunk = reader.u32(), reader.rest()
        upload = self._upload_of(channel, StatusWord.IMAGE_SLOT_NOT_ALLOCATED)
        if offset != len(upload.data):
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        if not chunk or offset + len(chunk) > upload.size_bytes:
            raise Reject(StatusWord.CHUNK_SIZE_INVALID)
        upload.data += chunk
        return b""

    async def _commit(self, apdu: CommandApdu, channel: int) -> bytes:
        self._require()
        require_no_parameters(apdu)
        upload = self._upload_of(channel, StatusWord.IMAGE_NOT_CREATED)
        self._upload = None
        raw = bytes(upload.data)
        if len(raw) != upload.size_bytes:
            raise Reject(StatusWord.IMAGE_SIZE_INVALID)
        image = LockImage.from_bytes(raw)
        model = self._session.identity.model
        if (image.width, image.height) != (model.screen_width, model.screen_height):
            raise Reject(StatusWord.IMAGE_METADATA_INVALID)
        if image.bits != _MONOCHROME.get(model.name, image.bits):
            raise Reject(StatusWord.IMAGE_METADATA_INVALID)
        if not upload.agreed:
            await ask_consent(self._session, "Keep this picture as", "lock screen?", option="Keep")
        self._session.storage.set_lock_image(raw)
        return b""

    async def _delete(self, apdu: CommandApdu, _channel: int) -> bytes:
        self._stored(apdu)
        await ask_consent(self._session, "Remove the picture", "on the lock screen?", option="Remove")
        self._session.storage.set_lock_image(None)
        return b""

    async def _size(self, apdu: CommandApdu, _channel: int) -> bytes:
        return len(self._stored(apdu)).to_bytes(4, "big")

    async def _fetch(self, apdu: CommandApdu, _channel: int) -> bytes:
        image = self._stored(apdu)
        reader = Reader(apdu.data)
        offset, size_bytes = reader.u32(), reader.u8()
        reader.finish()
        if offset >= len(image):
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        if not 1 <= size_bytes <= min(MAX_FETCH, len(image) - offset):
            raise Reject(StatusWord.CHUNK_SIZE_INVALID)
        return image[offset : offset + size_bytes]

    async def _hash(self, apdu: CommandApdu, _channel: int) -> bytes:
        return hashlib.sha256(self._stored(apdu)).digest()

    def _require(self) -> None:
        if not self._session.identity.model.touch:
            raise Reject(StatusWord.INS_NOT_SUPPORTED)
        require_own_use(self._session)

    def _stored(self, apdu: CommandApdu) -> bytes:
        self._require()
        require_no_parameters(apdu)
        image = self._session.storage.lock_image()
        if image is None:
            raise Reject(StatusWord.NO_CUSTOM_IMAGE)
        return image

    def _upload_of(self, channel: int, otherwise: StatusWord) -> _Upload:
        if self._upload is None or self._upload.channel != channel:
            raise Reject(otherwise)
        return self._upload
