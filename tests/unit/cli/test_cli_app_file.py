"""`tally app build`, `pack`, `info` and the forms an app of one's own may have."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.unit.device.native.native_program import elf

import tallystick
from tallystick.cli.app_file import Form, read_app_file
from tallystick.cli.app_symbol import function_at
from tallystick.device.native.elf import MAX_ELF, Elf
from tallystick.errors import UsageError
from tallystick.wire.install import ANY_LEVEL, Curve, Derivation, InstallParameters, Slip21Path
from tallystick.wire.path import HARDENED, Bip32Path

ROOT = Path(__file__).parents[3]
EXAMPLES = Path(tallystick.__file__).parent / "device" / "native" / "example"
SIGNER = EXAMPLES / "signer.elf"
COUNTER = ROOT / "examples" / "attested-counter"
CLANG = shutil.which("clang-14")
needs_clang = pytest.mark.skipif(CLANG is None and not os.environ.get("CI"), reason="clang 14 is not installed")


def test_info_tells_what_an_app_is_and_asks_for(invoke):
    """Target, level, sizes, keys, hashes and sections, for scripts and for people."""
    told = json.loads(invoke("app", "info", str(SIGNER), "--json").stdout)
    assert told["schema"] == "tally.app.info/1"
    assert {name: told[name] for name in ("name", "version", "model", "target_id", "api_level", "form")} == {
        "name": "Signer",
        "version": "1.0.0",
        "model": "nanox",
        "target_id": "0x33000004",
        "api_level": 26,
        "form": "ELF",
    }
    assert (told["curves"], told["paths"]) == (["secp256k1"], ["44'/1'"])
    assert ".text" in [section["name"] for section in told["sections"]]
    lines = invoke("app", "info", str(SIGNER)).stdout
    assert "secp256k1 at 44'/1'" in lines
    assert told["full_hash"] in lines


def test_full_hash_is_that_of_the_device_it_is_asked_for(invoke):
    """The full hash covers target and OS version, so each model has its own; the code hash is one."""
    one = json.loads(invoke("app", "info", str(SIGNER), "--json", "--model", "nanox").stdout)
    other = json.loads(invoke("app", "info", str(SIGNER), "--json", "--model", "flex").stdout)
    assert one["code_hash"] == other["code_hash"]
    assert one["full_hash"] != other["full_hash"]


def test_bundle_is_packed_to_the_same_bytes_each_time(invoke, tmp_path):
    """A folder of Python sources gives one bundle, wherever it lies; tests stay out of it."""
    again = shutil.copytree(COUNTER, tmp_path / "again")
    for folder, name in ((COUNTER, "one"), (again, "two")):
        assert invoke("app", "pack", str(folder), "-o", str(tmp_path / name)).exit_code == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    app = read_app_file(tmp_path / "one")
    assert (app.form, app.name, app.model) == (Form.BUNDLE, "Counter", None)
    assert not any(name.startswith("test_") for name in app.bundle.modules)


def test_paths_with_a_star_and_labels_are_told_and_packed(invoke, tmp_path):
    """A level that may be any is shown as a star, a SLIP-21 label as it is; both come back from the packed form."""
    paths = (Bip32Path((ANY_LEVEL, 1 | HARDENED)), Bip32Path.parse("45'"), Slip21Path("Some policy"))
    derivation = Derivation(curves=Curve.SECP256K1 | Curve.SLIP21, paths=paths)
    parameters = InstallParameters(name="Star", version="1.0", derivation=derivation).to_bytes()
    plain = tmp_path / "star.elf"
    plain.write_bytes(elf(bytes(64), parameters=parameters, notes=[("ledger.target_id", "0x33000004")]))
    told = json.loads(invoke("app", "info", str(plain), "--json").stdout)
    assert (told["paths"], told["paths_slip21"]) == (["*/1'", "45'"], ["Some policy"])
    assert "at */1', 45', Some policy" in invoke("app", "info", str(plain)).stdout
    assert invoke("app", "pack", str(plain)).exit_code == 0
    document = json.loads((tmp_path / "star.json").read_text())
    assert document["derivationPath"]["paths"] == [f"{ANY_LEVEL}/1'", "45'"]
    assert "parameters" not in document
    assert read_app_file(tmp_path / "star.hex").image == read_app_file(plain).image
    document["derivationPath"]["paths"] = ["*/1'", "45'"]
    (tmp_path / "star.json").write_text(json.dumps(document))
    assert read_app_file(tmp_path / "star.hex").image == read_app_file(plain).image


@pytest.mark.parametrize("name", ["hello", "signer", "oracle"])
def test_hex_file_and_manifest_say_all_that_the_elf_file_says(invoke, tmp_path, name):
    """What is read from the packed form is the image of the ELF file, to the byte."""
    target = tmp_path / "app.hex"
    assert invoke("app", "pack", str(EXAMPLES / f"{name}.elf"), "-o", str(target)).exit_code == 0
    packed, plain = read_app_file(target), read_app_file(EXAMPLES / f"{name}.elf")
    assert packed.form is Form.HEX
    assert (packed.image, packed.target_id) == (plain.image, plain.target_id)


def test_what_a_manifest_cannot_tell_is_kept_as_it_is(invoke, tmp_path):
    """An icon is in no word of the manifest: the parameters stand beside them, and the image is the same."""
    parameters = InstallParameters(name="Icon", version="1.0", icon=bytes(33)).to_bytes()
    plain = tmp_path / "icon.elf"
    plain.write_bytes(elf(bytes(64), parameters=parameters, notes=[("ledger.target_id", "0x33000004")]))
    assert invoke("app", "pack", str(plain)).exit_code == 0
    assert json.loads((tmp_path / "icon.json").read_text())["parameters"] == parameters.hex()
    assert read_app_file(tmp_path / "icon.hex").image == read_app_file(plain).image


@needs_clang
def test_build_says_what_it_made(invoke, tmp_path):
    """The same bytes as in the package, and facts about them; for another model another target."""
    target = tmp_path / "app.elf"
    command = ("app", "build", str(ROOT / "sdk/examples/signer"), "-o", str(target), "--compiler", CLANG)
    told = json.loads(invoke(*command, "--json").stdout)
    assert (told["schema"], told["file"], told["name"]) == ("tally.app.build/1", str(target), "Signer")
    assert target.read_bytes() == SIGNER.read_bytes()
    assert "Signer for flex" in invoke(*command, "--model", "flex").stdout
    assert read_app_file(target).model == "flex"


@needs_clang
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("void app_main(void) { nothing(); }", "nothing"),
        ("int value = 3; void app_main(void) { value++; }", "TALLY_APP is missing"),
        (
            '#include "tally.h"\nTALLY_APP("A", "1");\nint value = 3;\nvoid app_main(void) { tally_random((uint8_t *) &value, 1); }',
            "RAM begins as zeros",
        ),
        ('#include "tally.h"\nTALLY_APP("A", "1");', "app_main"),
        (
            '#include "tally.h"\nTALLY_APP("A", "1");\nuint8_t big[25000];\nvoid app_main(void) { tally_random(big, 1); }',
            "24 KiB",
        ),
    ],
)
def test_sources_that_do_not_build_are_told_in_the_compilers_words(invoke, tmp_path, source, told):
    """Errors of the compiler, of the linker, and of the link script's rules reach the person; nothing is written."""
    (tmp_path / "main.c").write_text(source)
    target = tmp_path / "app.elf"
    answer = invoke("app", "build", str(tmp_path), "-o", str(target), "--compiler", CLANG)
    assert answer.exit_code == 2
    assert told in answer.stderr


