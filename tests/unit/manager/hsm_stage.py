"""A token in software (SoftHSM2) in a folder of the test, and the URL that opens it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

PROGRAM = shutil.which("softhsm2-util")
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
MODULE = next((path for path in _MODULES if Path(path).exists()), _MODULES[0])
PIN = "8264"


class SoftHsm:
    """The tokens of one test: `folder` holds them, so moving it away is pulling them out."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "tokens"
        self.folder.mkdir(mode=0o700)
        self.configuration = base / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.folder}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.pin_file = base / "pin"
        self.pin_file.write_text(f"{PIN}\n")
        self.pin_file.chmod(0o600)

    def make_token(self, label: str = "factory") -> str:
        """Make a token and return the URL of the keys in it."""
        subprocess.run(
            [
                PROGRAM or "softhsm2-util",
                "--init-token",
                "--free",
                "--label",
                label,
                "--pin",
                PIN,
                "--so-pin",
                "11223344",
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        return self.url(label)

    def url(self, label: str = "factory", *, pin_file: Path | None = None) -> str:
        """Return the URL of a token."""
        return f"pkcs11:module={MODULE};token={quote(label)}?pin-source=file:{quote(str(pin_file or self.pin_file))}"


@contextmanager
def soft_hsm(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """Give the library a folder of tokens of its own, and end the library afterwards: it reads its settings once."""
    import pkcs11

    hsm = SoftHsm(base)
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    pkcs11.unload(MODULE)
    try:
        yield hsm
    finally:
        pkcs11.unload(MODULE)
