"""A token in software (SoftHSM2) for one run, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm

_PROGRAM = shutil.which("softhsm2-util")
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
_PIN = "8264"
_LABEL = "bench"


def make_token(folder: Path) -> str | None:
    """Make a token with three keys in `folder`; return its URL, None without SoftHSM2. Sets SOFTHSM2_CONF."""
    module = next((path for path in _MODULES if Path(path).exists()), None)
    if _PROGRAM is None or module is None:
        return None
    tokens, settings, pin = folder / "tokens", folder / "softhsm2.conf", folder / "pin"
    tokens.mkdir(parents=True)
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    pin.write_text(f"{_PIN}\n")
    pin.chmod(0o600)
    os.environ["SOFTHSM2_CONF"] = str(settings)
    words = ("--init-token", "--free", "--label", _LABEL, "--pin", _PIN, "--so-pin", "11223344")
    subprocess.run([_PROGRAM, *words], check=True, capture_output=True)
    url = f"pkcs11:module={module};token={_LABEL}?pin-source=file:{quote(str(pin))}"
    Keyring.create(url, Realm.TEST).close()
    return url