@pytest.mark.parametrize("compiler", ["no-such-clang", "true"])
def test_missing_compiler_is_told_with_what_to_install(invoke, tmp_path, compiler):
    """No clang, or a program that is none: the remedy names the packages."""
    (tmp_path / "main.c").write_text("")
    answer = invoke("app", "build", str(tmp_path), "--compiler", compiler)
    assert answer.exit_code == 2
    assert "apt install clang lld" in answer.stderr


def test_folder_without_sources_is_told(invoke, tmp_path):
    """Nothing to build, and no app at all."""
    assert "no C sources" in invoke("app", "build", str(tmp_path)).stderr
    assert "manifest.json" in invoke("app", "info", str(tmp_path)).stderr
    assert "no folder" in invoke("app", "build", str(SIGNER)).stderr


def overlapping():
    """Return a file whose two parts lie at one address."""
    return elf(segments=[(0xC0DE0000, bytes(16), 16), (0xC0DE0008, bytes(16), 16)])


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "bundle"),
        (b"\x7fELF", "cut short"),
        (SIGNER.read_bytes()[:2000], "cut short"),
        (elf(b""), "out of order"),
        (overlapping(), "at one address"),
        (elf(bytes(401 * 1024)), "400 KiB"),
        (b"\x7fELF\x02" + SIGNER.read_bytes()[5:], "32 bits"),
        (SIGNER.read_bytes()[:18] + b"\x3e" + SIGNER.read_bytes()[19:], "ARM"),
        (b"PK\x03\x04" + bytes(40), "bundle"),
        (os.urandom(500), "is no app"),
        (b"\x7fELF" + bytes(MAX_ELF), "is no app"),
    ],
)
def test_file_that_is_no_app_is_refused_with_its_name(invoke, tmp_path, raw, told):
    """Empty, cut, overlapping, too large, of another machine, damaged and random files: a clear error, exit code 2."""
    path = tmp_path / "bad"
    path.write_bytes(raw)
    for command in ("info", "pack", "run"):
        answer = invoke("app", command, str(path))
        assert answer.exit_code == 2
        assert f"{path} is no app" in answer.stderr
        assert told in answer.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"apiLevel": "many"},
        {"dataSize": 100000},
        {"flags": "xyz"},
        {"targetId": 5},
        {"name": ""},
        {"derivationPath": []},
        {"parameters": "zz"},
        {"parameters": "01"},
        {"parameters": 5},
        {"derivationPath": {"curves": ["secp999"]}},
        {"derivationPath": {"curves": ["secp256k1"], "paths": ["x"]}},
        {"version": None, "name": "x" * 33},
    ],
)
def test_manifest_that_makes_no_sense_is_refused(invoke, tmp_path, change):
    """Whatever a manifest says wrong, the error names it."""
    invoke("app", "pack", str(SIGNER), "-o", str(tmp_path / "app.hex"))
    document = json.loads((tmp_path / "app.json").read_text())
    (tmp_path / "app.json").write_text(json.dumps({**document, **change}))
    answer = invoke("app", "info", str(tmp_path / "app.hex"))
    assert answer.exit_code == 2
    assert "app.json" in answer.stderr


