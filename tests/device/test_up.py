"""`tally up` as a subprocess: what it prints, every option of its contract, how it fails, and that it leaves nothing."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from isolated_stage import told
from process_stage import proc
from up_stage import (
    ADDRESS,
    DOCUMENT,
    GET_ADDRESS,
    NAME,
    PATIENCE_S,
    TEST_SENTENCE,
    Up,
    command,
    fail,
    is_signature,
    receive,
    run,
    sign_requests,
)

MODELS = ("nanos", "nanox", "nanosp", "stax", "flex", "apex_p")
RIGHT, BOTH = (
    [["button", 2, True], ["button", 2, False]],
    [
        ["button", 1, True],
        ["button", 2, True],
        ["button", 1, False],
        ["button", 2, False],
    ],
)
#: approves any review of the nano models: both buttons on the word, the right one on every page's title
RULES = {
    "version": 1,
    "rules": [
        {"text": "APPROVE", "actions": BOTH},
        {"regexp": "Please|Type|Amount|From|To$|Fee|Memo|Chain", "actions": RIGHT},
    ],
}


def sign(device):
    """Ask for an address and a signature over one connection; return whether the signature is good."""
    link = device.connect()
    key = device.exchange(GET_ADDRESS, link)[:33]
    for apdu in sign_requests():
        answer = device.exchange(apdu, link)
    return answer[-2:] == b"\x90\x00" and is_signature(answer[:-2], key)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_starts_and_signs_what_is_approved(model):
    """The line says what runs where; the app opened at start gives the right address, and --approve signs."""
    with Up("--model", model, "--open", "cosmos", "--approve") as device:
        assert (device.facts["model"], device.facts["pid"]) == (model, device.process.pid)
        assert device.exchange(NAME).startswith(b"\x01\x06Cosmos")
        assert device.exchange(GET_ADDRESS)[33:] == ADDRESS + b"\x90\x00"
        assert sign(device)
        status = device.rest("GET", "/status")
        assert (status["model"], status["app"], status["test_device"]) == (model, "Cosmos", True)
        assert device.end() == 0


def test_the_line_is_one_line_with_these_members():
    """Scripts rely on these names; nothing else is written to stdout until the end."""
    with Up("--ephemeral") as device:
        assert device.line.endswith("\n")
        whose = {"issuer_public_key", "manager_http", "manager_ws"}
        assert set(device.facts) == {"pid", "model", "serial", "apdu_port", "api_port"} | whose
        assert device.facts["serial"]
        assert device.end() == 0
        assert (device.process.stdout.read(), device.errors()) == ("", "")


def test_without_panel_there_is_no_api_port():
    """No page, no REST API, and on the embedded board no second process."""
    with Up("--no-panel", "--board", "embedded") as device:
        assert device.facts["api_port"] is None
        assert device.family() == []
        assert device.exchange(NAME).endswith(b"\x90\x00")
        assert device.end() == 0


def test_people_are_told_where_it_runs():
    """Without --json a few lines name model, page and port, and how to stop it."""
    with subprocess.Popen(
        command("--no-manager", "--seed", TEST_SENTENCE, "--apdu-port", "0", "--api-port", "0"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        process.terminate()
    text = "".join(lines)
    assert "nanosp" in text
    assert "http://127.0.0.1:" in text
    assert "Ctrl-C" in text
    assert "test" not in text.replace("test device", "")


def test_a_fresh_device_wants_to_be_set_up():
    """Without --seed nothing is onboarded, and no app can be opened."""
    with Up("--ephemeral", seed="") as device:
        status = device.rest("GET", "/status")
        assert (status["onboarded"], status["test_device"]) == (False, False)
    code, error = fail("--ephemeral", "--open", "cosmos")
    assert (code, error["error"]) == (2, "usage")
    assert error["remedy"]


def test_a_pin_starts_the_device_locked():
    """With --pin the test device asks for it, and clients hear 5515 until it is entered."""
    with Up("--pin", "1234", "--app", "cosmos") as device:
        assert device.exchange("e0d8000006436f736d6f73") == b"\x55\x15"
        status = device.rest("GET", "/status")
        assert (status["onboarded"], status["unlocked"]) == (True, False)


def test_a_locked_device_opens_no_app():
    """--open and --pin contradict each other, which is said with a remedy."""
    code, error = fail("--seed", TEST_SENTENCE, "--pin", "1234", "--open", "cosmos")
    assert (code, error["error"]) == (2, "usage")
    assert error["remedy"]


def test_expert_mode_is_what_apps_start_in():
    """--expert shows more of a transaction than the plain review."""

    def lines(*options):
        with Up("--open", "cosmos", "--approve", *options) as device:
            assert sign(device)
            return {event["text"] for event in device.rest("GET", "/events")["events"]}

    plain, expert = lines(), lines("--expert")
    assert not any("Gas" in line for line in plain)
    assert any("Gas" in line for line in expert)


def test_rules_sign_too():
    """--automation takes the JSON itself, and the rules press the buttons."""
    with Up("--open", "cosmos", "--automation", json.dumps(RULES)) as device:
        assert sign(device)


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_rules_come_from_a_file(tmp_path, prefix):
    """--automation takes a path, with or without `file:`."""
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES))
    with Up("--open", "cosmos", "--automation", f"{prefix}{path}") as device:
        assert sign(device)


def test_rules_come_through_a_pipe():
    """What a shell makes of <(…) can be read once only, and that is enough."""
    reading, writing = os.pipe()
    os.write(writing, json.dumps(RULES).encode())
    os.close(writing)
    try:
        with Up(*with_rules(f"/dev/fd/{reading}"), pass_fds=(reading,)) as device:
            assert sign(device)
    finally:
        os.close(reading)


def test_long_rules_fit():
    """A document longer than the kernel lets an argument be reaches the panel whole."""
    filler = [{"text": f"never {number:04} {'x' * 200}", "actions": []} for number in range(900)]
    data = json.dumps({"version": 1, "rules": filler + RULES["rules"]}).encode()
    assert len(data) > 131_072
    with memory(data) as descriptor, Up(*with_rules(f"/dev/fd/{descriptor}"), pass_fds=(descriptor,)) as device:
        assert sign(device)


def with_rules(source):
    """Return the options of a device with the app open and rules."""
    return "--open", "cosmos", "--automation", source


@contextlib.contextmanager
def memory(data):
    """Give the descriptor of memory that holds `data`."""
    descriptor = os.memfd_create("rules", 0)
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_rule_may_end_the_session():
    """The action `exit` ends panel and device, as it should, with success."""
    rules = {"version": 1, "rules": [{"regexp": "Please", "actions": [["exit"]]}]}
    with Up("--open", "cosmos", "--automation", json.dumps(rules)) as device:
        link = device.connect()
        for apdu in sign_requests()[:-1]:
            device.exchange(apdu, link)
        last = sign_requests()[-1]
        link.sendall(len(last).to_bytes(4, "big") + last)
        assert device.process.wait(PATIENCE_S) == 0
        assert device.errors() == ""


@pytest.mark.parametrize(
    "rules",
    ["/no/such/file", "file:/no/such/file", "{", '{"version": 2}', '{"rules": [{"txt": "x"}]}', '{"rules": 5}', "/"],
)
def test_bad_rules_are_an_error_before_anything_starts(rules):
    """A fault in the rules is told by tally itself, with exit code 2, and not by a panel that dies later."""
    code, error = fail("--seed", TEST_SENTENCE, "--automation", rules)
    assert (code, error["error"]) == (2, "usage")
    assert "automation" in error["message"]


@pytest.mark.parametrize(
    "options",
    [
        ("--pin", "1234"),
        ("--approve",),
        ("--seed", TEST_SENTENCE, "--pin", "123"),
        ("--seed", TEST_SENTENCE, "--pin", "12a4"),
        ("--seed", TEST_SENTENCE, "--pin", "123456789"),
        ("--seed", "test test"),
        ("--seed", TEST_SENTENCE.replace("junk", "test")),
        ("--seed", TEST_SENTENCE.replace("junk", "jumk")),
        ("--seed", TEST_SENTENCE, "--approve", "--automation", "{}"),
        ("--seed", TEST_SENTENCE, "--approve", "--no-panel"),
        ("--seed", TEST_SENTENCE, "--app", "nothing"),
        ("--seed", TEST_SENTENCE, "--open", "nothing"),
        ("--ephemeral", "--state", "somewhere"),
        ("--model", "nano"),
        ("--board", "gadget", "--usb", "tcp"),
        ("--apdu-port", "65536"),
        ("--apdu-port", "x"),
        ("--usb", "serial"),
        ("--usb", "tcp:x"),
        ("--usb", "tcp:65536"),
        ("--usb", "vhci:1"),
        ("--manager", "not-a-url"),
        ("--manager", "http://127.0.0.1:1", "--no-manager"),
        ("--issuer-key", "x"),
        ("--issuer-key", "x", "--no-certificate"),
        ("--owner-key", "x"),
        ("--deterministic-rng", "-1"),
        ("--nothing",),
    ],
    ids=lambda options: " ".join(options)[-40:],
)
def test_what_cannot_be_is_refused_at_once(tmp_path, home, options):
    """Options that contradict each other or do not exist: exit code 2, one error document, no seed in it, no process."""
    work = tmp_path / "work"
    work.mkdir()
    ended = run("--json", "--apdu-port", "0", "--api-port", "0", *options, cwd=work, env=home)
    error = json.loads(ended.stdout)
    assert (ended.returncode, error["error"], error["exit_code"]) == (2, "usage", 2)
    assert "junk" not in ended.stdout + ended.stderr
    assert list(work.iterdir()) == []


def test_no_manager_is_none():
    """A script that asks for no manager is told that there is none."""
    with Up("--board", "embedded", "--no-manager", manager=True) as device:
        assert (device.facts["manager_http"], device.facts["manager_ws"]) == (None, None)


@pytest.mark.parametrize("flag", ["--apdu-port", "--api-port"])
def test_a_busy_port_is_an_error_with_a_remedy(flag):
    """Exit code 4, the port in the message, the option in the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        code, error = fail("--seed", TEST_SENTENCE, flag, port)
    assert (code, error["error"]) == (4, "device_busy")
    assert port in error["message"]
    assert flag in error["remedy"]


