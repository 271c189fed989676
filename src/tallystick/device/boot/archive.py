"""The running image's own modules, found and loaded without the detours of the interpreter's archive importer.

That one opens the archive for every member and unpacks a module's code twice, once only to tell its file name. Here the
directory is read once and each module once, from the sealed memory that the image is (secure-world 2.2). Nothing is checked
here: the image was, as a whole, before it was started.

Methods of data classes, which the standard library compiles from text at every start, come compiled with their module
(`tallystick.manager.factory.generated`).

This module is the first that an image loads, so it imports nothing that is not part of the interpreter.
"""

from __future__ import annotations

import os
import sys
from errno import ENOENT
from importlib.machinery import ModuleSpec, SourcelessFileLoader
from marshal import loads

TYPE_CHECKING = False  # `typing` is not loaded before it can be loaded fast
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType, ModuleType

#: the descriptor of the running image, as the interpreter was given it
_IMAGE = "/proc/self/fd/"
#: `tallystick.wire.firmware.GENERATED`: nothing of the house can be imported here
GENERATED = ".generated"
#: lengths of the records of an archive, in front of their names
_END_BYTES, _ENTRY_BYTES, _LOCAL_BYTES = 22, 46, 30
#: room for what a local record may hold beside the name
_EXTRA_BYTES = 64


class Image:
    """The members of one image by name, from a directory read once; `descriptor` is what it is read from, and is not kept.

    `path` is what the interpreter calls the image.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._places = dict(_members(descriptor))
        #: text of a method -> its code, for modules that were loaded
        self.generated: dict[str, CodeType] = {}

    @property
    def names(self) -> Iterable[str]:
        """The names of all members."""
        return self._places

    def read(self, name: str) -> bytes:
        """Return a member; raise OSError when there is none of the name."""
        if name not in self._places:
            raise OSError(ENOENT, "the image has no such member", name)
        offset, size = self._places[name]
        data = os.pread(self._descriptor, _LOCAL_BYTES + len(name) + _EXTRA_BYTES + size, offset)
        start = _LOCAL_BYTES + _number(data, 26, 2) + _number(data, 28, 2)
        return data[start : start + size]

    def take_generated(self, module: str) -> None:
        """Make the generated code of `module` ready, if there is any."""
        name = f"{module}{GENERATED}"
        if name in self._places:
            self.generated |= loads(self.read(name))  # noqa: S302 -- out of the image, which was checked


class ImageLoader(SourcelessFileLoader):
    """Loads one module of an image."""

    def __init__(self, name: str, path: str, image: Image) -> None:
        super().__init__(name, path)
        self._image = image

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module."""
        self._image.take_generated(fullname)
        return super().get_code(fullname)

    def get_data(self, path: str) -> bytes:
        """Return the member at `path`, which begins with the image's; raise OSError when there is none."""
        return self._image.read(path.removeprefix(f"{self._image.path}/"))


class ImageFinder:
    """Finds the modules of one image. Goes into ``sys.meta_path``."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._modules = {
            name.removesuffix(".pyc").removesuffix("/__init__").replace("/", "."): name
            for name in image.names
            if name.endswith(".pyc")
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module `name` of the image, None when the image has none of the name."""
        del path, target
        if name not in self._modules:
            return None
        origin = f"{self._image.path}/{self._modules[name]}"
        folder = origin.removesuffix("/__init__.pyc")
        spec = ModuleSpec(name, ImageLoader(name, origin, self._image), origin=origin, is_package=folder != origin)
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec


def install() -> None:
    """Have the running image's modules found this way from now on; what is built into the interpreter still comes first."""
    path = sys.path[0]
    image = Image(path, int(path.removeprefix(_IMAGE)))
    sys.meta_path.insert(2, ImageFinder(image))
    use_generated(image.generated)


def use_generated(generated: dict[str, CodeType]) -> None:
    """Have `dataclasses` take code from `generated` for a text that is in it; any other it compiles, as ever."""
    import dataclasses

    def run(text: str, names: dict[str, object], into: dict[str, object]) -> None:
        exec(generated.get(text, text), names, into)  # noqa: S102 -- what `dataclasses` does, out of the checked image

    vars(dataclasses)["exec"] = run


def _members(descriptor: int) -> list[tuple[str, tuple[int, int]]]:
    """Return (name, (offset, size in bytes)) of every member."""
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _END_BYTES, size - _END_BYTES)
    directory = os.pread(descriptor, _number(end, 12, 4), _number(end, 16, 4))
    found = []
    position = 0
    while position < len(directory):
        start = position + _ENTRY_BYTES
        stop = start + _number(directory, position + 28, 2)
        place = _number(directory, position + 42, 4), _number(directory, position + 24, 4)
        found.append((directory[start:stop].decode(), place))
        position = stop + _number(directory, position + 30, 2) + _number(directory, position + 32, 2)
    return found


def _number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")
