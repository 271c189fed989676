"""The other layers of the sandbox: what they cover, what is said when one is missing, and the look from outside."""

import os
import socket
import struct
import subprocess
import sys
import textwrap

import pytest
from process_stage import PATIENCE_S

from tallystick.device.sandbox import confine as confinement
from tallystick.device.sandbox import entry, landlock, seccomp
from tallystick.device.sandbox.boundary import Boundary, Report, Standing
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.inspect import Inspection, ProcessEnded, inspect, require_confined
from tallystick.device.sandbox.role import Role, profile
from tallystick.errors import TrustError

LOCKED = (
    "Name:\tpython\nThreads:\t1\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
)
ALL = Report(standings=tuple(Standing(boundary=one, holds=True) for one in Boundary))


def lacking(*missing):
    """Return the report of a machine without these layers."""
    return Report(standings=tuple(Standing(boundary=one, holds=one not in missing) for one in Boundary))


@pytest.fixture
def proc(tmp_path):
    """Return a folder that looks like /proc, and a maker of process 7 in it."""

    def make(status):
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "status").write_text(status)
        return tmp_path

    return make


def test_a_locked_process_is_accepted(proc):
    """One thread, filtered, no way to more rights, no capabilities."""
    require_confined(7, ALL, proc=proc(LOCKED))


@pytest.mark.parametrize(
    ("line", "instead", "reason"),
    [
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "gain privileges"),
        ("NoNewPrivs:\t1\n", "", "gain privileges"),
        ("Seccomp:\t2", "Seccomp:\t0", "unfiltered"),
        ("Seccomp:\t2", "Seccomp:\t1", "unfiltered"),
        ("Seccomp:\t2\n", "", "unfiltered"),
        ("Seccomp:\t2", "Seccomp:\tx", "unfiltered"),
        ("Threads:\t1", "Threads:\t2", "threads"),
        ("Threads:\t1\n", "", "threads"),
        ("CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff", "capabilities"),
        ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000001", "capabilities"),
        ("CapPrm:\t0000000000000000\n", "", "capabilities"),
    ],
)
def test_a_process_that_is_not_locked_is_refused(proc, line, instead, reason):
    """Each field must be there and right; the reason is told."""
    assert line in LOCKED
    with pytest.raises(TrustError, match=reason):
        require_confined(7, ALL, proc=proc(LOCKED.replace(line, instead)))


def test_a_filter_that_it_was_born_with_is_not_its_lock(proc):
    """Who was started by a process with filters must have put on one more; where none are counted, none can be inherited."""
    folder = proc(LOCKED + "Seccomp_filters:\t1\n")
    require_confined(7, ALL, proc=folder)
    with pytest.raises(TrustError, match="unfiltered"):
        require_confined(7, ALL, inherited=1, proc=folder)
    (folder / "7" / "status").write_text(LOCKED + "Seccomp_filters:\t2\n")
    require_confined(7, ALL, inherited=1, proc=folder)
    (folder / "7" / "status").write_text(LOCKED)
    with pytest.raises(TrustError, match="unfiltered"):
        require_confined(7, ALL, inherited=1, proc=folder)


def test_a_process_that_is_gone_is_refused(tmp_path):
    """What cannot be looked at is not trusted."""
    with pytest.raises(TrustError, match="cannot be looked at"):
        require_confined(7, ALL, proc=tmp_path)


@pytest.mark.parametrize(("flags", "reason"), [("4194308", "is ending"), ("4194304", "unfiltered"), ("", "unfiltered")])
def test_a_process_on_its_way_out_has_ended(proc, flags, reason):
    """The kernel takes a dying process's filter from it first: it is one that ended, not one that never was locked."""
    folder = proc(LOCKED.replace("Seccomp:\t2", "Seccomp:\t0"))
    (folder / "7" / "stat").write_text(f"7 (a name) 9) R 1 7 7 0 -1 {flags}")
    with pytest.raises(TrustError, match=reason) as caught:
        require_confined(7, ALL, proc=folder)
    assert isinstance(caught.value, ProcessEnded) == (flags == "4194308")


def test_a_process_that_its_filter_has_killed_has_ended(proc):
    """The kernel says so before the process begins to end: it makes no call any more."""
    with pytest.raises(ProcessEnded):
        require_confined(7, ALL, proc=proc(LOCKED.replace("Seccomp:\t2", "Seccomp:\t3")))


def test_a_name_of_a_process_cannot_imitate_fields(proc):
    """The kernel escapes line ends in names, so a name with a tab in it stays one field of its own."""
    imitation = "Name:\tx\\nSeccomp:\t2"
    status = LOCKED.replace("Seccomp:\t2", "Seccomp:\t0").replace("Name:\tpython", imitation)
    with pytest.raises(TrustError, match="unfiltered"):
        require_confined(7, ALL, proc=proc(status))


