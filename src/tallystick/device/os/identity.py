"""What the device says it is: versions by model, name, serial.

The versions are those of real firmware whose answers are known byte for byte (wire-protocol C.2) where there are such,
so that clients, which decide by version which fields to expect, find what they expect.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.device.hil import Flash, Rng
from tallystick.wire.model import Model

_SERIAL = "serial"
#: as many as a certificate has room for (attestation 1)
_SERIAL_BYTES = 6
_NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Versions of the system's parts, as `E0 01` gives them."""

    os: str
    mcu: str
    mcu_bootloader: str
    hardware: int | None = None


#: Nano X, S Plus and Stax: real answers; the others: firmware of the same generation
VERSIONS = {
    "nanos": Versions(os="2.1.0", mcu="1.12", mcu_bootloader="0.11"),
    "nanox": Versions(os="2.2.3", mcu="2.30", mcu_bootloader="1.16", hardware=0),
    "nanosp": Versions(os="1.1.1", mcu="4.03", mcu_bootloader="3.12"),
    "stax": Versions(os="1.3.0", mcu="5.24", mcu_bootloader="0.48"),
    "flex": Versions(os="1.0.0", mcu="5.24", mcu_bootloader="0.48"),
    "apex_p": Versions(os="1.0.0", mcu="5.24", mcu_bootloader="0.48"),
}


class Identity:
    """Model, versions, serial number and name of one device; the last two live in flash.

    `versions` is what the images that run say of themselves; None stands for the model's of the table.
    """

    def __init__(self, *, model: Model, flash: Flash, rng: Rng, versions: Versions | None = None) -> None:
        self.model = model
        self.versions = versions or VERSIONS[model.name]
        self._flash = flash
        serial = flash.read(_SERIAL)
        if serial is None:
            serial = f"tallystick-{rng.read(_SERIAL_BYTES).hex()}".encode()
            flash.write(_SERIAL, serial)
        self.serial = serial.decode("ascii", "replace")

    @property
    def name(self) -> str:
        """The name its owner gave it; at first its product's."""
        stored = self._flash.read(_NAME)
        return self.model.product if stored is None else stored.decode("utf-8", "replace")

    def rename(self, name: str) -> None:
        """Give it another name (at most 20 bytes of UTF-8, checked where it entered)."""
        self._flash.write(_NAME, name.encode())

    def forget_name(self) -> None:
        """Go back to the product's name."""
        self._flash.remove(_NAME)
