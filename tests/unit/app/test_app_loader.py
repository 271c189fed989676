"""What runs is what was hashed: modules come from the bundle alone, and two bundles never meet."""

import sys

import pytest
from app_stage import pack

from tallystick.app.loader import load
from tallystick.errors import RemoteProtocolError


def test_the_entry_is_found_by_its_name():
    """`module:name` of the manifest is what is returned."""
    assert load(pack("main:begin", main="def begin(device): return device + 1\n", app="1 / 0"))(4) == 5


def test_modules_import_each_other_relatively():
    """The modules of an app form one package."""
    bundle = pack(
        app="from .part import value\nfrom . import part\ndef start(device): return value, part.__name__\n",
        part="from .leaf import value\n",
        leaf="value = 7\n",
    )
    value, name = load(bundle)(None)
    assert value == 7
    assert name.endswith(".part")


def test_two_versions_live_side_by_side():
    """Modules of one name in two bundles are two modules."""
    one = load(pack(app="from . import part\ndef start(device): return part.value\n", part="value = 1\n"))
    two = load(pack(app="from . import part\ndef start(device): return part.value\n", part="value = 2\n"))
    assert (one(None), two(None), one(None)) == (1, 2, 1)


def test_an_equal_bundle_is_loaded_once():
    """A thousand devices with one app hold its code once."""
    before = len(sys.meta_path)
    assert load(pack(app="def start(device): return start\n")) is load(pack(app="def start(device): return start\n"))
    assert len(sys.meta_path) == before + 1


def test_names_of_an_app_are_not_importable_by_others():
    """Another app cannot reach in by an absolute name it could foresee."""
    load(pack(app="secret_of_one = 1\ndef start(device): pass\n"))
    assert "app" not in sys.modules
    with pytest.raises(RemoteProtocolError):
        load(pack(app="import app\nstart = app.secret_of_one\n"))


def test_a_module_of_the_bundle_hides_nothing_of_the_package():
    """A module called like one of the standard library is reached relatively only."""
    bundle = pack(
        app="import json\nfrom . import json as own\ndef start(device): return json.dumps, own.dumps\n",
        json="dumps = 1\n",
    )
    shared, own = load(bundle)(None)
    assert shared([]) == "[]"
    assert own == 1


@pytest.mark.parametrize(
    "source",
    [
        "import nothing_of_this_name\n",
        "from .missing import x\n",
        "from tallystick.wire.syscall import nothing\n",
        "def start(:\n",
        "def begin(device): pass\n",
        "\0",
    ],
)
def test_a_broken_app_is_refused(source):
    """Missing modules, names, entries and broken source are the app's fault, and one error."""
    bundle = pack(app=source)
    for _ in range(2):  # the second time nothing half-loaded is found
        with pytest.raises(RemoteProtocolError, match="cannot be loaded"):
            load(bundle)


def test_tracebacks_name_the_bundle_and_no_file():
    """Code of an app has no path on this machine."""
    start = load(pack(app="def start(device): pass\n"))
    assert start.__code__.co_filename.startswith("<_tally_app_")
