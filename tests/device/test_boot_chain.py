"""The boot chain against everything that could be put in its way: nothing starts that was not signed for its place."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace

import pytest
from boot_stage import KEYS, OTHER_KEYS, PYTHON, Bench, changed, image, release

from tallystick.device.boot.explain import BootFailure, BootState, Verdict
from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.slot import Artefacts
from tallystick.errors import TrustError
from tallystick.wire.environment import ENVIRONMENT, Entry, Environment, Root
from tallystick.wire.firmware import BootConfig, ImageHeader, ImageRole

GOOD = release()
NAMES = [one.name for one in fields(Artefacts)]


def _refused(artefacts: Artefacts, bench: Bench | None = None) -> BootFailure:
    with pytest.raises(BootFailure, match=r"^Boot failure$") as caught:
        (bench or Bench()).check(artefacts)
    return caught.value


def test_a_signed_set_starts_and_says_how():
    """Six stages pass, the state is verified, and the images are the bytes that were given."""
    found = Bench().check(GOOD)
    assert [stage.name for stage in found.stages] == [
        "key table", "bootloader", "configuration", "secure world", "environment", "normal world",
    ]  # fmt: skip
    assert {stage.verdict for stage in found.stages} == {Verdict.PASSED}
    assert found.state is BootState.VERIFIED
    assert found.secure_world.raw is GOOD.secure_world
    assert found.secure_world.digest == hashlib.sha256(GOOD.secure_world).digest()
    assert found.stages[1].key_id == KEYS.rom[0].key_id[::-1].hex().upper()
    assert found.versions == dict.fromkeys(ImageRole, 1)


@pytest.mark.parametrize("name", NAMES)
def test_no_changed_byte_of_any_artefact_starts(name):
    """Every byte of key table, images, configuration and signatures, changed one at a time: never starts."""
    raw = getattr(GOOD, name)
    bench = Bench()
    first_line = raw.index(b"\n") if "signature" in name else -1
    for place in range(len(raw)):
        if len(b"untrusted comment: ") <= place < first_line:
            continue  # the words that minisign covers by nothing, and that nothing here reads
        spoilt = bytearray(raw)
        spoilt[place] ^= 0x01 if spoilt[place] != 0x0B else 0x03
        _refused(changed(GOOD, **{name: bytes(spoilt)}), bench)


@pytest.mark.parametrize("name", NAMES)
def test_no_shortened_or_lengthened_artefact_starts(name):
    """Missing, cut anywhere, or with a byte more: never starts, but for the end of a signature's last line."""
    raw = getattr(GOOD, name)
    bench = Bench()
    sizes = range(len(raw) - (1 if "signature" in name else 0))
    for size in sizes:
        _refused(changed(GOOD, **{name: raw[:size]}), bench)
    for more in (b"\0", b"\n", b"more"):
        _refused(changed(GOOD, **{name: raw + more}), bench)


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_no_artefact_passes_in_the_place_of_another(first, second):
    """Any two artefacts exchanged: never starts."""
    if first < second:
        _refused(changed(GOOD, **{first: getattr(GOOD, second), second: getattr(GOOD, first)}))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "key_table"])
def test_no_artefact_of_another_factory_starts(name):
    """An artefact, genuine elsewhere, does not start here; nor does a whole set."""
    other = release(OTHER_KEYS)
    if getattr(other, name) != getattr(GOOD, name):
        _refused(changed(GOOD, **{name: getattr(other, name)}))
    _refused(other)


def test_no_key_of_the_factory_signs_for_another():
    """Each key signing in the place of each other: never starts."""
    keys = {"rom": KEYS.rom[0], "config": KEYS.config, "normal": KEYS.normal}
    places = {
        "bootloader_signature": ("rom", GOOD.bootloader),
        "config_signature": ("config", GOOD.config),
        "normal_world_signature": ("normal", GOOD.normal_world),
    }
    for place, (right, data) in places.items():
        for name, key in keys.items():
            candidate = changed(GOOD, **{place: key.sign(data, comment="x")})
            if name == right:
                Bench().check(candidate)
            else:
                _refused(candidate)


@pytest.mark.parametrize(
    ("name", "role", "wrong"),
    [
        ("bootloader", ImageRole.BOOTLOADER, ImageRole.SECURE_WORLD),
        ("secure_world", ImageRole.SECURE_WORLD, ImageRole.NORMAL_WORLD),
        ("secure_world", ImageRole.SECURE_WORLD, ImageRole.BOOTLOADER),
        ("normal_world", ImageRole.NORMAL_WORLD, ImageRole.SECURE_WORLD),
    ],
)
def test_a_genuine_image_of_another_role_product_or_python_does_not_start(name, role, wrong):
    """Signed by the right key, but for another place, another product or another Python: refused."""
    keys = {"conf.pub": KEYS.config.public_key.to_text().encode(), "nw.pub": KEYS.normal.public_key.to_text().encode()}
    right = ImageHeader(role=role, version="1.0.0", security_version=1, python=PYTHON)
    Bench().check(release(**{name: image(role, header=right.to_bytes(), **keys)}))
    for header in (replace(right, role=wrong), replace(right, product="other"), replace(right, python="3.99")):
        _refused(release(**{name: image(role, header=header.to_bytes(), **keys)}))
    for raw in (b"", b"{}", right.to_bytes() + b"x", b"\xff"):
        _refused(release(**{name: image(role, header=raw, **keys)}))


