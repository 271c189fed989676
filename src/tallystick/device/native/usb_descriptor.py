"""What an app's USB stack says of its interfaces: those of HID, and which of them is FIDO's (wire-protocol A.2; USB 2.0, 9.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["HidInterface", "hid_interfaces", "is_fido"]

_IN_FLAG: Final = 0x80
_INTERFACE, _ENDPOINT, _HID_CLASS = 4, 5, 3
_NUMBER_AT, _CLASS_AT, _ADDRESS_AT = 2, 5, 2
#: the shortest descriptor that tells what is looked for
_SHORTEST: Final = 3
#: how a report descriptor of FIDO begins: usage page F1D0
_FIDO_PAGE: Final = bytes.fromhex("06d0f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class HidInterface:
    """One interface of HID that has both endpoints; `way_in` has the bit of its direction."""

    number: int
    way_in: int
    way_out: int


def hid_interfaces(configuration: bytes) -> list[HidInterface]:
    """Return the interfaces of HID with both endpoints, in order; of what is cut or no descriptor there are none."""
    found: list[HidInterface] = []
    number, way_in, way_out, is_hid = 0, 0, 0, False
    for one in _descriptors(configuration):
        if one[1] == _INTERFACE:
            number, is_hid, way_in, way_out = (
                one[_NUMBER_AT],
                len(one) > _CLASS_AT and one[_CLASS_AT] == _HID_CLASS,
                0,
                0,
            )
        elif one[1] == _ENDPOINT and is_hid:
            address = one[_ADDRESS_AT]
            way_in, way_out = (address, way_out) if address & _IN_FLAG else (way_in, address)
            if way_in and way_out:
                found.append(HidInterface(number=number, way_in=way_in, way_out=way_out))
                is_hid = False
    return found


def is_fido(report_descriptor: bytes) -> bool:
    """Tell whether an interface with this report descriptor carries FIDO's reports."""
    return report_descriptor.startswith(_FIDO_PAGE)


def _descriptors(raw: bytes) -> Iterator[bytes]:
    """Yield the descriptors of a configuration, each with its own length first; what is no descriptor ends it."""
    while len(raw) >= _SHORTEST and raw[0] >= _SHORTEST:
        yield raw[: raw[0]]
        raw = raw[raw[0] :]
