"""The pytest plugin, as suites of other projects use it: each test here runs a small suite of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

# imported here once: what a suite inside a test imports is forgotten after it
from tallystick import testing
from tallystick.testing import plugin
from tallystick.wire.model import MODELS

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "pytest" / "test_wallet.py"


@pytest.fixture
def suite(pytester):
    """Give a function that runs a suite in a directory of its own, warnings being errors, and returns the result."""
    pytester.makeini(
        """
        [pytest]
        filterwarnings = error
        addopts = --strict-markers --strict-config -p no:cacheprovider -p no:hypothesispytest
        asyncio_default_fixture_loop_scope = function
        """
    )

    def run(source, *options):
        pytester.makepyfile(source)
        return pytester.runpytest("-p", "no:randomly", *options)

    return run


def test_the_example_of_the_readme_works(suite):
    """The copy-paste example passes as it stands, on the models it names."""
    suite(EXAMPLE.read_text(encoding="utf-8")).assert_outcomes(passed=4)


def test_fixtures_belong_together(suite):
    """`user`, `session` and `apdu_log` are those of `device`, and the next test has another one."""
    suite(
        """
        import pytest
        SEEN = []

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(device, user, session, apdu_log, turn):
            SEEN.append(device)
            assert device.user is user and device.session is session and device.apdu_log is apdu_log
            assert len(apdu_log) == 0
            device.exchange("B001000000")
            assert len(apdu_log) == 1
            assert len(set(map(id, SEEN))) == turn
        """
    ).assert_outcomes(passed=2)


def test_markers_change_the_device(suite):
    """The nearest marker wins, argument by argument."""
    suite(
        """
        import pytest
        pytestmark = pytest.mark.device(model="stax", open="cosmos")

        def test_module(device):
            assert (device.model, device.status["app"]) == ("stax", "Cosmos")

        @pytest.mark.device(model="flex")
        class TestClass:
            def test_class(self, device):
                assert (device.model, device.status["app"]) == ("flex", "Cosmos")

            @pytest.mark.device(open="", pin="1234")
            def test_function(self, device):
                assert (device.model, device.status["app"], device.status["unlocked"]) == ("flex", None, False)

        @pytest.mark.device(open="", onboarded=False, apps=[])
        def test_blank(device):
            assert not device.status["onboarded"]
        """
    ).assert_outcomes(passed=4)


def test_seed_and_expert_reach_the_device(suite):
    """A seed of one's own gives its account; expert mode asks for more on the screen than without it."""
    suite(
        """
        import pytest
        ADDRESS = "550400001b06636f736d6f732c00008076000080000000800000000000000000"
        ABANDON = "abandon " * 11 + "about"

        @pytest.mark.device(seed=ABANDON, open="cosmos")
        def test_seed(device, device_factory):
            assert device.exchange(ADDRESS).data != device_factory(open="cosmos").exchange(ADDRESS).data

        @pytest.mark.parametrize("expert", [True, False])
        def test_expert(device_factory, expert):
            user = device_factory(open="cosmos", expert=expert).user
            user.until("Expert")
            assert ("enabled" in " ".join(user.read()).lower()) is expert
        """
    ).assert_outcomes(passed=3)


def test_models_run_a_test_on_each(suite):
    """The marker `models` makes a test of each model, in its name; "all" is all six."""
    result = suite(
        """
        import pytest

        @pytest.mark.models("stax", "nanos")
        def test_two(device, device_factory, device_model):
            assert device.model == device_model == device_factory().model

        @pytest.mark.models("all")
        def test_all(device_factory):
            assert device_factory().exchange("B001000000").ok
        """,
        "-v",
    )
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(
        ["*test_two[[]stax] PASSED*", "*test_two[[]nanos] PASSED*", "*test_all[[]apex_p] PASSED*"]
    )


SUITE_OF_MODELS = """
    import pytest

    def test_any(device):
        print("any", device.model)

    @pytest.mark.device(model="flex")
    def test_named(device):
        assert device.model == "flex"

    @pytest.mark.models("nanosp", "stax")
    def test_models(device):
        print("models", device.model)
"""


def test_the_default_model_is_nanosp(suite):
    """Without option and marker a device is a Nano S Plus."""
    result = suite(SUITE_OF_MODELS, "-s")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*any nanosp*", "*models nanosp*", "*models stax*"])


