"""The manager that `tally up` holds beside its device: a process of its own, on a port of its own.

Its socket is bound before the device starts, so the ready line can name it; the process starts when the device is ready, and
takes nothing from the device's own start. Until it serves, a client's call waits in the socket. It has the workshop's keys and
the user's own catalogue; beside a device that is forgotten, a catalogue that is forgotten.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from tallystick.cli.manager_child import PASSING
from tallystick.cli.passing import Passing

if TYPE_CHECKING:
    from tallystick.manager.settings import Settings

#: the ready line of a device without a manager
NOBODY: Final[Mapping[str, Any]] = {"manager_http": None, "manager_ws": None}
_LOG: Final = "beside.log"
#: `manager.hsm.owner.TEST_OWNER`, whose module takes longer to load than a start without it needs
_KNOWN_OWNER: Final = "test"


class ManagerElsewhere:
    """No manager of our own: one that runs elsewhere, or none; `facts` are the members of the ready line."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def __enter__(self) -> Self:
        """Return it; nothing is to be ended."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def start(self) -> None:
        """Do nothing."""


class ManagerBeside:
    """A manager for one device; `start` it when the device is ready. `facts` are its members of the ready line.

    `issuer_key` names the key file of another issuer than the workshop's own, `owner_key` the key of another owner than the
    test realm's (`manager.hsm.owner`). `is_passing`: it keeps nothing.

    Raises UsageError or TrustError for an owner's key that cannot be used.
    """

    def __init__(self, *, issuer_key: str = "", owner_key: str = "", is_passing: bool) -> None:
        self._owner_key = _checked_owner(owner_key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._issuer_key = issuer_key
        # another issuer never gets into the user's own catalogue
        self._is_passing = is_passing or bool(issuer_key)
        self._passing: Passing | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = True
        where = "{}:{}".format(*self._listener.getsockname())
        self.facts: Mapping[str, Any] = {"manager_http": f"http://{where}/api", "manager_ws": f"ws://{where}/update"}

    def __enter__(self) -> Self:
        """Return the manager; leaving the block ends it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process."""
        settings, log = self._prepare()
        descriptor = self._listener.fileno()
        passing = {PASSING: str(self._passing.path)} if self._passing is not None else {}
        with log.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter and a module of ours
                [sys.executable, "-m", "tallystick.cli.manager_child", str(descriptor)],
                env={**os.environ, **settings.to_environment(), **passing},
                pass_fds=(descriptor,),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                # Ctrl-C is for the device; its manager ends with it
                start_new_session=True,
            )
        self._listener.close()
        threading.Thread(target=self._wait, args=(self._process, log), daemon=True).start()

    def close(self) -> None:
        """End it at once: what was in hand is void, the database stays whole."""
        self._is_wanted = False
        self._listener.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._passing is not None:
            self._passing.close()

    def _prepare(self) -> tuple[Settings, Path]:
        """Return the settings, and where the log goes."""
        from tallystick.cli.manager_store import database_url
        from tallystick.cli.workshop_key import workshop_keys
        from tallystick.manager.settings import Settings

        if not self._is_passing:
            database = database_url("")
            settings = Settings(database=database, hsm=workshop_keys(), owner=self._owner_key)
            return settings, Path(database.removeprefix("sqlite:///")).with_name(_LOG)
        self._passing = Passing("manager")
        folder = self._passing.path
        hsm = _mixed(folder / "keys", self._issuer_key) if self._issuer_key else workshop_keys()
        settings = Settings(database=f"sqlite:///{folder / 'manager.db'}", hsm=hsm, owner=self._owner_key)
        return settings, folder / _LOG

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Complain about a manager that ended by itself."""
        process.wait()
        if self._is_wanted:
            sys.stderr.write(f"The manager beside the device has ended; see {log}\n")
            sys.stderr.flush()


def manager_for(options: Mapping[str, Any]) -> ManagerBeside | ManagerElsewhere:
    """Return the manager that the command line of `tally up` asks for.

    Raises UsageError when `--manager` is no URL. Where the service is not installed the device runs without, which is said.
    """
    from tallystick.cli.manager_store import require_manager
    from tallystick.errors import UsageError

    if options["manager"]:
        from tallystick.host.manager_address import ManagerAddress

        address = ManagerAddress.parse(options["manager"])
        return ManagerElsewhere({"manager_http": address.http, "manager_ws": address.ws})
    if options["no_manager"]:
        return ManagerElsewhere(NOBODY)
    try:
        require_manager()
    except UsageError as error:
        sys.stderr.write(f"No manager beside the device: {error.message} ({error.remedy})\n")
        return ManagerElsewhere(NOBODY)
    is_passing = options["ephemeral"] or (options["seed"] and not options["state"])
    return ManagerBeside(issuer_key=options["issuer_key"], owner_key=options["owner_key"], is_passing=bool(is_passing))


def _checked_owner(owner_key: str) -> str:
    """Return the owner's key as the manager is told it; a fault in it shows before anything is started."""
    if not owner_key:
        return _KNOWN_OWNER
    from tallystick.errors import UsageError
    from tallystick.manager.hsm.owner import OwnerKey
    from tallystick.manager.hsm.role import Realm

    with OwnerKey.open(owner_key) as owner:
        if owner.realm is not Realm.TEST:
            raise UsageError(
                "a device of `tally up` belongs to the test realm", remedy="name an owner of the test realm"
            )
    return owner_key


def _mixed(folder: Path, issuer_key: str) -> str:
    """Make a keyring of another issuer and the workshop's own software key and signer; return its URL."""
    from dataclasses import replace

    from tallystick.cli.workshop_key import workshop_keys
    from tallystick.manager.hsm.address import FileAddress, parse_address
    from tallystick.manager.hsm.key_file import KeyFile
    from tallystick.manager.hsm.keyring import certify_signer
    from tallystick.manager.hsm.place import file_of
    from tallystick.manager.hsm.role import Role

    address = parse_address(workshop_keys())
    issuer = KeyFile.read(Path(issuer_key), role=Role.ISSUER)
    folder.mkdir(mode=0o700)
    if isinstance(address, FileAddress):
        software, signer = (
            KeyFile.read(file_of(address.folder, role), role=role) for role in (Role.SOFTWARE, Role.SIGNER)
        )
        certificate = certify_signer(issuer, signer.public_key).to_bytes()
        for key in (issuer, software, replace(signer, certificate=certificate)):
            key.write(file_of(folder, key.role))
    return FileAddress(folder=folder).url
