"""The HTTP side, as the strictest clients read it: types, statuses, both methods, hostile requests (wire-protocol H.1, H.2)."""

from __future__ import annotations

import hashlib

import pytest
from tests.manager.manager_device import NANOSP
from tests.manager.manager_stage import PNG

from tallystick.wire.manager_app import Application, AppV2, AppVersion, Category
from tallystick.wire.manager_firmware import DeviceVersion, FinalFirmware, McuVersion, OsuFirmware

UNKNOWN = 0x33999904


def both(client, path, asked):
    """Ask by POST and by GET, at the root and below /api; check that all say the same, and return that answer."""
    text = {name: str(value) for name, value in asked.items()}
    answers = [
        client.post(path, json=asked),
        client.get(path, params=text),
        client.post(f"/api{path}?livecommonversion=34.0.0", json=text),
        client.get(f"/api{path}", params=text),
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    return answers[0]


def test_a_device_is_found_by_its_target(client, shelves):
    """The device has a number as id and decimal text as target id."""
    answer = both(client, "/get_device_version", {"target_id": NANOSP, "provider": 1})
    device = DeviceVersion.from_json(answer.json())
    assert (device.id, device.target_id) == (shelves.device, "856686596")
    assert device.se_firmware_final_versions == tuple(sorted(shelves.finals.values()))


@pytest.mark.parametrize("asked", [{"target_id": UNKNOWN, "provider": 1}, {"target_id": NANOSP, "provider": 77}])
def test_an_unknown_device_is_404(client, asked):
    """An unknown target id or provider is 404, with words and a remedy."""
    answer = both(client, "/get_device_version", asked)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "message", "remedy"}


def test_the_firmware_of_a_device_is_found_by_name(client, shelves):
    """What a device says it runs is found, with the types that clients check; what nobody knows is 404."""
    asked = {"device_version": shelves.device, "version_name": "1.2.0", "provider": 1}
    final = both(client, "/get_firmware_version", asked).json()
    assert FinalFirmware.from_json(final).id == shelves.finals["1.2.0"]
    assert isinstance(final["perso"], str)
    assert isinstance(final["mcu_versions"], list)
    assert final["firmware_key"] == final["firmware"] + "_key"
    for other in ({"version_name": "9.9.9"}, {"device_version": 999}, {"provider": 2}, {"version_name": "1.2.0-das"}):
        assert both(client, "/get_firmware_version", asked | other).status_code == 404


def test_a_known_version_has_nothing_to_install(client, shelves):
    """A version that came with the device has null where a script would be named, and its Normal World in the list."""
    asked = {"device_version": shelves.device, "version_name": "1.1.1"}
    final = FinalFirmware.from_json(both(client, "/get_firmware_version", asked).json())
    assert final.firmware is final.firmware_key is final.hash is final.bytes is None
    names = {one["id"]: one["name"] for one in client.get("/mcu_versions").json()}
    assert [names[one] for one in final.mcu_versions] == ["4.03"]


def test_the_latest_firmware_is_the_highest(client, shelves):
    """A device with an old version is offered the highest one, with texts that are never null."""
    asked = {
        "current_se_firmware_final_version": shelves.finals["1.1.1"], "device_version": shelves.device, "provider": 1, "salt": "0",
    }  # fmt: skip
    answer = both(client, "/get_latest_firmware", asked).json()
    assert answer["result"] == "success"
    step = OsuFirmware.from_json(answer["se_firmware_osu_version"])
    assert step.name == "1.3.0-osu"
    assert step.next_se_firmware_final_version == shelves.finals["1.3.0"]
    assert step.notes == "notes of 1.3.0"
    assert step.firmware_key == step.firmware + "_key"
    assert client.get(f"/firmware_final_versions/{step.next_se_firmware_final_version}").json()["version"] == "1.3.0"


@pytest.mark.parametrize(
    ("told", "is_whole"), [(None, False), ("12.23.0", False), ("34.0.0", False), ("34.1.0", True), ("36.0.0", True)]
)
def test_a_client_that_sends_no_last_step_is_given_it_with_the_first(client, shelves, told, is_whole):
    """By the version that it tells: the first step has a name of its own, and the final firmware names no script."""
    version = {} if told is None else {"livecommonversion": told}
    asked = {"current_se_firmware_final_version": shelves.finals["1.1.1"], "device_version": shelves.device} | version
    latest = client.get("/get_latest_firmware", params=asked).json()["se_firmware_osu_version"]
    named = {"device_version": shelves.device, "version_name": "1.3.0-osu", "provider": 1} | version
    assert client.get("/get_osu_version", params=named).json() == latest
    assert latest["firmware"] == "nanosp/1.3.0/upgrade_osu" + "_whole" * is_whole
    assert latest["firmware_key"] == latest["firmware"] + "_key"
    final = client.get(f"/firmware_final_versions/{latest['next_se_firmware_final_version']}", params=version).json()
    assert final["firmware"] == (None if is_whole else "nanosp/1.3.0/upgrade")
    assert final["firmware_key"] == (None if is_whole else "nanosp/1.3.0/upgrade_key")
    assert final["hash"]


