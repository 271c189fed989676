"""`tally app`: listing, opening, quitting."""

import json


def test_apps_are_one_json_document(invoke):
    """Each app has name, size in blocks, flags and both hashes."""
    members = json.loads(invoke("app", "list", "--json").stdout)
    assert members["schema"] == "tally.app.list/1"
    assert members["apps"][0] == {
        "name": "Cosmos",
        "blocks": 0x13,
        "flags": "ca50",
        "code_hash": "11" * 32,
        "full_hash": "22" * 32,
    }
    assert [one["name"] for one in members["apps"]] == ["Cosmos", "Bitcoin"]


def test_apps_for_people_are_a_table(invoke, scripted):
    """Names stand under their heading; a device without apps says so."""
    lines = invoke("app", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "Cosmos", "Bitcoin"]
    scripted.apps = []
    assert invoke("app", "list").stdout == "No app is installed.\n"


def test_open_and_quit_say_what_is_open(invoke, scripted):
    """After each command, what is open is told as the device says it."""
    assert invoke("app", "open", "Cosmos").stdout == "Cosmos 1.6.0 is open.\n"
    assert json.loads(invoke("app", "open", "Bitcoin", "--json").stdout) == {
        "schema": "tally.app.open/1",
        "device": "scripted:",
        "open_app": "Bitcoin",
        "open_app_version": "1.6.0",
    }
    assert invoke("app", "quit").stdout == "The dashboard is open.\n"
    assert scripted.app == "BOLOS"
    assert json.loads(invoke("app", "quit", "--json").stdout)["open_app"] is None


def test_unknown_app_is_refused_by_the_device(invoke):
    """Exit code 8, the status word and a stable word for it."""
    answer = invoke("app", "open", "Nothing", "--json")
    members = json.loads(answer.stdout)
    assert answer.exit_code == members["exit_code"] == 8
    assert (members["error"], members["status"], members["status_word"]) == ("not_found", "6807", "app_not_found")


def test_list_with_an_app_open_says_to_quit_it(invoke, scripted):
    """An app answers 6E00 to the dashboard's commands; the remedy leads back to the dashboard."""
    scripted.app = "Bitcoin"
    answer = invoke("app", "list")
    assert answer.exit_code == 6
    assert "Remedy: quit the app that is open" in answer.stderr