def test_what_a_machine_lacks_is_not_demanded(proc):
    """Where the kernel has no filter the process runs on without; where it has, nothing less will do."""
    status = LOCKED.replace("Seccomp:\t2", "Seccomp:\t0")
    folder = proc(status)
    require_confined(7, lacking(Boundary.SECCOMP), proc=folder)
    with pytest.raises(TrustError, match="unfiltered"):
        require_confined(7, lacking(Boundary.LANDLOCK), proc=folder)


def test_the_kernel_tells_of_a_real_process():
    """The tests' own process is found unlocked."""
    found = inspect(os.getpid())
    assert isinstance(found, Inspection)
    assert found.threads >= 1
    assert found.seccomp in (0, 2, -1)


def test_landlock_takes_every_right_of_its_version():
    """Rights grow with the version; the structure is as long as that version reads, and no longer."""
    sizes = {version: len(landlock.ruleset(version)) for version in range(1, 9)}
    assert sizes == {1: 8, 2: 8, 3: 8, 4: 16, 5: 16, 6: 24, 7: 24, 8: 24}
    files = {version: struct.unpack_from("=Q", landlock.ruleset(version))[0] for version in range(1, 8)}
    assert files == {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF, 6: 0xFFFF, 7: 0xFFFF}
    assert struct.unpack("=QQQ", landlock.ruleset(7))[1:] == (3, 3)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (0, "missing on this kernel"),
        (1, "without TCP and abstract sockets and signals (ABI 1)"),
        (4, "without abstract sockets and signals (ABI 4)"),
        (6, ""),
        (7, ""),
    ],
)
def test_what_landlock_does_not_cover_is_told(version, words):
    """An old version is a weaker layer, and says so."""
    assert landlock.coverage(version) == words


def test_missing_layers_are_told_in_words():
    """One line for each: what people and scripts are shown."""
    standings = (
        Standing(boundary=Boundary.LANDLOCK, holds=False, note="missing on this kernel"),
        Standing(boundary=Boundary.SECCOMP, holds=True),
        Standing(boundary=Boundary.RLIMITS, holds=False),
    )
    report = Report(standings=standings)
    assert report.missing == ("landlock: missing on this kernel", "rlimits: missing")
    assert (report.holds(Boundary.SECCOMP), report.holds(Boundary.LANDLOCK)) == (True, False)
    assert report.holds(Boundary.DUMPABLE) is False
    assert report.to_json()[0] == {"name": "landlock", "holds": False, "note": "missing on this kernel"}


def test_a_kernel_without_layers_is_surveyed_as_such(monkeypatch):
    """No Landlock, no filter: both are missing, the rest holds."""
    monkeypatch.setattr(landlock, "abi", lambda _kernel: 0)
    monkeypatch.setattr(seccomp, "is_available", lambda _kernel: False)
    assert survey().missing == ("landlock: missing on this kernel", "seccomp: missing on this kernel")


def test_a_system_we_know_nothing_of_has_no_layer(monkeypatch):
    """Another system or another machine runs on, with every boundary told as missing, and nothing is looked for in /proc."""
    monkeypatch.setattr(confinement, "machine", lambda: None)
    report = survey()
    assert len(report.missing) == len(Boundary)
    assert all("missing on this system" in line for line in report.missing)
    require_confined(7, report)