def test_the_option_names_the_model(suite):
    """`--device-model` is for tests that name none, and chooses of those they name; the rest is skipped with the reason."""
    result = suite(SUITE_OF_MODELS, "-s", "-rs", "--device-model", "stax")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["*any stax*", "*models stax*", "*SKIPPED*not among --device-model stax*"])


def test_several_models_run_the_suite_on_each(suite):
    """The option given twice, or "all", runs every test that names no model on each of them."""
    suite(SUITE_OF_MODELS, "--device-model=nanox", "--device-model=stax").assert_outcomes(passed=4, skipped=1)
    suite(SUITE_OF_MODELS, "--device-model=all").assert_outcomes(passed=6 + 1 + 2)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('device(sed="x")', "the marker device has no argument sed"),
        ('device("stax")', "the marker device has named arguments only"),
        ('models("nanoz")', "the marker models names no model: nanoz"),
        ('device(model="nanoz")', "the marker device names no model: nanoz"),
        ('device(apps=["doge"])', "there is no app doge in the catalogue"),
    ],
)
def test_mistaken_markers_are_told(suite, marker, message):
    """A marker with a mistake is an error that says which, never a device that is not what was meant."""
    result = suite(f"import pytest\n@pytest.mark.{marker}\ndef test_it(device): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{message}*"])


def test_mistaken_option_is_told(suite):
    """A model that does not exist is refused on the command line."""
    result = suite("def test_it(): pass", "--device-model=nanoz")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_failure_shows_apdus_and_screen(suite):
    """The report of a failed test has what passed and the last screen of each of its devices; that of a passed one has not."""
    result = suite(
        """
        def test_fails(device, device_factory):
            device_factory(model="stax").open("cosmos")
            device.exchange("B001000000")
            assert False

        def test_passes(device):
            device.exchange("E001000000")
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*APDUs of device 1 (nanosp)*",
            "=> b001000000",
            "<= 0105424f4c4f53*9000",
            "*screen of device 1 (nanosp)*",
            "is ready",
            "*APDUs of device 2 (stax)*",
            "none",
            "*screen of device 2 (stax)*",
            "Cosmos",
        ]
    )
    result.stdout.no_fnmatch_line("=> e001000000")


def test_waiting_for_nobody_fails_at_once(suite):
    """A test that forgets the person fails with what the screen says and what to write."""
    result = suite('def test_it(device): device.exchange(b"\\xe0\\xd8\\x00\\x00\\x06Cosmos")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*PersonNeeded: the device waits for the person; its screen says: Open app / Cosmos*"])


def test_the_suite_runs_in_parallel(suite):
    """Under pytest-xdist each worker has devices of its own, with the same names of tests."""
    source = """
        import pytest
        from tallystick.testing import approve_all

        @pytest.mark.models("all")
        @pytest.mark.device(open="cosmos")
        def test_it(device):
            device.auto = approve_all
            assert device.exchange("550400001b06636f736d6f732c00008076000080000000800000000000000000").ok
    """
    suite(source, "-n", "2").assert_outcomes(passed=6)


def test_the_plugin_is_declared(suite):
    """`pytest --markers` and `--fixtures` tell of it."""
    suite("", "--markers").stdout.fnmatch_lines(["@pytest.mark.device(seed=*", "@pytest.mark.models(*"])
    suite("", "--fixtures").stdout.fnmatch_lines_random(
        ["device -- *", "user -- *", "session -- *", "device_factory -- *"]
    )


def test_loading_the_plugin_loads_nothing_else():
    """A suite without a device does not pay for one: the plugin brings in nothing of the package but itself."""
    code = (
        "import sys, pytest, tallystick.testing.plugin; "
        "print(sorted(name for name in sys.modules if name.startswith(('tallystick', 'coincurve', 'cryptography'))))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['tallystick', 'tallystick.testing', 'tallystick.testing.plugin']"


def test_public_names_are_where_they_are_said_to_be():
    """Every name of `tallystick.testing` can be fetched, and one that does not exist is an AttributeError."""
    assert {name: getattr(testing, name) is not None for name in testing.__all__} == dict.fromkeys(
        testing.__all__, True
    )
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = testing.Nothing


def test_the_plugin_knows_every_model():
    """The names the plugin offers without loading anything are those of the models there are."""
    assert sorted(plugin.MODELS) == sorted(MODELS)
