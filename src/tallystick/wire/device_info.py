"""What an app is told of the device it runs on, when it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tallystick.wire.buffer import Reader, Writer

__all__ = ["DeviceInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """What an app may know of the device it runs on."""

    model: str
    target_id: int
    os_version: str
    mcu_version: str
    touch: bool
    #: characters of a value that fit one page of a review
    page_width: int
    #: test devices may run apps in their debug manner
    test_device: bool = False
    #: the public key (65 bytes) of who certified the device, empty before
    issuer: bytes = b""
    #: the public key (65 bytes) that stands for the vendor's root on an emulated device, empty elsewhere
    test_root: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the wire form."""
        writer = Writer().text_lv(self.model).u32(self.target_id).text_lv(self.os_version).text_lv(self.mcu_version)
        return (
            writer.u8(self.touch)
            .u16(self.page_width)
            .u8(self.test_device)
            .lv(self.issuer)
            .lv(self.test_root)
            .to_bytes()
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the wire form; raise RemoteProtocolError when it is cut or too long."""
        reader = Reader(data)
        model, target_id = reader.text_lv(), reader.u32()
        os_version, mcu_version = reader.text_lv(), reader.text_lv()
        touch, page_width, test_device, issuer = reader.u8(), reader.u16(), reader.u8(), reader.lv()
        test_root = reader.lv()
        reader.finish()
        return cls(
            model=model,
            target_id=target_id,
            os_version=os_version,
            mcu_version=mcu_version,
            touch=bool(touch),
            page_width=page_width,
            test_device=bool(test_device),
            issuer=issuer,
            test_root=test_root,
        )