def test_a_state_directory_is_kept_and_belongs_to_one(tmp_path):
    """Name, app and its settings survive a restart; a second device on the same directory is refused with a remedy."""
    options = ("--state", str(tmp_path / "flash"), "--app", "cosmos")
    with Up(*options) as device:
        serial = device.facts["serial"]
        code, error = fail(*options)
        assert (code, error["error"]) == (4, "state_busy")
        assert "--state" in error["remedy"]
        assert device.end() == 0
    with Up("--state", options[1], seed="") as device:
        assert device.facts["serial"] == serial
        status = device.rest("GET", "/status")
        assert (status["onboarded"], status["unlocked"], status["test_device"]) == (True, True, True)
        assert device.end() == 0
    with Up("--state", options[1], "--open", "cosmos", seed="") as device:
        assert device.exchange(GET_ADDRESS)[33:] == ADDRESS + b"\x90\x00"
    code, error = fail("--state", options[1], "--model", "stax")
    assert (code, error["error"]) == (2, "usage")
    assert "nanosp" in error["remedy"]


def test_a_killed_device_leaves_its_state_whole_and_free(tmp_path):
    """After SIGKILL the same directory starts again, with nothing to clean up by hand."""
    with Up("--state", str(tmp_path), "--open", "cosmos") as device:
        serial = device.facts["serial"]
        assert device.end(signal.SIGKILL) == -signal.SIGKILL
    with Up("--state", str(tmp_path), "--open", "cosmos") as device:
        assert device.facts["serial"] == serial
        assert device.exchange(GET_ADDRESS)[33:] == ADDRESS + b"\x90\x00"


