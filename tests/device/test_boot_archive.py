"""The importer of a running image: every module of the image and nothing else, read from the image alone."""

from __future__ import annotations

import dataclasses
import importlib.util
import marshal
import os
import zipfile
from io import BytesIO

import pytest

from tallystick.device.boot.archive import GENERATED, Image, ImageFinder, use_generated
from tallystick.device.boot.memory import sealed_memfd
from tallystick.manager.factory.pack import archive, compiled

_MEMBERS = {
    "one.pyc": compiled(b"value = 1\n", "one.py"),
    "pack/__init__.pyc": compiled(b"from pack import below\n", "pack/__init__.py"),
    "pack/below.pyc": compiled(b"value = 2\n", "pack/below.py"),
    "data.json": b"{}",
}


@pytest.fixture
def image():
    """Return an image in sealed memory."""
    descriptor = sealed_memfd("image", archive(_MEMBERS))
    yield Image(f"/proc/self/fd/{descriptor}", descriptor)
    os.close(descriptor)


def test_modules_and_packages_are_found_by_their_whole_names(image):
    """A module, a package, and what is in a package; where they lie is said, and a package says where its parts are."""
    spec = ImageFinder(image).find_spec("one")
    assert (spec.origin, spec.submodule_search_locations) == (f"{image.path}/one.pyc", None)
    spec = ImageFinder(image).find_spec("pack")
    assert spec.submodule_search_locations == [f"{image.path}/pack"]
    spec = ImageFinder(image).find_spec("pack.below")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 2
    assert spec.loader.get_data(f"{image.path}/data.json") == b"{}"
    assert module.__package__ == "pack"


def test_what_is_not_in_the_image_does_not_exist(image):
    """No other name is found, no data is taken for a module, and other members are still to be had as data."""
    for name in ("two", "below", "pack.one", "data", "data.json", ""):
        assert ImageFinder(image).find_spec(name) is None
    assert image.read("data.json") == b"{}"
    with pytest.raises(OSError):
        image.read("other.json")


def test_archives_of_other_writers_are_read():
    """Local records may hold more than the directory does: what counts is where the data is."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, file.open("one.pyc", "w", force_zip64=True) as member:
        member.write(_MEMBERS["one.pyc"])
    descriptor = sealed_memfd("image", buffer.getvalue())
    try:
        assert Image(f"/proc/self/fd/{descriptor}", descriptor).read("one.pyc") == _MEMBERS["one.pyc"]
    finally:
        os.close(descriptor)


def test_generated_code_is_taken_for_an_equal_text_alone(monkeypatch):
    """A text of the table gets its code, any other is compiled as ever; the classes are as they would be."""
    monkeypatch.setitem(vars(dataclasses), "exec", exec)  # put back by the fixture
    made = archive(
        {"one.pyc": _MEMBERS["one.pyc"], f"one{GENERATED}": marshal.dumps({"x = 1": compile("x = 2", "", "exec")}, 2)}
    )
    descriptor = sealed_memfd("image", made)
    try:
        image = Image(f"/proc/self/fd/{descriptor}", descriptor)
        use_generated(image.generated)
        assert ImageFinder(image).find_spec("one").loader.get_code("one") is not None
    finally:
        os.close(descriptor)
    run = vars(dataclasses)["exec"]
    for text, value in {"x = 1": 2, "x = 1 ": 1}.items():
        names: dict[str, object] = {}
        run(text, {}, names)
        assert names["x"] == value

    @dataclasses.dataclass(frozen=True)
    class Point:
        """A point."""

        x: int

    assert Point(1) == Point(1) != Point(2)
