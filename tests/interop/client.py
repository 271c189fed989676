"""Foreign clients as processes: each driver gets one JSON request and answers one JSON line."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE / ".venv"
NODE_MODULES = HERE / "node_modules"
#: real processes on a busy machine: nothing here is measured, this only ends a test that hangs
TIME_LIMIT_S = 300.0


class ClientFailed(AssertionError):
    """A client did not get through; the text is what it said."""


def why_no_python():
    """Say why the Python clients cannot run here; empty if they can."""
    return "" if (VENV / ".ready").exists() else "Python clients not installed: run scripts/interop_setup"


def why_no_node():
    """Say why the node clients cannot run here; empty if they can."""
    if shutil.which("node") is None:
        return "node clients cannot run: no node on the PATH"
    return "" if (NODE_MODULES / ".ready").exists() else "node clients not installed: run scripts/interop_setup"


def environment(*, home, apdu_port):
    """Give the environment of a client: its own home, and the device where ledgerctl and ledgerblue look for it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    proxy = {"LEDGER_PROXY_ADDRESS": "127.0.0.1", "LEDGER_PROXY_PORT": str(apdu_port)}
    return kept | proxy | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def run_command(arguments, *, env, expect_success=True):
    """Run a client's own command; give the finished process with its output as text."""
    try:
        done = subprocess.run(
            arguments, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise ClientFailed(f"{arguments} got no further in {TIME_LIMIT_S} s\n{late.stdout}\n{late.stderr}") from None
    if expect_success and done.returncode:
        raise ClientFailed(f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def driver_command(kind, name, request):
    """Give the command that runs python/NAME.py or node/NAME.mjs with a request."""
    program, script = (VENV / "bin/python", f"{name}.py") if kind == "python" else (shutil.which("node"), f"{name}.mjs")
    return [str(program), str(HERE / kind / script), json.dumps(request)]


@contextmanager
def running_driver(kind, name, request, *, env):
    """Have a driver running while the body runs, and kill it at its end, whatever it is doing."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(driver_command(kind, name, request), env=env, cwd=env["HOME"], **quiet) as process:
        try:
            yield
        finally:
            process.kill()


def run_driver(kind, name, request, *, env):
    """Run a driver; give its answer as a dict."""
    done = run_command(driver_command(kind, name, request), env=env, expect_success=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ClientFailed(f"{name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return json.loads(lines[-1])


def version_of(package):
    """Give the pinned version of a client: a node package by its name with @ or /, else one of requirements.txt."""
    manifest = NODE_MODULES / package / "package.json"
    if manifest.exists():
        return json.loads(manifest.read_text(encoding="utf-8"))["version"]
    pins = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(pin.partition("==")[2] for pin in pins if pin.startswith(f"{package}=="))
