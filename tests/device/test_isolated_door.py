"""The isolated board's processes, seen by another program of the same user: their memory is shut, and they leave no core."""

import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from isolated_stage import Held, told, tree, worlds
from process_stage import PATIENCE_S
from up_stage import GET_ADDRESS, wait_for_end

from tallystick.device.sandbox import limit
from tallystick.device.sandbox.kernel import Kernel, machine

_ATTACH, _DETACH = 16, 17
_LIBC = ctypes.CDLL(None, use_errno=True)


def give_up_rights():
    """Become a user like any other, even where the tests run as the superuser: for good, and over exec."""
    kernel = Kernel(machine())
    limit.forbid_privileges(kernel)
    limit.drop_capabilities(kernel)


def may_open(path):
    """Tell whether a file of /proc can be opened."""
    try:
        with path.open("rb"):
            return True
    except PermissionError:
        return False


def look_into(pid):
    """Try every way into a process and return which of them were allowed."""
    found = {name: may_open(Path(f"/proc/{pid}/{name}")) for name in ("mem", "maps", "environ", "auxv")}
    try:
        found["fd"] = bool(Path(f"/proc/{pid}/fd/0").readlink())
    except PermissionError:
        found["fd"] = False
    local = ctypes.create_string_buffer(16)
    vector = struct.pack("=QQ", ctypes.addressof(local), 16)
    read = _LIBC.process_vm_readv(pid, vector, 1, vector, 1, 0)
    found["process_vm_readv"] = read >= 0 or ctypes.get_errno() != 1  # an address that is not there is no refusal
    found["ptrace"] = _LIBC.ptrace(_ATTACH, pid, None, None) == 0
    if found["ptrace"]:
        os.waitpid(pid, 0x4000_0000)
        _LIBC.ptrace(_DETACH, pid, None, None)
    return sorted(name for name, allowed in found.items() if allowed)


def looks(pids):
    """Look into processes from a program of the same user with no rights beyond the user's own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            give_up_rights()
            os.write(writing, json.dumps([look_into(pid) for pid in pids]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        found = json.loads(pipe.read())
    os.waitpid(child, 0)
    return found


def test_no_program_of_the_user_looks_into_the_device(home):
    """Memory, maps, descriptors and tracing of silicon, both worlds and an app are refused; the bench's own are not."""
    with Held("--open", "cosmos", env=home, preexec_fn=give_up_rights) as device:
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        found = worlds(device)
        assert sorted(found) == ["app", "normal", "silicon", "world"]
        assert dict(zip(found, looks(found.values()), strict=True)) == {name: [] for name in found}
        # the looks can tell: a process that does not shut its door is open to all of them
        assert len(looks([device.process.pid])[0]) == 7


def test_a_world_that_aborts_leaves_no_core(home, tmp_path):
    """The limit on cores is nothing, hard, and an abort of the Secure World writes none."""
    with Held(env=home, cwd=tmp_path) as device:
        family = tree(device.process.pid)
        for pid in worlds(device).values():
            (line,) = [line for line in told(pid, "limits").splitlines() if line.startswith(b"Max core")]
            assert line.split()[4:6] == [b"0", b"0"]
        os.kill(worlds(device)["world"], signal.SIGABRT)
        device.process.wait(PATIENCE_S)
        for pid in family:
            wait_for_end(pid)
    assert list(tmp_path.iterdir()) == []


def kinds(pid):
    """Return what the descriptors of a process are, sorted: kinds without numbers, files by name."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        found.append(re.sub(r":\[\d+\]$", "", target) if ":" in target else Path(target).name)
    return sorted(found)


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser sees the descriptors of a process that is shut")
def test_nothing_is_open_that_need_not_be(home):
    """Link, chip's memory, gate and listening socket, the loop's own three, and the standard ones: no image, no jig, no panel."""
    with Held("--open", "cosmos", env=home) as device:
        assert device.exchange(GET_ADDRESS, device.connect()).endswith(b"\x90\x00")
        found = {name: kinds(pid) for name, pid in worlds(device).items()}
        standard = ["null"]
        # the app's error output is a pipe to the Secure World where somebody hears it
        assert found["app"] == [*standard * 3, "socket"]
        # gate, listening socket, one client, and the loop's epoll and pair of sockets
        assert found["normal"] == ["anon_inode:[eventpoll]", "null", "pipe", "pipe", *["socket"] * 5]
        # and the machine's own generator, where there is one
        assert [name for name in found["silicon"] if name not in ("null", "pipe", "hwrng")] == ["memory", "socket"]
        assert found["silicon"].count("hwrng") <= 1
        assert not any("hwrng" in kinds_found for name, kinds_found in found.items() if name != "silicon")


@pytest.mark.parametrize("module", ["tallystick.device.boot.bootloader_entry", "tallystick.device.board.secure_entry"])
def test_a_stage_shuts_its_door_before_it_loads_the_rest(module):
    """When the first module of the stage's own work is loaded, the process is not dumpable any more."""
    code = (
        "import ctypes, importlib, resource, sys\n"
        f"entry = importlib.import_module({module!r})\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.endswith(('.bootloader_main', '.secure_start')):\n"
        "            print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))\n"
        "            sys.exit(0)\n"
        "sys.meta_path.insert(0, Watch())\n"
        "sys.argv[1:] = ['world']\n"
        "entry.main(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stdout) == (0, "0 0 0\n"), done.stderr