@pytest.mark.parametrize("text", ["", "[]", "{", "1", "[" * 100000, "x" * 70000])
def test_manifest_that_is_none_is_refused(tmp_path, text):
    """Not JSON, not an object, too deep, too long; and none at all."""
    (tmp_path / "app.hex").write_bytes(b":00000001FF\n")
    with pytest.raises(UsageError, match="not beside it"):
        read_app_file(tmp_path / "app.hex")
    (tmp_path / "app.json").write_text(text)
    with pytest.raises(UsageError, match="no manifest"):
        read_app_file(tmp_path / "app.hex")


def test_app_of_another_model_is_not_run(invoke):
    """`--model` must be what the file was built for; gdb and a trace are for native apps."""
    answer = invoke("app", "run", str(SIGNER), "--model", "flex")
    assert answer.exit_code == 2
    assert "was built for nanox" in answer.stderr
    assert "native apps" in invoke("app", "run", str(COUNTER), "--trace").stderr


@pytest.mark.parametrize("level", ["28", "250"])
def test_app_of_an_api_level_that_does_not_run_is_refused(invoke, tmp_path, level):
    """The error says which levels do run, before any device is started."""
    path = tmp_path / "app.elf"
    path.write_bytes(elf(notes=[("ledger.target_id", "0x33000004"), ("ledger.api_level", level)]))
    answer = invoke("app", "run", str(path))
    assert answer.exit_code == 2
    assert f"API level {level} cannot run here" in answer.stderr
    assert "1 to 27" in answer.stderr


def test_places_are_told_by_function():
    """The function that a place is in, and how far; places outside the code have none."""
    example = Elf.from_bytes((EXAMPLES / "hello.elf").read_bytes())
    start = example.symbols["harm"] - 1 - 0xC0DE0000
    assert function_at(example, start) == "harm+0x0"
    assert function_at(example, start + 6) == "harm+0x6"
    assert function_at(example, 0) == "tally_start+0x0"
    assert function_at(example, -1) is None
    assert function_at(example, 1 << 20) is None
