"""ELF files of apps made up for tests, and code written by hand for them."""

import struct

from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import DeviceInfo

FLASH, RAM = 0xC0DE0000, 0xDA7A0000
INFO = DeviceInfo(
    model="nanox", target_id=0x33000004, os_version="2.4.0", mcu_version="2.30", touch=False, page_width=16
)
PARAMETERS = InstallParameters(name="Demo", version="1.0").to_bytes()


def elf(
    code=b"\x00\xbf" * 8,
    *,
    data=b"",
    parameters=PARAMETERS,
    notes=(),
    segments=None,
    entry=FLASH | 1,
    names=(),
    marks=None,
):
    """Return a linked file with its marks, sections that say what `notes` says, and `names` for the first address.

    A segment is (address, bytes, size in memory), and where it is loaded elsewhere that address; `marks` stand in for the own.
    """
    flash = code + data + parameters
    if segments is None:
        segments = [(FLASH, flash, len(flash)), (RAM, b"", 0x1000)]
    places = {
        "_nvram_data": FLASH + len(code),
        "_envram_data": FLASH + len(code) + len(data),
        "_install_parameters": FLASH + len(code) + len(data),
        "_einstall_parameters": FLASH + len(flash),
    } | (marks or {})
    table, symbols = b"\0", bytes(16)
    for name, value in (*places.items(), *((name, FLASH) for name in names)):
        symbols += struct.pack("<IIIBBH", len(table), value, 0, 0x10, 0, 1)
        table += name.encode() + b"\0"
    parts = [("", 0, b"", 0), (".symtab", 2, symbols, 2), (".strtab", 3, table, 0)]
    parts += [(name, 1, text.encode(), 0) for name, text in notes]
    texts = b""
    for name, *_ in (*parts, (".shstrtab",)):
        texts += name.encode() + b"\0"
    parts.append((".shstrtab", 3, texts, 0))
    at = 52 + 32 * len(segments)
    body, headers, rows = b"", b"", b""
    for address, raw, size, *loaded in segments:
        load_address = loaded[0] if loaded else address
        headers += struct.pack("<8I", 1, at + len(body), address, load_address, len(raw), size, 7, 4)
        body += raw
    for name, kind, raw, link in parts:
        offset = texts.index(name.encode() + b"\0") if name else 0
        rows += struct.pack("<10I", offset, kind, 0, 0, at + len(body), len(raw), link, 0, 1, 0)
        body += raw
    head = struct.pack(
        "<7s9xHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 0x28, 1, entry, 52, at + len(body), 0, 52, 32, len(segments), 40,
        len(parts), len(parts) - 1,
    )  # fmt: skip
    return head + headers + body + rows


def image(code, *, data=b"", level=26, parameters=PARAMETERS):
    """Return an image that begins at its first byte."""
    create = CreateApp(
        api_level=level, code_length=len(code), data_length=len(data), parameters_length=len(parameters), boot_offset=1
    )
    return AppImage(create=create, code=code, data=data, parameters=parameters)


def native(code, *, library=b"", **options):
    """Return what the process of an app with this code is given."""
    return NativeImage(image=image(code, **options), library=library)


def call(number, *arguments):
    """Return Thumb code that makes one call with these arguments and goes on behind them; assembled by hand.

    ldr r0, [number]; add r1, pc, #12; svc 1; b behind; nop; nop; number; arguments
    """
    behind = 16 + 4 * len(arguments)
    code = struct.pack("<6H", 0x4802, 0xA103, 0xDF01, 0xE000 | (behind - 10) >> 1, 0xBF00, 0xBF00)
    return code + struct.pack(f"<{1 + len(arguments)}I", number, *(value & 0xFFFF_FFFF for value in arguments))


#: udf #255: where a test ends and looks at the registers
END = b"\xff\xde\x00\xbf"