def test_a_seed_without_state_leaves_nothing_behind(tmp_path):
    """A test device is forgotten: in the home of its user there are the workshop's keys at most, and no device."""
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "XDG_DATA_HOME": str(tmp_path / "data")}
    with Up("--open", "cosmos", env=home) as device:
        assert device.exchange(NAME).endswith(b"\x90\x00")
        assert device.end() == 0
    assert {path.name for path in (tmp_path / "data" / "tallystick").iterdir()} <= {"keys", "keyring"}


@pytest.mark.parametrize(
    ("options", "folder"), [((), "isolated/nanox/flash"), (("--board", "embedded"), "devices/nanox")]
)
def test_an_own_device_is_kept_in_the_users_folder(tmp_path, home, options, folder):
    """Without --seed, --state and --ephemeral the device lives in a folder by board and model."""
    home = {**home, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    options = ("--model", "nanox", *options)
    with Up(*options, seed="", env=home) as device:
        serial = device.facts["serial"]
    assert (tmp_path / "data" / "tallystick" / folder).is_dir()
    with Up(*options, seed="", env=home) as device:
        assert device.facts["serial"] == serial


def test_the_boards_refuse_each_others_state(tmp_path, home):
    """A folder of the one board is no state of the other, and the remedy names the option; nothing in it changes."""
    for mine, other in (("isolated", "embedded"), ("embedded", "isolated")):
        folder = tmp_path / mine
        with Up("--board", mine, "--state", str(folder), seed="", env=home) as device:
            assert device.end() == 0
        before = sorted(path.name for path in folder.iterdir())
        code, error = fail("--board", other, "--state", str(folder), env=home)
        assert (code, error["error"]) == (2, "usage")
        assert "--board embedded" in error["remedy"]
        assert sorted(path.name for path in folder.iterdir()) == before


def test_equal_randomness_gives_equal_devices():
    """--deterministic-rng makes the same device twice, another number another one, and the status says so."""

    def made(number):
        with Up("--deterministic-rng", str(number)) as device:
            return device.facts["serial"], device.rest("GET", "/status")["randomness"]

    assert made(5) == made(5)
    assert made(5) != made(6)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [False, True])
