"""The tour with two devices, as `make demo` gives it: real processes, a page with both, a key that moves and then stays."""

import re
import subprocess
import sys
import urllib.request

from process_stage import PATIENCE_S


def test_the_tour_moves_a_key_and_shows_both_devices(home):
    """It ends by itself, says where the key is, and both screens are on its page while it lasts."""
    command = [sys.executable, "-u", "-m", "tallystick", "demo", "--tour", "transfer", "--pause", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=home) as tour:
        said, page = "", None
        for line in tour.stdout:
            said += line
            found = re.search(r"both on one page: (\S+)", line)
            if found:
                page = urllib.request.urlopen(found[1], timeout=PATIENCE_S).read()
                pictures = [urllib.request.urlopen(f"{found[1]}picture/{n}", timeout=PATIENCE_S).read() for n in (0, 1)]
        assert tour.wait(PATIENCE_S) == 0, said
    assert b"beside.js" in page
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    key = re.search(r"key ([0-9a-f]{16}): it can move", said)[1]
    assert f"key {key} is on the receiver now; the sender has none" in said
    assert said.rstrip().endswith("has signed, so it stays there for ever. Done.")
