"""The table of models."""

import pytest

from tallystick.wire.model import MODELS, by_product_id, by_target_id, version_key


def test_models_and_their_identifiers():
    """Names are those scripts use, ids those of wire-protocol A.1."""
    assert list(MODELS) == ["nanos", "nanox", "nanosp", "stax", "flex", "apex_p"]
    assert {name: f"{model.target_id:08x}" for name, model in MODELS.items()} == {
        "nanos": "31100004", "nanox": "33000004", "nanosp": "33100004",
        "stax": "33200004", "flex": "33300004", "apex_p": "33400004",
    }  # fmt: skip
    assert [f"{model.product_id:04x}" for model in MODELS.values()] == ["1011", "4011", "5011", "6011", "7011", "8011"]
    assert len({model.bootloader_product_id for model in MODELS.values()}) == len(MODELS)


def test_screens():
    """Pixels per model; the big ones are touched."""
    assert {name: (model.screen_width, model.screen_height, model.touch) for name, model in MODELS.items()} == {
        "nanos": (128, 32, False), "nanox": (128, 64, False), "nanosp": (128, 64, False),
        "stax": (400, 672, True), "flex": (480, 600, True), "apex_p": (300, 400, True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("product_id", "name"),
    [(0x4011, "nanox"), (0x0004, "nanox"), (0x1015, "nanos"), (0x5000, "nanosp"), (0x3011, None)],
)
def test_models_by_product_id(product_id, name):
    """Clients look for the bootloader's id first, then at the high byte."""
    model = by_product_id(product_id)
    assert (model.name if model else None) == name


@pytest.mark.parametrize(
    ("target_id", "name"), [(0x31100002, "nanos"), (0x31100004, "nanos"), (0x33400004, "apex_p"), (0x01000001, None)]
)
def test_models_by_target_id(target_id, name):
    """Older firmware's target ids find the model too; an MCU's does not."""
    model = by_target_id(target_id)
    assert (model.name if model else None) == name


def test_block_sizes():
    """A Nano S counts in other blocks from 2.0.0 on (wire-protocol H.2)."""
    nanos = MODELS["nanos"]
    assert (nanos.block_bytes_at("1.6.1"), nanos.block_bytes_at("2.0.0"), nanos.block_bytes_at("2.1.0-osu")) == (
        4096,
        2048,
        2048,
    )
    assert MODELS["nanox"].block_bytes_at("2.2.3") == 4096
    assert all(model.flash_bytes % model.block_bytes == 0 for model in MODELS.values())


def test_bluetooth():
    """The models without Bluetooth have no service."""
    assert MODELS["stax"].ble_service_uuid == "13d63400-2c97-6004-0000-4c6564676572"
    assert [name for name, model in MODELS.items() if model.ble_service_uuid is None] == ["nanos", "nanosp"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2.2.3", (2, 2, 3)),
        ("1.2", (1, 2, 0)),
        ("1.4.2-osu", (1, 4, 2)),
        ("", (0, 0, 0)),
        ("x", (0, 0, 0)),
        ("٢.٢", (0, 0, 0)),
    ],
)
def test_versions_compare_as_numbers(text, key):
    """Suffixes are left out, and what is no version is the oldest."""
    assert version_key(text) == key
