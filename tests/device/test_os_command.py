"""Every command of the OS, on every model, in every mode: one table (wire-protocol C)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from os_stage import MODELS, TOUCH, call, in_mode, open_name

from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import CommonIns, Ins
from tallystick.wire.model import MODELS as MODEL_TABLE

MODES = ("dashboard", "app", "locked", "new", "recovery", "new recovery", "bootloader")
ASKS = "asks"
BATTERY = "battery"

# what a mode answers to whatever it does not list
_ALL = {"locked": 0x5515, "app": 0x6E00, "bootloader": 0x6D00}
_OWN = {"new": 0x6D07, "new recovery": 0x6D07, "recovery": 0x662F, **_ALL}
_OK = dict.fromkeys(("dashboard", "new", "recovery", "new recovery"), 0x9000) | _ALL
_UNKNOWN = dict.fromkeys(("dashboard", "new", "recovery", "new recovery"), 0x6D00) | _ALL
_NO_SESSION = dict.fromkeys(MODES, 0x6985) | _ALL
_NO_CLASS = dict.fromkeys(MODES, 0x6E00) | {"locked": 0x5515}
_ONBOARDED = {"new": 0x6D07, "new recovery": 0x6D07, **_ALL}
_BACKUP = b"\x00\x00\x00\x40Cosmos"

#: (command, what each mode answers, which models know it)
TABLE = [
    (call(CommonIns.APP_AND_VERSION), dict.fromkeys(MODES, 0x9000) | {"locked": 0x5515, "bootloader": 0x6E00}, MODELS),
    (call(CommonIns.QUIT_APP), dict.fromkeys(MODES, 0x9000) | {"locked": 0x5515, "bootloader": 0x6E00}, MODELS),
    (call(CommonIns.SEED_COOKIE), _NO_CLASS, MODELS),
    (call(CommonIns.LOAD_CERTIFICATE, 4), _NO_CLASS, MODELS),
    (call(CommonIns.STACK_DEBUG), _NO_CLASS, MODELS),
    (call(CommonIns.APP_AND_VERSION, 1), _NO_CLASS, MODELS),
    (call(CommonIns.QUIT_APP, 0, 1), _NO_CLASS, MODELS),
    (call(Ins.CHANNEL), _NO_SESSION | {"bootloader": 0x6985}, MODELS),
    # the Cosmos app answers this one of class E0 itself
    (call(Ins.GET_VERSION), _OK | {"bootloader": 0x9000, "app": 0x9000}, MODELS),
    (call(Ins.GET_VERSION, 1), dict.fromkeys(MODES, 0x6B00) | {"locked": 0x5515, "app": 0x6E00}, MODELS),
    (call(Ins.ONBOARDING_CHECK), _OK | {"dashboard": 0x6982, "recovery": 0x6982}, MODELS),
    (call(Ins.ONBOARDING_CHECK, 0, 1), _OK | {"dashboard": 0x6982, "recovery": 0x6982}, MODELS),
    (call(Ins.ONBOARDING_CHECK, 0, 2), dict.fromkeys(MODES, 0x6B00) | _ALL, MODELS),
    (
        call(Ins.VALIDATE_TARGET_ID, data=b"\xff\x00\x00\x04"),
        dict.fromkeys(MODES, 0x6484) | _ALL | {"bootloader": 0x6484},
        MODELS,
    ),
    (call(Ins.VALIDATE_TARGET_ID, data=b"\x33"), dict.fromkeys(MODES, 0x6700) | _ALL | {"bootloader": 0x6700}, MODELS),
    *((call(Ins.BATTERY, 0, query), _OK, BATTERY) for query in range(5)),
    (call(Ins.BATTERY, 0, 5), dict.fromkeys(MODES, 0x6B00) | _ALL, BATTERY),
    (call(Ins.BATTERY, 1, 0), dict.fromkeys(MODES, 0x6B00) | _ALL, BATTERY),
    (call(Ins.LANGUAGE_CREATE, 1, data=bytes(4)), _UNKNOWN, MODELS),
    (call(Ins.LANGUAGE_LOAD, 1, data=bytes(8)), _UNKNOWN, MODELS),
    (call(Ins.LANGUAGE_COMMIT, 1), _UNKNOWN, MODELS),
    (call(Ins.LANGUAGE_DELETE, 1), dict.fromkeys(MODES, 0x681A) | _ALL, MODELS),
    (call(Ins.LANGUAGE_DELETE, 0xFF), _OK, MODELS),
    (call(Ins.LANGUAGE_DELETE, 0xFF, 1), dict.fromkeys(MODES, 0x6B00) | _ALL, MODELS),
    (call(Ins.LANGUAGE_LIST), _OK, MODELS),
    (call(Ins.LANGUAGE_LIST, 1), _OK, MODELS),
    (call(Ins.LANGUAGE_LIST, 2), dict.fromkeys(MODES, 0x662D) | _ALL, MODELS),
    (call(Ins.CHANNEL_NONCE), _NO_SESSION, MODELS),
    (call(Ins.CHANNEL_HOST_CERTIFICATE), _NO_SESSION, MODELS),
    (call(Ins.CHANNEL_DEVICE_CERTIFICATE), _NO_SESSION, MODELS),
    (call(Ins.CHANNEL_AUTHENTICATE), _NO_SESSION, MODELS),
    (call(Ins.CHANNEL_NONCE, 1, data=bytes(8)), dict.fromkeys(MODES, 0x6B00) | _ALL, MODELS),
    (bytes.fromhex("E0F0000020") + bytes(32), _UNKNOWN, MODELS),
    (bytes.fromhex("E0F2000000"), _UNKNOWN, MODELS),
    (call(Ins.IMAGE_CREATE, data=b"\x00\x00\x10\x00"), _OWN | {"dashboard": ASKS}, TOUCH),
    (call(Ins.IMAGE_CREATE, data=b"\x00\x10\x00"), _OWN | {"dashboard": 0x6700}, TOUCH),
    (call(Ins.IMAGE_CREATE, data=b"\x00\x00\x00\x00"), _OWN | {"dashboard": 0x6820}, TOUCH),
    (call(Ins.IMAGE_CREATE, data=b"\xff\xff\xff\xff"), _OWN | {"dashboard": 0x6820}, TOUCH),
    (call(Ins.IMAGE_CREATE, 1, data=bytes(4)), _OWN | {"dashboard": 0x6B00}, TOUCH),
    (call(Ins.IMAGE_LOAD, data=bytes(8)), _OWN | {"dashboard": 0x551E}, TOUCH),
    (call(Ins.IMAGE_LOAD, data=bytes(3)), _OWN | {"dashboard": 0x6700}, TOUCH),
    (call(Ins.IMAGE_COMMIT), _OWN | {"dashboard": 0x5106}, TOUCH),
    (call(Ins.IMAGE_DELETE), _OWN | {"dashboard": 0x662E}, TOUCH),
    (call(Ins.IMAGE_SIZE), _OWN | {"dashboard": 0x662E}, TOUCH),
    (call(Ins.IMAGE_FETCH, data=bytes(5)), _OWN | {"dashboard": 0x662E}, TOUCH),
    (call(Ins.IMAGE_HASH), _OWN | {"dashboard": 0x662E}, TOUCH),
    (call(Ins.STORAGE_INFO, data=b"Cosmos"), _OWN | {"dashboard": 0x9000}, MODELS),
    (call(Ins.STORAGE_INFO, data=b"\x06Cosmos"), _OWN | {"dashboard": 0x9000}, MODELS),
    (call(Ins.STORAGE_INFO, data=b"Nothing"), _OWN | {"dashboard": 0x5123}, MODELS),
    (call(Ins.STORAGE_INFO), _OWN | {"dashboard": 0x6700}, MODELS),
    (call(Ins.STORAGE_BACKUP), _OWN | {"dashboard": 0x5123}, MODELS),
    (call(Ins.STORAGE_RESTORE_INIT, data=_BACKUP), _OWN | {"dashboard": 0x9000}, MODELS),
    (call(Ins.STORAGE_RESTORE_INIT, data=b"\x00\x00\x00\x00Cosmos"), _OWN | {"dashboard": 0x684A}, MODELS),
    (call(Ins.STORAGE_RESTORE_INIT, data=b"\xff\x00\x00\x00Cosmos"), _OWN | {"dashboard": 0x5102}, MODELS),
    (call(Ins.STORAGE_RESTORE_INIT, data=b"\x00\x00\x00\x40Nothing"), _OWN | {"dashboard": 0x5123}, MODELS),
    (call(Ins.STORAGE_RESTORE, data=b"x"), _OWN | {"dashboard": 0x5123}, MODELS),
    (call(Ins.STORAGE_RESTORE_COMMIT), _OWN | {"dashboard": 0x5123}, MODELS),
    (call(Ins.REINSTALL_CONSENT, data=bytes(4)), _OWN | {"dashboard": ASKS}, MODELS),
    (call(Ins.REINSTALL_CONSENT, data=bytes(3)), _OWN | {"dashboard": 0x6700}, MODELS),
    (call(Ins.REINSTALL_CONSENT, data=b"\x02\x00\x00\x00"), _OWN | {"dashboard": 0x6A80}, MODELS),
    (call(Ins.ENDORSEMENT_START), _OWN | {"dashboard": 0x6B00}, MODELS),
    (call(Ins.ENDORSEMENT_START, 1), _OWN | {"dashboard": 0x6985}, MODELS),
    (call(Ins.ENDORSEMENT_START, 2, data=b"x"), _OWN | {"dashboard": 0x6700}, MODELS),
    (call(Ins.ENDORSEMENT_COMMIT), _OWN | {"dashboard": 0x6700}, MODELS),
    (call(Ins.ENDORSEMENT_COMMIT, 1, data=b"x"), _OWN | {"dashboard": 0x6B00}, MODELS),
    (call(Ins.ENDORSEMENT_COMMIT, data=b"x"), _OWN | {"dashboard": 0x6985}, MODELS),
    (call(Ins.HOST_ONBOARDING), dict.fromkeys(MODES, 0x6982) | {"new recovery": 0x6700} | _ALL, MODELS),
    (call(Ins.HOST_ONBOARDING, 1), dict.fromkeys(MODES, 0x6A81) | _ALL, MODELS),
    (call(Ins.HOST_ONBOARDING, 3), dict.fromkeys(MODES, 0x6B00) | _ALL, MODELS),
    (call(Ins.GET_DEVICE_NAME), _OK, MODELS),
    (call(Ins.SET_DEVICE_NAME, data=b"Till"), _ONBOARDED | {"dashboard": ASKS, "recovery": ASKS}, MODELS),
    (call(Ins.SET_DEVICE_NAME), _ONBOARDED | {"dashboard": 0x6700, "recovery": 0x6700}, MODELS),
    (call(Ins.SET_DEVICE_NAME, data=b"x" * 21), _ONBOARDED | {"dashboard": 0x6700, "recovery": 0x6700}, MODELS),
    (call(Ins.SET_DEVICE_NAME, data=b"\x1b[2J"), _ONBOARDED | {"dashboard": 0x6700, "recovery": 0x6700}, MODELS),
    (call(Ins.OPEN_APP, data=b"Cosmos"), _ONBOARDED | {"dashboard": ASKS, "recovery": ASKS}, MODELS),
    (call(Ins.OPEN_APP, data=b"Nothing"), _ONBOARDED | {"dashboard": 0x6807, "recovery": 0x6807}, MODELS),
    (call(Ins.OPEN_APP), _ONBOARDED | {"dashboard": 0x670A, "recovery": 0x670A}, MODELS),
    (call(Ins.LIST_APPS), _ONBOARDED | {"dashboard": ASKS, "recovery": ASKS}, MODELS),
    (call(Ins.LIST_APPS, 1), dict.fromkeys(MODES, 0x6B00) | _ALL, MODELS),
    (call(Ins.LIST_APPS_CONTINUE), dict.fromkeys(MODES, 0x6624) | _ALL, MODELS),
    (bytes.fromhex("E006000000"), _UNKNOWN, MODELS),
    (bytes.fromhex("E0FF000000"), _UNKNOWN, MODELS),
    (bytes.fromhex("8001000000"), _NO_CLASS | {"app": 0x6E00}, MODELS),
    (bytes.fromhex("E001"), dict.fromkeys(MODES, 0x6700) | {"locked": 0x5515, "app": 0x6E00}, MODELS),
    (bytes.fromhex("B0"), dict.fromkeys(MODES, 0x6700) | {"locked": 0x5515, "app": 0x6E00}, MODELS),
]


def _expected(model: str, mode: str, by_mode: dict[str, object], models: object) -> object:
    if models == BATTERY:
        models = ("nanox", "stax", "flex", "apex_p")
    if model not in models and mode not in _ALL:
        return 0x6D00
    return by_mode[mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", MODELS)
def test_command_answers_as_the_table_says(device_factory: Callable[..., VirtualDevice], model: str, mode: str) -> None:
    """Each command is answered with its status word, or asks and leaves nothing behind when its client goes away."""
    device = in_mode(device_factory, mode, model=model)
    for apdu, by_mode, models in TABLE:
        if apdu == call(CommonIns.QUIT_APP) and mode == "app":
            continue
        client, before = device.client(), device.screen
        pending = client.send(apdu)
        expected = _expected(model, mode, by_mode, models)
        where = f"{apdu.hex()} on {model}, {mode}"
        if expected == ASKS:
            assert not pending.done, where
            assert device.screen != before, where
        else:
            assert pending.done, where
            assert f"{pending.response.status:04X}" == f"{expected:04X}", where
            assert expected == 0x9000 or not pending.response.data, where
        client.close()
        assert device.screen == before, where


@pytest.mark.parametrize("mode", ["dashboard", "app", "new", "recovery", "new recovery"])
@pytest.mark.parametrize("model", MODELS)
def test_next_client_is_served_after_all_of_them(
    device_factory: Callable[..., VirtualDevice], model: str, mode: str
) -> None:
    """After every command of the table, sent by one client in one breath, another client is answered."""
    device = in_mode(device_factory, mode, model=model)
    client = device.client()
    for apdu, _, _ in TABLE:
        client.send(apdu)
    client.close()
    assert open_name(device.client()) in {"BOLOS", "Cosmos"}


@pytest.mark.parametrize("model", MODELS)
def test_target_id_of_the_model_is_accepted(device_factory: Callable[..., VirtualDevice], model: str) -> None:
    """E0 04 takes the model's own target id and no older one."""
    device = device_factory(model=model)
    target_id = MODEL_TABLE[model].target_id
    assert device.exchange(call(Ins.VALIDATE_TARGET_ID, data=target_id.to_bytes(4, "big"))).ok
    assert device.exchange(call(Ins.VALIDATE_TARGET_ID, data=(target_id - 1).to_bytes(4, "big"))).status == 0x6484


def test_command_without_lc_is_read_as_real_clients_send_it(device: VirtualDevice) -> None:
    """Four bytes without a length byte are a whole command."""
    assert device.exchange("B0010000").ok
    assert device.exchange("E0010000").ok
