"""What a TPM refuses, as the device hears of it: a key that is refused, and why where that can be told (secure-world 5.3)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.tpm_command import TpmError
from tallystick.errors import RemoteProtocolError


class RegistersChanged(KeyRefused):
    """What the machine measured at its start is not as it was at the enrolment. Nothing was tried, nothing was counted."""

    def __init__(self) -> None:
        super().__init__(
            "the TPM's registers are not as they were when the device was set up",
            remedy="start the machine as it was, or restore from the recovery words",
        )


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Tell what the TPM refuses, and what is no TPM, as a key that is refused."""
    try:
        yield
    except (TpmError, RemoteProtocolError) as error:
        raise KeyRefused(error.message, remedy="look at the TPM of this machine") from None