@pytest.mark.parametrize("version", ["1.3.0", "none"])
def test_no_update_is_the_word_null(client, shelves, version):
    """Who is up to date, or runs what is unknown, gets the word `null` that the old client looks for."""
    asked = {
        "current_se_firmware_final_version": shelves.finals.get(version, 999), "device_version": shelves.device,
    }  # fmt: skip
    assert both(client, "/get_latest_firmware", asked).json() == {"result": "null", "se_firmware_osu_version": {}}


@pytest.mark.parametrize("name", ["1.2.0-osu", "1.2.0"])
def test_a_device_in_an_update_finds_its_step(client, shelves, name):
    """A device that calls itself an OSU finds the step it is in, with and without the suffix."""
    asked = {"device_version": shelves.device, "version_name": name, "provider": 1}
    assert OsuFirmware.from_json(both(client, "/get_osu_version", asked).json()).name == "1.2.0-osu"
    assert both(client, "/get_osu_version", asked | {"version_name": "8.0.0-osu"}).status_code == 404


def test_the_normal_worlds_are_listed(client, shelves):
    """All MCU versions come as a list, each by its id too; a final names the one that belongs to it."""
    listed = [McuVersion.from_json(one) for one in client.get("/api/mcu_versions").json()]
    assert [one.name for one in listed] == ["4.03", "4.04", "4.05"]
    assert McuVersion.from_json(client.get(f"/mcu_versions/{listed[1].id}").json()) == listed[1]
    final = client.get(f"/firmware_final_versions/{shelves.finals['1.3.0']}").json()
    assert final["mcu_versions"] == [listed[2].id]
    earlier = client.get(f"/firmware_final_versions/{shelves.finals['1.2.0']}").json()
    assert earlier["mcu_versions"] == [listed[1].id]
    assert client.get("/mcu_versions", params={"provider": 2}).json() == []
    assert client.get("/mcu_versions/999").status_code == 404
    newest = client.post("/mcu_versions_bootloader", json={"bootloader_version": "3.12"}).json()
    assert newest["name"] == "4.05"


def test_the_apps_of_a_device_are_listed(client, shelves):
    """Every app of a device and version has all members with their types; the hash is that of wire-protocol E.6."""
    query = {"provider": 1, "target_id": NANOSP, "firmware_version_name": "1.2.0"}
    (document,) = client.get("/v2/apps/by-target", params=query).json()
    app = AppV2.from_json(document)
    assert app.hash == shelves.image.full_hash(NANOSP, "1.2.0").hex()
    assert all(
        document[name] is not None for name in ("versionId", "perso", "deleteKey", "firmware", "firmwareKey", "hash")
    )
    assert client.get("/v2/apps/by-target", params=query | {"provider": 4}).json() == []
    assert client.get("/v2/apps/by-target", params=query | {"firmware_version_name": "7.7"}).json() == []


def test_apps_are_found_by_their_hashes(client, shelves):
    """The answer has the order of the question, with null for what is unknown or no hash at all."""
    hashes = [shelves.image.full_hash(NANOSP, version).hex() for version in ("1.1.1", "1.3.0")]
    asked = [hashes[1].upper(), "00" * 32, hashes[0], "nonsense", 7, hashes[1]]
    found = client.post("/v2/apps/hash", json=asked).json()
    assert [None if one is None else one["hash"] for one in found] == [
        hashes[1],
        None,
        hashes[0],
        None,
        None,
        hashes[1],
    ]
    assert client.post("/v2/apps/hash", json=[]).json() == []


def test_the_first_api_lists_apps_too(client, shelves):
    """`get_apps`, `applications` and `categories` say the same in their own forms."""
    asked = {
        "provider": 1,
        "current_se_firmware_final_version": shelves.finals["1.1.1"],
        "device_version": shelves.device,
    }
    (app,) = both(client, "/get_apps", asked).json()["application_versions"]
    app = AppVersion.from_json(app)
    assert app.name == "Demo"
    (application,) = client.get("/applications").json()
    application = Application.from_json(application)
    assert app.app == application.id
    assert app in application.application_versions
    (category,) = client.get("/categories").json()
    assert Category.from_json(category).applications == (application.id,)
    assert both(client, "/get_apps", asked | {"device_version": 999}).status_code == 404


