"""What `tally doctor` knows of this machine: packages by their extras, and tools."""

import platform
import re
import tomllib
from pathlib import Path

import pytest

from tallystick.cli import machine

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def names_in(requirements):
    """Return the names of packages that requirements are about."""
    return {re.match(r"[A-Za-z0-9-]+", one)[0] for one in requirements}


def test_every_package_of_every_extra_is_known():
    """The packages are those of the project's own file: none is forgotten, none is left over."""
    known = {extra: set(names) for extra, names in machine.PACKAGES.items()}
    assert known.pop("") == names_in(PROJECT["dependencies"])
    extras = {extra: names_in(them) for extra, them in PROJECT["optional-dependencies"].items() if extra != "all"}
    assert set(known) == set(extras)
    # what two extras bring is told with the first of them
    for extra, names in extras.items():
        assert known[extra] <= names
        assert names <= set().union(*known.values())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"click": "8.1"}, ("click", "8.1")),
        ({"unicorn": "2.1.3"}, ("unicorn", "2.1.3, GPL-2.0-only")),
        ({"unicorn": None}, ("unicorn", "not installed, GPL-2.0-only: pip install 'tallystick[native]'")),
        ({"sqlalchemy": None}, ("sqlalchemy", "not installed: pip install 'tallystick[manager]'")),
    ],
)
def test_packages_are_told_with_their_extra_and_licence(found, words):
    """A version, a licence that asks for more than ours, and for what is missing the line that brings it."""
    assert machine.package_words(found) == [words]


def test_tools_are_found_where_they_lie(tmp_path):
    """Programs are found by any of their names, the daemon of BlueZ outside of PATH, the kernel's module by its index."""
    programs = tmp_path / "bin"
    daemons = tmp_path / "usr/libexec/bluetooth"
    for file in (programs / "clang-18", programs / "gdb", daemons / "bluetoothd"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    index = tmp_path / "lib/modules" / platform.release() / "modules.dep"
    index.parent.mkdir(parents=True)
    index.write_text("kernel/a/usbip-core.ko: \nkernel/drivers/usb/usbip/vhci-hcd.ko.zst: kernel/a/usbip-core.ko\n")
    found = machine.tools(path=str(programs), root=tmp_path)
    assert found == {
        "clang": str(programs / "clang-18"),
        "lld": None,
        "gdb": str(programs / "gdb"),
        "qemu": None,
        "vhci_hcd": "kernel/drivers/usb/usbip/vhci-hcd.ko.zst",
        "bluez": str(daemons / "bluetoothd"),
    }
    (tmp_path / "sys/module/vhci_hcd").mkdir(parents=True)
    assert machine.tools(path="", root=tmp_path)["vhci_hcd"] == "loaded"
    assert machine.tools(path="", root=tmp_path / "nowhere")["vhci_hcd"] is None
    assert dict(machine.tool_words(found))["qemu"] == "not there: make usb-test needs it"
