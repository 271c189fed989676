"""Scenes and answers as bytes, for the way between an app and the OS.

Only the scenes an app may ask for have a form on the wire: PIN, word entry and word list are the OS's own, so an app
has no way to name them. Layout: kind u8, then the fields in the order of the dataclass; a text is length u16 and UTF-8,
a list is count u16 and its members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.screen import (
    Answer,
    AppScene,
    Choice,
    Decided,
    Dismissed,
    Entry,
    Item,
    Menu,
    Notice,
    Progress,
    Review,
    ReviewKind,
    Selected,
    Tone,
)

#: members of a list in a scene (a review of a full 16 KiB payload fits)
MAX_MEMBERS = 1024
_UNKNOWN_PERCENT = 0xFF

_Member = TypeVar("_Member")

__all__ = ["MAX_MEMBERS", "answer_from_bytes", "answer_to_bytes", "read_scene", "write_scene"]


def _write_text(writer: Writer, text: str) -> None:
    data = text.encode("utf-8", "replace")
    writer.u16(len(data)).take(data)


def _read_text(reader: Reader) -> str:
    try:
        return reader.take(reader.u16()).decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError("a text of the scene is not UTF-8") from None


def _write_texts(writer: Writer, texts: tuple[str, ...]) -> None:
    writer.u16(len(texts))
    for text in texts:
        _write_text(writer, text)


def _read_many(reader: Reader, read: Callable[[Reader], _Member]) -> tuple[_Member, ...]:
    count = reader.u16()
    if count > MAX_MEMBERS:
        raise RemoteProtocolError(f"a list of {count} members in a scene, {MAX_MEMBERS} are allowed")
    return tuple(read(reader) for _ in range(count))


def _read_entry(reader: Reader) -> Entry:
    return Entry(label=_read_text(reader), value=_read_text(reader))


def _read_item(reader: Reader) -> Item:
    return Item(_read_text(reader), _read_many(reader, _read_text))


def write_scene(writer: Writer, scene: AppScene) -> None:
    """Append `scene`."""
    match scene:
        case Menu():
            writer.u8(1)
            _write_text(writer, scene.title)
            writer.u16(len(scene.entries))
            for entry in scene.entries:
                _write_text(writer, entry.label)
                _write_text(writer, entry.value)
            _write_text(writer, scene.icon)
            writer.u16(scene.start)
        case Choice():
            writer.u8(2)
            _write_texts(writer, scene.lines)
            _write_texts(writer, scene.options)
            _write_text(writer, scene.icon)
        case Review():
            writer.u8(3).u16(len(scene.items))
            for item in scene.items:
                _write_text(writer, item.title)
                _write_texts(writer, item.values)
            writer.u8(scene.kind)
            _write_texts(writer, scene.intro)
            _write_text(writer, scene.approve)
            _write_text(writer, scene.reject)
        case Notice():
            writer.u8(4)
            _write_texts(writer, scene.lines)
            _write_text(writer, scene.button)
            writer.u8(scene.tone)
        case Progress():
            writer.u8(5)
            _write_text(writer, scene.text)
            writer.u8(_UNKNOWN_PERCENT if scene.percent is None else scene.percent)


def _read_menu(reader: Reader) -> Menu:
    title, entries = _read_text(reader), _read_many(reader, _read_entry)
    return Menu(title=title, entries=entries, icon=_read_text(reader), start=reader.u16())


def _read_choice(reader: Reader) -> Choice:
    lines, options = _read_many(reader, _read_text), _read_many(reader, _read_text)
    return Choice(lines=lines, options=options, icon=_read_text(reader))


def _read_review(reader: Reader) -> Review:
    items, kind = _read_many(reader, _read_item), ReviewKind(reader.u8())
    intro = _read_many(reader, _read_text)
    return Review(items=items, kind=kind, intro=intro, approve=_read_text(reader), reject=_read_text(reader))


def _read_notice(reader: Reader) -> Notice:
    lines = _read_many(reader, _read_text)
    return Notice(lines=lines, button=_read_text(reader), tone=Tone(reader.u8()))


def _read_progress(reader: Reader) -> Progress:
    text, percent = _read_text(reader), reader.u8()
    if percent > 100 and percent != _UNKNOWN_PERCENT:
        raise RemoteProtocolError(f"{percent} is no percentage")
    return Progress(text=text, percent=None if percent == _UNKNOWN_PERCENT else percent)


_READERS: dict[int, Callable[[Reader], AppScene]] = {
    1: _read_menu,
    2: _read_choice,
    3: _read_review,
    4: _read_notice,
    5: _read_progress,
}


def read_scene(reader: Reader) -> AppScene:
    """Take one scene off `reader`.

    Raises:
        RemoteProtocolError: an unknown kind, a list or number out of bounds, or too few bytes.

    """
    kind = reader.u8()
    read = _READERS.get(kind)
    if read is None:
        raise RemoteProtocolError(f"no scene of kind {kind}")
    try:
        scene = read(reader)
    except ValueError:
        raise RemoteProtocolError("a number of the scene is out of bounds") from None
    _check(scene)
    return scene


def _check(scene: AppScene) -> None:
    """Refuse scenes nobody could answer: a menu or choice without entries, a start beyond the last one."""
    match scene:
        case Menu(entries=entries, start=start) if not start < len(entries):
            raise RemoteProtocolError("a menu needs entries, and starts at one of them")
        case Choice(options=()):
            raise RemoteProtocolError("a choice needs options")
        case Review(items=items) if any(not item.values for item in items):
            raise RemoteProtocolError("an item of a review needs a value")


def answer_to_bytes(answer: Answer | None) -> bytes:
    """Return the answer to a scene an app asked for; None (a Progress) is empty."""
    match answer:
        case Selected(index):
            return Writer().u8(1).u16(index).to_bytes()
        case Decided(approved):
            return Writer().u8(2).u8(approved).to_bytes()
        case Dismissed():
            return b"\x03"
        case _:
            return b""


def answer_from_bytes(data: bytes) -> Answer | None:
    """Read what `answer_to_bytes` wrote; raise RemoteProtocolError for anything else."""
    if not data:
        return None
    reader = Reader(data)
    answer: Answer
    match reader.u8():
        case 1:
            answer = Selected(reader.u16())
        case 2:
            decision = reader.u8()
            if decision > 1:
                raise RemoteProtocolError("a decision is 0 or 1")
            answer = Decided(bool(decision))
        case 3:
            answer = Dismissed()
        case kind:
            raise RemoteProtocolError(f"no answer of kind {kind}")
    reader.finish()
    return answer
