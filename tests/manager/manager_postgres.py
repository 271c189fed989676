"""A PostgreSQL server for the tests that want one: made in a folder of its own, on a socket in it, gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_S = 60.0


def program(name: str) -> str | None:
    """Return the path of one of the server's programs; Debian keeps them beside no PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else shutil.which(name)


def _as_user(folder: Path) -> list[str]:
    """Return what makes a command run unprivileged: the server refuses to run as root."""
    if os.getuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server and give the URL of its first database; others go by `fresh`."""
    folder = Path(tempfile.mkdtemp(prefix="tally-pg-"))
    prefix = _as_user(folder)
    data = folder / "data"
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": folder}
    command = [program("initdb"), "-D", data, "-U", "tally", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run([*prefix, *command], **quiet, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    server = subprocess.Popen(
        [
            *prefix,
            program("postgres"),
            "-D",
            data,
            "-k",
            folder,
            "-h",
            "",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=80",
        ],
        **quiet,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(folder, server)
        yield f"postgresql://tally@/postgres?host={folder}"
    finally:
        # a fast end: connections are cut
        server.send_signal(2)
        server.wait(60)
        shutil.rmtree(folder)


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(host=str(folder), user="tally", dbname="postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        else:
            return


def fresh(url: str, name: str) -> str:
    """Make an empty database on the server and return its URL."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.replace("/postgres?", f"/{name}?")