def start(body, *arguments, parent=None):
    """Start the entry with a program made of `body`, and return the finished process."""
    script = textwrap.dedent(
        """
        import sys, types
        from tallystick.device.sandbox import entry
        program = types.ModuleType("program")
        exec(sys.argv[1], program.__dict__)
        sys.modules["program"] = program
        sys.exit(entry.main([*sys.argv[2:4], "program", *sys.argv[4:]]))
        """
    )
    command = [sys.executable, "-I", "-c", script, textwrap.dedent(body), "app", str(parent or os.getpid()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def test_a_program_prepares_outside_and_works_inside():
    """Files can be read while it prepares; what it returns runs locked, and its status is the process's."""
    done = start(
        """
        def prepare(arguments):
            text = open("/proc/self/status").read()
            assert "Seccomp:\\t0" in text or "Seccomp:\\t2" in text
            return lambda: (print("worked", *arguments), 5)[1]
        """,
        "a",
        "b",
    )
    assert (done.returncode, done.stdout) == (5, "worked a b\n")


def test_an_orphan_does_not_begin():
    """Whose parent has gone before it could be watched ends at once, and its work never starts."""
    done = start("def prepare(arguments): return lambda: (print('worked'), 0)[1]", parent=1)
    assert done.returncode == entry.NOT_CONFINED
    assert done.stdout == ""
    assert "gone" in done.stderr


def test_a_late_import_is_an_import_error():
    """A module that is not loaded cannot be had behind the lock; the process lives to hear of it."""
    done = start(
        """
        def work():
            for name in ("wave", "nothing_of_this_name", "tallystick.wire.tlv", "encodings.idna"):
                try: __import__(name)
                except ImportError: print(name)
            return 0
        def prepare(arguments): return work
        """
    )
    assert (done.returncode, done.stdout.split()) == (
        0,
        ["wave", "nothing_of_this_name", "tallystick.wire.tlv", "encodings.idna"],
    )


def test_an_error_is_told_without_opening_the_source():
    """An exception that nobody catches ends the process with status 1 and a few words, not with a signal."""
    done = start("def work(): raise ValueError('of the program')\ndef prepare(arguments): return work")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: of the program\n")


def test_a_logged_error_is_told_without_opening_the_source():
    """Logging with a traceback, as event loops do, is no reason to die."""
    done = start(
        """
        import logging
        def work():
            try: raise ValueError("told")
            except ValueError: logging.getLogger("x").exception("an error")
            return 0
        def prepare(arguments): return work
        """
    )
    assert done.returncode == 0, done.stderr
    assert "ValueError: told" in done.stderr


def test_opening_a_file_is_an_error_that_can_be_told():
    """Python's own ways to a file are refused before they reach the lock: an honest mistake gets an exception."""
    done = start(
        """
        import os
        def work():
            for do in (lambda: open("/etc/passwd"), lambda: os.open("/etc", 0), lambda: compile("(", "x", "exec")):
                try: do()
                except (PermissionError, SyntaxError) as error: print(type(error).__name__)
            return 0
        def prepare(arguments): return work
        """
    )
    assert (done.returncode, done.stdout.split()) == (0, ["PermissionError", "PermissionError", "SyntaxError"])


def test_a_layer_that_cannot_be_put_on_ends_the_process():
    """Available but refused is no reason to run without."""
    done = start(
        """
        from tallystick.device.sandbox import landlock
        def refuse(kernel, version, grant): raise OSError(1, "Operation not permitted")
        def prepare(arguments):
            landlock.restrict = refuse
            landlock.abi = lambda kernel: 7
            return lambda: (print("worked"), 0)[1]
        """
    )
    assert (done.returncode, done.stdout) == (entry.NOT_CONFINED, "")
    assert "landlock cannot be put on" in done.stderr


def test_a_thread_is_brought_along_or_nothing_runs():
    """A thread that was started before is filtered as well: none stays outside."""
    done = start(
        """
        import os, threading
        go = threading.Event()
        def other():
            go.wait()
            os.stat("/etc/passwd")
            print("got out")
        def prepare(arguments):
            thread = threading.Thread(target=other, daemon=True)
            thread.start()
            def work():
                go.set()
                thread.join()
                return 0
            return work
        """
    )
    assert done.returncode == -31
    assert "got out" not in done.stdout


def test_limits_hold_inside():
    """Memory is bounded, and the soft limits cannot be raised again."""
    done = start(
        """
        def work():
            try: bytearray(1 << 30)
            except MemoryError: print("bounded")
            return 0
        def prepare(arguments): return work
        """
    )
    assert (done.returncode, done.stdout) == (0, "bounded\n")


@pytest.mark.parametrize("role", [role for role in Role if not profile(role).is_permissive])
def test_the_small_layers_are_on(role):
    """Without the filter the process can still ask: it is not dumpable, leaves no core, and its limits are its role's."""
    code = (
        "import ctypes, os, resource as r, sys\nfrom tallystick.device.sandbox.boundary import Boundary\n"
        "from tallystick.device.sandbox.confine import confine\nfrom tallystick.device.sandbox.role import Role\n"
        "libc = ctypes.CDLL(None)\n"
        "report = confine(Role(sys.argv[1]), parent=os.getppid(), without={Boundary.SECCOMP})\n"
        "kinds = (r.RLIMIT_CORE, r.RLIMIT_NPROC, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_AS)\n"
        "print(libc.prctl(3, 0, 0, 0, 0), libc.prctl(39, 0, 0, 0, 0), *(part for kind in kinds for part in r.getrlimit(kind)))\n"
        "print(*report.missing, sep=';')\n"
    )
    command = [sys.executable, "-I", "-c", code, role.value]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    numbers, missing = done.stdout.splitlines()
    limits = profile(role).limits
    assert [int(number) for number in numbers.split()] == [
        *(0, 1),
        *(0, 0),
        *(0, 0),
        *[limits.file_bytes] * 2,
        *[limits.descriptors] * 2,
        *[limits.memory_bytes] * 2,
    ]
    assert "seccomp: left out" in missing.split(";")


def test_a_link_survives_the_lock():
    """Descriptors that were open before are what a locked process speaks through."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = (
        "import sys, socket, os\nfrom tallystick.device.sandbox.confine import confine\n"
        "from tallystick.device.sandbox.role import Role\n"
        "link = socket.socket(fileno=int(sys.argv[1]))\n"
        "confine(Role.KEYSTORE, parent=os.getppid())\nlink.send(link.recv(9) + b'!')\n"
    )
    with ours, theirs:
        number = theirs.fileno()
        with subprocess.Popen([sys.executable, "-I", "-c", code, str(number)], pass_fds=(number,)) as process:
            ours.send(b"hello")
            ours.settimeout(PATIENCE_S)
            assert ours.recv(9) == b"hello!"
            assert process.wait(PATIENCE_S) == 0
