"""System calls by which an app shows a scene that the OS draws: a question to the person, and the menu while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import Request
from tallystick.wire.screen import AppScene, Menu
from tallystick.wire.screen_codec import answer_from_bytes, answer_to_bytes, read_scene, write_scene

__all__ = ["Ask", "Idle"]


@dataclass(frozen=True, slots=True)
class Ask(Request):
    """Show a scene and wait for the person. Value: an Answer, or None for Progress."""

    NUMBER = 0x10
    scene: AppScene

    def body(self) -> bytes:
        """One scene."""
        writer = Writer()
        write_scene(writer, self.scene)
        return writer.to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the scene."""
        scene = read_scene(reader)
        reader.finish()
        return cls(scene)

    def pack(self, value: Any) -> bytes:
        """Return the answer as bytes."""
        return answer_to_bytes(value)

    def unpack(self, data: bytes) -> Any:
        """Read the answer."""
        return answer_from_bytes(data)


@dataclass(frozen=True, slots=True)
class Idle(Request):
    """Set the menu shown while the app waits; choices come as MenuEvent."""

    NUMBER = 0x11
    menu: Menu

    def body(self) -> bytes:
        """One scene, a menu."""
        writer = Writer()
        write_scene(writer, self.menu)
        return writer.to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the menu."""
        scene = read_scene(reader)
        reader.finish()
        if not isinstance(scene, Menu):
            raise RemoteProtocolError("an idle screen is a menu")
        return cls(scene)