def test_configuration_and_image_must_be_about_the_same():
    """A configuration that says another version, role, product, size, hash or list than the image: refused."""
    good = BootConfig.from_bytes(GOOD.config)
    for spoilt in (
        replace(good, version="1.0.1"),
        replace(good, security_version=2),
        replace(good, role=ImageRole.NORMAL_WORLD),
        replace(good, product="other"),
        replace(good, size_bytes=good.size_bytes + 1),
        replace(good, digest=bytes(32)),
        replace(good, environment=bytes(32)),
        replace(good, normal_world=bytes(32)),
    ):
        raw = spoilt.to_bytes()
        _refused(changed(GOOD, config=raw, config_signature=KEYS.config.sign(raw, comment="x")))


def test_a_signed_configuration_that_is_no_configuration_is_refused():
    """Even the right key does not make other JSON acceptable."""
    for raw in (b"{}", b"[]", GOOD.config[:-3], GOOD.config + b" x", b" " * (65 << 10)):
        _refused(changed(GOOD, config=raw, config_signature=KEYS.config.sign(raw, comment="x")))


def test_images_without_the_next_key_are_refused():
    """No key built in means refuse, never skip."""
    for key in (None, b"", b"no key", b"\xff"):
        _refused(release(bootloader=image(ImageRole.BOOTLOADER, conf_pub=key)))
        _refused(release(secure_world=image(ImageRole.SECURE_WORLD, nw_pub=key)))


def test_a_file_of_the_environment_that_changed_stops_the_boot(tmp_path):
    """The list inside the image is held against the files: another byte, another size, none at all are refused."""
    library_file = tmp_path / "native.so"
    library_file.write_bytes(b"native code")
    entry = Entry(
        root=Root.LIBRARIES,
        path="native.so",
        size_bytes=11,
        digest=hashlib.sha256(b"native code").digest(),
        module="native",
    )
    nw_pub = KEYS.normal.public_key.to_text().encode()
    listed = {ENVIRONMENT: Environment(entries=(entry,)).to_bytes(), "nw.pub": nw_pub}
    artefacts = release(secure_world=image(ImageRole.SECURE_WORLD, **listed))
    import boot_stage

    original = boot_stage.PLACES
    boot_stage.PLACES = {**original, "libraries": str(tmp_path)}
    try:
        assert Bench().check(artefacts).stages[4].verdict is Verdict.PASSED
        for content in (b"native codf", b"native code.", b"native cod", b""):
            library_file.write_bytes(content)
            assert _refused(artefacts).stages[-1].name == "environment"
        library_file.unlink()
        assert _refused(artefacts).stages[-1].name == "environment"
    finally:
        boot_stage.PLACES = original


def test_revoked_keys_start_nothing_and_the_others_still_do():
    """Each of the four keys signs; once its bit is burnt it does not, and the last one stays."""
    for index in range(4):
        Bench().check(release(rom_key=index))
    bench = Bench()
    for index in (0, 2, 3):
        bench.fuses.revoke(index)
        _refused(release(rom_key=index), bench)
    bench.check(release(rom_key=1))


def test_lower_security_versions_are_refused_for_each_role():
    """An image below the fused minimum of its role does not start; one at or above it does."""
    for role in ImageRole:
        bench = Bench()
        bench.fuses.raise_minimum(role, 2)
        _refused(release(security_version=1), bench)
        bench.check(release(security_version=2))
        bench.check(release(security_version=3))


def test_an_open_chip_starts_an_unsigned_bootloader_and_says_so():
    """Only the ROM's stages may be skipped, only while the chip is open; all others hold as ever."""
    bench = Bench(is_closed=False)
    found = bench.check(changed(GOOD, bootloader_signature=b""))
    assert found.state is BootState.OPEN
    assert found.stages[1].verdict is Verdict.SKIPPED
    assert found.stages[1].reason
    assert bench.check(GOOD).state is BootState.OPEN
    for name in ("config_signature", "normal_world_signature"):
        _refused(changed(GOOD, **{name: b""}), bench)
    bench.fuses.close()
    _refused(changed(GOOD, bootloader_signature=b""), bench)


def test_a_verified_image_cannot_be_made_by_hand():
    """The proof is not to be had outside the checks."""
    header = ImageHeader(role=ImageRole.SECURE_WORLD, version="1.0.0", security_version=1, python=PYTHON)
    with pytest.raises(TrustError):
        VerifiedImage(raw=b"", header=header, digest=b"", proof=object())
    with pytest.raises(TrustError, match="no key"):
        VerifiedImage.by_signature(b"x", b"", [], expect=Expectation(role=ImageRole.SECURE_WORLD, minimum=0))


def test_the_failure_tells_the_stage_and_nothing_of_what_was_read():
    """The terminal state names the stage that failed and why, in our words."""
    failure = _refused(changed(GOOD, config=b'{"secret": "word"}'))
    assert [stage.name for stage in failure.stages] == ["key table", "bootloader", "configuration"]
    assert failure.stages[-1].verdict is Verdict.FAILED
    assert "word" not in str(failure.stages)
    assert failure.code == "not_trusted"
