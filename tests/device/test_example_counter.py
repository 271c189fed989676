"""The attested counter of the tutorial: its own tests pass as a reader would run them, and its page shows its very code."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/attested-counter"
PAGE = ROOT / "docs/tutorial/attested-counter.md"


def test_the_examples_own_tests_pass():
    """Third party, replay, forgery and cheat, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLE, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_page_shows_the_code_that_runs():
    """Each block of the page stands in one of the example's files, as it is but for its indentation."""
    files = [textwrap.dedent(path.read_text()) for path in EXAMPLE.glob("*.py")]
    sources = [re.sub(r"^ +", "", text, flags=re.MULTILINE) for text in files]
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(shown) == 5
    for block in shown:
        bare = re.sub(r"^ +", "", block, flags=re.MULTILINE).strip()
        assert any(bare in source for source in sources), block


def test_the_verifier_works_from_the_command_line():
    """A third party runs one file; what it does not believe ends with an error."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "verify.py"), "04" + "00" * 64, "00" * 32, "04" + "00" * 70, "00", "00" * 80],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert not done.stdout
