"""What the documentation says is there: links, commands with their options, code, and pages written from the code."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tallystick.cli.main import tally
from tallystick.device.os.dashboard import Dashboard
from tallystick.testing import VirtualDevice
from tallystick.wire.syscall import REQUESTS, CallStatus

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests/interop").glob("*.md")])
FENCE = re.compile(r"^```(\w+)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
#: places of one machine, and files of nobody but its user
MACHINE = re.compile(r"/(?:work|home|root|Users|tmp)/|[A-Z]:\\|site-packages")


def named(page: Path) -> str:
    """Return a page's path as test ids have it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the code blocks of a page in these languages."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_to_a_file(page):
    """A link to a file of the repository, and its anchor, resolve from the page they stand on."""
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_nothing_mentions_a_place_on_one_machine(page):
    """No page holds a path that exists on its writer's machine alone."""
    assert not MACHINE.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_test_named_exists(page):
    """A test that a page names as holding a promise is there."""
    for file, test in re.findall(r"`(tests/[\w/.-]+)(?:::(\w+))?`", prose(page)):
        assert (ROOT / file).exists(), file
        if test:
            assert re.search(rf"^(?:async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (
                test
            )


def commands(page: Path) -> list[list[str]]:
    """Return the `tally ...` lines of a page, in blocks and in the running text, as words."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(tally [^`]+)`", prose(page))
    lines += re.findall(r"^ {4}(tally .+)$", prose(page), re.MULTILINE)
    found = []
    for line in lines:
        match = re.match(r"(?:\.venv/bin/)?tally (.*)", line.strip())
        if match and not re.search(r"NOUN|VERB|…|\.\.\.", line):
            words = shlex.split(match[1], comments=True)
            cut = next((at for at, word in enumerate(words) if word in {"|", ">", "2>", "<", "&&"}), len(words))
            found.append(words[:cut])
    return found


def check_command(words: list[str]) -> None:
    """Walk from the root command along `words`, and raise AssertionError at a word or option that is not there."""
    command: click.Command = tally
    # the option of help is left to click: asking a command for it would fix its names for the rest of the run
    options = {"-h", "--help"}
    context = click.Context(tally)
    takes_value = dict.fromkeys(options, False)

    def learn(command: click.Command) -> None:
        for parameter in command.params:
            for name in (*parameter.opts, *parameter.secondary_opts):
                if name.startswith("-"):
                    options.add(name)
                    takes_value[name] = not (
                        isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)
                    )

    learn(tally)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":  # what follows is another program's
            break
        if word.startswith("-") and len(word) > 1:
            name = word.partition("=")[0]
            assert name in options, f"{' '.join(words)}: no option {name}"
            if takes_value[name] and "=" not in word and rest:
                rest.pop(0)
        elif isinstance(command, click.Group):
            child = command.get_command(context, word)
            assert child is not None, f"{' '.join(words)}: no command {word}"
            command = child
            learn(command)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_shown_exists_with_its_options(page):
    """Each `tally` command of the pages is one, and takes the options it is shown with."""
    for words in commands(page):
        check_command(words)


def test_the_check_of_commands_refuses_what_is_not_there():
    """A command or an option that does not exist is found out, so that the test above can fail."""
    check_command(["device", "info", "--json"])
    with pytest.raises(AssertionError, match="no command fly"):
        check_command(["device", "fly"])
    with pytest.raises(AssertionError, match="no option --wings"):
        check_command(["up", "--model", "stax", "--wings"])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_blocks_are_code(page):
    """Python blocks compile and JSON blocks are JSON."""
    for text in blocks(page, "python"):
        compile(text, named(page), "exec", dont_inherit=True)
    for text in blocks(page, "json"):
        json.loads(text)


TESTED = [page for page in PAGES if any("def test_" in text for text in blocks(page, "python"))]


@pytest.mark.parametrize("page", TESTED, ids=named)
def test_the_tests_shown_pass(page, tmp_path):
    """Each test shown on a page passes as a reader would run it, and there is one in README and tutorial."""
    for number, text in enumerate(blocks(page, "python")):
        if "def test_" in text:
            (tmp_path / f"test_block_{number}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout


def test_readme_and_tutorial_show_tests():
    """The pages that promise a test to copy have one."""
    assert {named(page) for page in TESTED} >= {
        "README.md",
        "docs/tutorial/first-test.md",
        "docs/tutorial/first-app.md",
    }


_GENERATOR = runpy.run_path(str(ROOT / "scripts/docs_reference"))


@pytest.mark.parametrize("name", list(_GENERATOR["PAGES"]))
def test_pages_written_from_the_code_are_current(name):
    """The pages that scripts/docs_reference writes are what it would write now."""
    current = _GENERATOR["PAGES"][name]()
    assert (ROOT / "docs/reference" / name).read_text(encoding="utf-8") == current, "run scripts/docs_reference"


def test_every_command_of_the_dashboard_has_a_row():
    """The page of APDUs has each instruction that the dashboard handles."""
    device = VirtualDevice()
    (dashboard,) = (one for one in vars(device.board.system.dispatcher).values() if isinstance(one, Dashboard))
    rows = (ROOT / "docs/reference/apdus.md").read_text(encoding="utf-8")
    assert dashboard.handlers
    for instruction in dashboard.handlers:
        assert f"| `E0 {instruction:02X}` |" in rows


def test_every_system_call_has_its_page():
    """Each system call and status stands in the index, and each call on the page of its group."""
    folder = ROOT / "docs/reference/syscalls"
    index = (folder / "index.md").read_text(encoding="utf-8")
    for number in REQUESTS:
        row = re.search(rf"^\| 0x{number:02X} \| (\w+) \| \[[^\]]+\]\(([\w-]+\.md)\) \|$", index, re.MULTILINE)
        assert row, f"{number:#04x} is not in the index"
        assert f"| 0x{number:02X} | {row[1]} |" in (folder / row[2]).read_text(encoding="utf-8")
    for status in CallStatus:
        assert f"| {status.value} | {status.name} |" in index


def test_the_json_schemas_of_the_commands_are_documented():
    """Every schema that a command of the line prints stands on the page of JSON."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/tallystick/cli").glob("*.py"))
    schemas = set(re.findall(r'schema="([a-z.]+)"', sources))
    page = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
    assert len(schemas) > 8
    for schema in schemas:
        assert f"`tally.{schema}/1`" in page