def test_an_app_of_any_version_is_known_by_its_hash(client, shelves):
    """Clients look an installed app's hash up in the versions of all applications: it is there for every version of the OS."""
    known = {one["hash"]: one for app in client.get("/applications").json() for one in app["application_versions"]}
    for version in shelves.finals:
        query = {"provider": 1, "target_id": NANOSP, "firmware_version_name": version}
        for app in client.get("/v2/apps/by-target", params=query).json():
            found = known[app["hash"]]
            assert (found["name"], found["version"]) == (app["versionName"], app["version"])
            assert found["firmware"].startswith(f"nanosp/{version}/")


def test_pictures_come_as_png(client):
    """The icon that an app names is served as PNG."""
    answer = client.get("/icons/demo.png")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert client.get("/icons/other.png").status_code == 404


@pytest.mark.parametrize("path", ["/language-package", "/language-packages"])
def test_there_are_no_languages(client, path):
    """Both names of the language packages answer an empty list."""
    query = {"device_version": 1, "current_se_firmware_final_version": 1}
    assert client.get(path, params=query).json() == []


NUMBERS = ["", "x", "-1", "1.5", "1e3", "99999999999", "٣", "1' OR '1'='1", None, True, [1], {"a": 1}, 1.5, 1 << 31, -1]


@pytest.mark.parametrize("value", NUMBERS)
def test_a_number_that_is_none_is_400(client, value):
    """What is not a whole number is refused with the name of the member."""
    answer = client.post("/get_device_version", json={"target_id": value, "provider": 1})
    assert answer.status_code == 400
    assert "target_id" in answer.json()["message"]


SQL = ["1.1.1'; DROP TABLE final; --", "' OR 1=1 --", '"; --', "%", "_", "\\", "'", "1.1.1\u0000"]


@pytest.mark.parametrize("text", SQL)
def test_sql_in_a_text_is_a_text(client, shelves, text):
    """SQL in any text finds nothing and changes nothing."""
    for path, asked in {
        "/get_firmware_version": {"device_version": shelves.device, "version_name": text, "provider": 1},
        "/get_osu_version": {"device_version": shelves.device, "version_name": text, "provider": 1},
        "/v2/apps/by-target": {"target_id": NANOSP, "firmware_version_name": text},
        "/mcu_versions_bootloader": {"bootloader_version": text},
    }.items():
        answer = client.post(path, json=asked)
        assert answer.status_code in {400, 404} or answer.json() == []
    assert client.get("/icons/" + text.replace("\u0000", "%00") + ".png").status_code in {400, 404}
    assert client.get(f"/firmware_final_versions/{shelves.finals['1.1.1']}").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 5000, b"NaN,", b'{"target_id": 1'])
def test_a_body_that_is_no_json_is_400(client, body):
    """A body that is cut short, no UTF-8 or nested without end is refused."""
    answer = client.post("/get_device_version", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"


def test_a_giant_body_is_413(client):
    """A body beyond the limit is refused before it is whole."""
    answer = client.post("/v2/apps/hash", content=b"[" + b"0," * 200_000)
    assert answer.status_code == 413
    assert client.post("/v2/apps/hash", json=["00"] * 1001).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/applications", 405), ("GET", "/v2/apps/hash", 405)],
)
def test_other_paths_and_methods_are_refused_in_json(client, method, path, status):
    """What is not served is refused in the same form as everything else."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message", "remedy"}


def test_health_says_who_the_manager_is(client, keyring):
    """Health tells realm and issuer, which a host compares with its device."""
    answer = client.get("/health").json()
    assert answer["status"] == "ok"
    assert answer["realm"] == "test"
    assert answer["issuer_public_key"] == keyring.issuer.public_key.hex()


def test_a_browser_may_read_the_catalogue(client):
    """A page of another origin is allowed to read, so that a wallet in a browser can use the manager."""
    answer = client.get("/applications", headers={"Origin": "https://wallet.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_salt_of_the_reference_is_a_salt():
    """The salt that clients send for a user is six hexadecimal digits of a hash (wire-protocol H.1)."""
    assert hashlib.sha256(b"userid|firmwareSalt").hexdigest()[:6] == "d63855"
