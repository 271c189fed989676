"""`tally app run` as a process, and a client of its port."""

import json
import socket
import subprocess
import sys

#: real processes on a busy machine: nothing here is measured, this only ends a test that hangs
PATIENCE_S = 120


class Run:
    """One run; `facts` is its line of JSON."""

    def __init__(self, path, *options):
        command = [sys.executable, "-m", "tallystick", "app", "run", str(path), "--json", "--apdu-port", "0"]
        self.process = subprocess.Popen(
            [*command, "--api-port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.facts = json.loads(self.process.stdout.readline())

    def exchange(self, apdu):
        """Ask the app."""
        with socket.create_connection(("127.0.0.1", self.facts["apdu_port"]), timeout=PATIENCE_S) as client:
            stream = client.makefile("rwb")
            raw = bytes.fromhex(apdu)
            stream.write(len(raw).to_bytes(4, "big") + raw)
            stream.flush()
            size = int.from_bytes(stream.read(4), "big")
            return stream.read(size + 2).hex()

    def stop(self):
        """End it and return its standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_S)[1]
