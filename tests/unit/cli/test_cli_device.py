"""`tally device`: what people and programs get to see."""

import json

from scripted_device import VERSION_ANSWER

from tallystick.wire.boundaries import Boundaries


def test_info_is_one_json_document_with_stable_members(invoke):
    """The members of device info are an interface: their names and values are fixed."""
    answer = invoke("device", "info", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {
        "schema": "tally.device.info/1",
        "device": "scripted:",
        "name": "Tally 1",
        "open_app": None,
        "open_app_version": None,
        "battery_percent": 85,
        "worlds": None,
        "boundaries": None,
        "key_provider": None,
        "model": "nanosp",
        "target_id": "33100004",
        "mode": "normal",
        "version": "1.1.1",
        "mcu_version": "4.03",
        "bootloader_version": "3.12",
        "onboarded": True,
        "unlocked": True,
        "recovery_mode": False,
    }


def test_info_of_a_device_of_ours_says_which_walls_it_has(invoke, scripted):
    """What ``B0 F0`` answers becomes three members and as many lines; an answer that is not ours is nothing known."""
    walls = Boundaries(is_isolated=False, missing=("worlds: all in one process",))
    scripted.forced[b"\xb0\xf0"] = walls.to_bytes() + b"\x90\x00"
    members = json.loads(invoke("device", "info", "--json").stdout)
    assert (members["worlds"], members["boundaries"]) == ("not isolated", ["worlds: all in one process"])
    assert members["key_provider"] == "simulated"
    assert "Missing walls: worlds: all in one process\n" in invoke("device", "info").stdout
    scripted.forced[b"\xb0\xf0"] = b"\x01\x05Tally\x90\x00"
    assert json.loads(invoke("device", "info", "--json").stdout)["worlds"] is None


def test_info_for_people_is_labels_and_values(invoke):
    """Without a terminal the facts are plain lines, and nothing goes to stderr."""
    answer = invoke("device", "info")
    assert "Model:         nanosp\n" in answer.stdout
    assert "Unlocked:      yes\n" in answer.stdout
    assert answer.stderr == ""


def test_info_with_an_open_app_names_it_and_leaves_out_what_is_unknown(invoke, scripted):
    """What an open app keeps the device from telling is null, not a guess."""
    scripted.app = "Bitcoin"
    members = json.loads(invoke("device", "info", "--json").stdout)
    assert (members["open_app"], members["open_app_version"]) == ("Bitcoin", "1.6.0")
    assert (members["version"], members["onboarded"], members["name"]) == (None, None, None)


def test_info_of_an_app_that_answers_for_the_system_claims_no_state(invoke, scripted):
    """An app answers E0 01 without flags (cosmos-app 2): then nothing is said about set-up and lock."""
    scripted.forced[b"\xe0\x01"] = VERSION_ANSWER[:10] + b"\x00" + b"\x044.03" + b"\x90\x00"
    members = json.loads(invoke("device", "info", "--json").stdout)
    assert (members["version"], members["onboarded"], members["unlocked"]) == ("1.1.1", None, None)


def test_info_of_a_bootloader(invoke, scripted):
    """A bootloader's answer (Nano X 1.16, wire-protocol C.2) names the model by its secure element."""
    raw = bytes.fromhex("05010003 04 312e3136 04 f4d8aa43 05 322e322e33 04 33000004")
    scripted.forced[b"\xe0\x01"] = raw + b"\x90\x00"
    members = json.loads(invoke("device", "info", "--json").stdout)
    assert (members["mode"], members["model"]) == ("bootloader", "nanox")
    assert (members["version"], members["bootloader_version"]) == ("2.2.3", "1.16")


def test_rename_says_which_gesture_is_owed_on_stderr(invoke, scripted):
    """While the device waits, the gesture is told on stderr; stdout carries the result alone."""
    scripted.polls = 1
    answer = invoke("device", "rename", "Other")
    assert answer.stdout == "The device is now called Other.\n"
    assert answer.stderr == "Confirm the new name on the device. (Other)\n"


def test_rename_that_nobody_has_to_allow_asks_for_nothing(invoke):
    """A device that answers at once needs no gesture, so none is named."""
    assert invoke("device", "rename", "Other").stderr == ""


def test_json_lines_stream_the_steps_before_the_result(invoke, scripted):
    """Programs get gestures and progress as lines of JSON, the result last."""
    scripted.polls = 1
    lines = [json.loads(line) for line in invoke("device", "rename", "Other", "--json-lines").stdout.splitlines()]
    assert lines == [
        {"schema": "tally.event/1", "event": "needs_user", "gesture": "allow_rename", "subject": "Other"},
        {"schema": "tally.device.rename/1", "device": "scripted:", "name": "Other"},
    ]


def test_list_takes_its_devices_from_the_surroundings(invoke, monkeypatch):
    """The list is what discovery finds, and an empty one is no error."""
    from tallystick.cli.target import Run
    from tallystick.host.transport.discovery import Finder

    class Nothing:
        def enumerate(self, vendor_id=0, product_id=0):
            return []

    def finder(probe):
        return Finder(load_hid=Nothing, probe=lambda host, port: probe)

    monkeypatch.setattr(Run, "finder", lambda self: finder(probe=False))
    empty = invoke("device", "list")
    assert (empty.exit_code, "tally up" in empty.stdout) == (0, True)
    assert json.loads(invoke("device", "list", "--json").stdout) == {"schema": "tally.device.list/1", "devices": []}
    monkeypatch.setattr(Run, "finder", lambda self: finder(probe=True))
    assert json.loads(invoke("device", "list", "--json").stdout)["devices"] == [
        {"url": "tcp:127.0.0.1:9999", "kind": "tcp", "model": None, "product": None, "serial": None, "path": None}
    ]
    table = invoke("device", "list").stdout.splitlines()
    assert table[0].split() == ["URL", "MODEL", "PRODUCT", "SERIAL"]
    assert table[1].split() == ["tcp:127.0.0.1:9999", "-", "-", "-"]


def test_list_tells_of_our_devices_at_other_ports(invoke, monkeypatch):
    """What `tally up` holds at another port than the usual one is listed with model and serial, each device once."""
    from tallystick.cli.target import Run
    from tallystick.host.transport.discovery import Candidate

    class Usual:
        def candidates(self):
            return [Candidate(url="tcp:127.0.0.1:9999", kind="tcp")]

    monkeypatch.setattr(Run, "finder", lambda self: Usual())
    ready = [
        {"apdu_port": 40002, "model": "stax", "serial": "B2"},
        {"apdu_port": 40001, "model": "nanosp", "serial": "A1"},
        {"apdu_port": 9999, "model": "nanox", "serial": "C3"},
        {"apdu_port": "nonsense"},
        {},
    ]
    devices = json.loads(invoke("device", "list", "--json", running=lambda: ready).stdout)["devices"]
    assert [(one["url"], one["model"], one["serial"]) for one in devices] == [
        ("tcp:127.0.0.1:9999", None, None),
        ("tcp:127.0.0.1:40001", "nanosp", "A1"),
        ("tcp:127.0.0.1:40002", "stax", "B2"),
    ]
