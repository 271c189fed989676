"""What one app keeps, as bytes: its changed settings and its records, for back-ups.

Count u8 of settings, each LV name and value u8; count u16 of records, each LV name, size u32 and bytes; both sorted by
name, so that equal states give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.wire.buffer import Reader, Writer


def state_to_bytes(settings: Mapping[str, bool], records: Mapping[str, bytes]) -> bytes:
    """Return settings and records as bytes."""
    writer = Writer().u8(len(settings))
    for name, value in sorted(settings.items()):
        writer.text_lv(name).u8(value)
    writer.u16(len(records))
    for name, data in sorted(records.items()):
        writer.text_lv(name).u32(len(data)).take(data)
    return writer.to_bytes()


def state_from_bytes(raw: bytes) -> tuple[dict[str, bool], dict[str, bytes]]:
    """Return settings and records; raise RemoteProtocolError (684A) when `raw` is no such state."""
    reader = Reader(raw, status=0x684A)
    settings = {reader.text_lv(): reader.u8() == 1 for _ in range(reader.u8())}
    records = {}
    for _ in range(reader.u16()):
        name = reader.text_lv()
        records[name] = reader.take(reader.u32())
    reader.finish()
    return settings, records