def test_a_signal_ends_it_whole(number, busy):
    """SIGTERM and Ctrl-C end device, panel and app, also in the middle of a review, with success and without a word."""
    with Up("--open", "cosmos") as device:
        link = device.connect()
        if busy:
            for apdu in sign_requests()[:-1]:
                device.exchange(apdu, link)
            last = sign_requests()[-1]
            link.sendall(len(last).to_bytes(4, "big") + last)
            device.rest("GET", "/screen?after=0")
        assert len(device.family()) == 5  # silicon, three worlds of which one is the app's, panel
        assert device.end(number) == 0
        assert device.errors() == ""


def test_a_signal_at_any_moment_of_the_start_ends_it():
    """Whoever stops it while it starts is not left with half of it: each of these dies in another moment."""
    for turns in range(8):
        with subprocess.Popen(
            command("--seed", TEST_SENTENCE, "--open", "cosmos", "--json", "--apdu-port", "0", "--api-port", "0"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            for _ in range(turns * 20_000):
                pass
            process.terminate()
            assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM, 130)


def test_a_killed_device_takes_panel_and_app_with_it():
    """After SIGKILL, which nobody can answer, no process is left."""
    with Up("--open", "cosmos") as device:
        assert device.rest("GET", "/status")["app"] == "Cosmos"
        assert len(device.family()) == 5  # silicon, three worlds of which one is the app's, panel
        device.end(signal.SIGKILL)


def test_a_killed_panel_ends_the_device_with_an_error():
    """A device without its screen cannot be used: it says so and stops, with nothing left."""
    with Up("--open", "cosmos") as device:
        assert device.rest("GET", "/status")["app"] == "Cosmos"
        family = device.family()
        (panel,) = (pid for pid in family if b"tallystick.ui.web" in proc(pid, "cmdline"))
        os.kill(panel, signal.SIGKILL)
        assert device.process.wait(PATIENCE_S) == 10
        assert "front panel ended unexpectedly" in device.process.stdout.read() + device.errors()


def test_a_killed_app_leaves_the_device():
    """The dashboard returns and the app can be opened again."""
    with Up("--open", "cosmos", "--approve") as device:
        (app,) = (pid for pid in device.family() if b"tallystick.app.process" in proc(pid, "cmdline"))
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        os.kill(app, signal.SIGKILL)
        device.status_when(lambda status: status["app"] is None)
        assert device.exchange("e0d8000006" + b"Cosmos".hex()) == b"\x90\x00"
        assert device.exchange(GET_ADDRESS)[33:] == ADDRESS + b"\x90\x00"


def test_the_seed_reaches_no_child():
    """Whoever may look at the arguments or the environment of panel and app finds neither words nor PIN."""
    with Up("--pin", "73519", env={**os.environ, "A_SECRET_OF_THE_USER": "hunter2"}) as device:
        assert device.rest("GET", "/status")["onboarded"]
        heard = b"".join(told(pid, "cmdline") + told(pid, "environ") for pid in device.family())
        assert b"--model" in heard
    with Up("--open", "cosmos", env={**os.environ, "A_SECRET_OF_THE_USER": "hunter2"}) as device:
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        for pid in device.family():
            heard += told(pid, "cmdline") + told(pid, "environ")
    for secret in (b"junk", b"73519", b"hunter2"):
        assert secret not in heard


def test_the_manager_beside_hears_no_words():
    """Of the device's processes none has the user's environment, which the manager's needs; none has words or PIN."""
    with Up("--pin", "73519", manager=True, env={**os.environ, "A_SECRET_OF_THE_USER": "hunter2"}) as device:
        # answers when it is there
        urllib.request.urlopen(f"{device.facts['manager_http']}/health", timeout=PATIENCE_S).close()
        family = {pid: told(pid, "cmdline") + told(pid, "environ") for pid in device.family()}
        (beside,) = (pid for pid, heard in family.items() if b"manager_child" in heard)
        for pid, heard in family.items():
            assert b"junk" not in heard
            assert b"73519" not in heard
            assert pid == beside or (b"hunter2" not in heard and b"TALLY_" not in heard)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_forgotten_leaves_no_folder(tmp_path, number):
    """Neither of the device nor of the manager beside it anything is left where passing things lie."""
    with Up("--open", "cosmos", manager=True, env={**os.environ, "TMPDIR": str(tmp_path)}) as device:
        kinds = {path.name.split("-")[2] for path in tmp_path.iterdir()}
        assert "device" in kinds
        assert device.end(number) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_seed_is_not_logged():
    """Even with --verbose neither words nor PIN are written anywhere."""
    with Up("--open", "cosmos", "--verbose", "--approve") as device:
        assert sign(device)
        device.end()
        assert "junk" not in device.errors() + device.line


@pytest.mark.parametrize(("hold", "mode"), [(None, "normal"), ("left", "bootloader"), ("right", "recovery")])
def test_the_plug_can_be_pulled_through_the_panel(hold, mode):
    """REST stays up while the device restarts; clients of the port are disconnected and find the device again."""
    with Up("--open", "cosmos") as device:
        link = device.connect()
        assert device.exchange(NAME, link).startswith(b"\x01\x06Cosmos")
        before = device.rest("GET", "/status")
        device.rest("POST", "/replug", {"hold": hold})
        # the status says first that the app is gone, the next screen follows
        status = device.status_when(lambda now: now["app"] is None and now["sequence"] > before["sequence"])
        assert (status["mode"], status["serial"]) == (mode, before["serial"])
        assert link.recv(1) == b""
        assert len(device.exchange("e001000000")) > 2


def test_an_unknown_hold_is_refused():
    """Only the two buttons, both, or none can be held."""
    with Up() as device:
        with pytest.raises(urllib.error.HTTPError) as caught:
            device.rest("POST", "/replug", {"hold": "up"})
        caught.value.close()
        assert caught.value.code == 400


def test_buttons_pressed_by_rest_approve_a_transaction():
    """A person with a script: the review is walked by hand and signed."""
    with Up("--open", "cosmos") as device:
        link = device.connect()
        key = device.exchange(GET_ADDRESS, link)[:33]
        requests = sign_requests()
        for apdu in requests[:-1]:
            device.exchange(apdu, link)
        sequence = device.rest("GET", "/status")["sequence"]
        link.sendall(len(requests[-1]).to_bytes(4, "big") + requests[-1])
        seen = []
        for _ in range(20):
            sequence = device.rest("GET", f"/screen?after={sequence}")["sequence"]
            lines = [event["text"] for event in device.rest("GET", "/events?currentscreenonly=true")["events"]]
            seen.append(lines[0])
            if "APPROVE" in lines:
                device.rest("POST", "/button/both", {"action": "press-and-release"})
                break
            device.rest("POST", "/button/right", {"action": "press-and-release"})
        assert seen == ["Please", "Type", "Amount", "From", "To", "Fee", "APPROVE"]
        assert is_signature(receive(link)[:-2], key, DOCUMENT)
