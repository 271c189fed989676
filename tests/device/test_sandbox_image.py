"""The self-test out of a signed image, as the worlds and apps run: every attempt, as Normal World and as app."""

import sysconfig

import pytest

from tallystick.device.boot.image import Expectation, VerifiedImage
from tallystick.device.boot.start import Handover
from tallystick.device.sandbox import probe, self_test
from tallystick.device.sandbox.attempt import Surroundings, attempts
from tallystick.device.sandbox.kernel import machine
from tallystick.device.sandbox.program import Programs, spawn_image
from tallystick.device.sandbox.role import Role
from tallystick.manager.factory.build import Release, image
from tallystick.manager.factory.key import FactoryKeys
from tallystick.wire.firmware import ImageRole

ROLES = [Role.NORMAL, Role.APP]
TRIED = [
    one.name
    for one in attempts(Surroundings(parent=1, link=0, listener=0, page=0))
    if machine().number(one.call) is not None
]


@pytest.fixture(scope="module")
def start():
    """Build, sign and check an image of the self-test, and return how it is started."""
    entries = {ImageRole.NORMAL_WORLD: "tallystick.device.sandbox.probe_entry"}
    raw = image(ImageRole.NORMAL_WORLD, Release(version="1.0.0", security_version=1, entries=entries))
    key = FactoryKeys.generate().normal
    expect = Expectation(role=ImageRole.NORMAL_WORLD, minimum=1)
    checked = VerifiedImage.by_signature(raw, key.sign(raw, comment="x"), [key.public_key], expect=expect)
    programs = Programs.of_image(checked.seal(), Handover(libraries=sysconfig.get_path("platlib")).seal())
    return spawn_image(programs.prefix, programs.descriptors)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("mode", ["self-test", "self-test-without-landlock"])
def test_every_attempt_out_of_an_image_is_refused(start, role, mode):
    """All of them, with and without Landlock, and computing works behind the lock."""
    result = self_test.run(role, mode=mode, start=start)
    assert result.failures == ()
    assert result.holds
    assert [one.name for one in result.outcomes] == [*TRIED, *probe.ALLOWED]


@pytest.mark.parametrize("role", ROLES)
def test_out_of_an_image_the_lock_kills_at_the_first_attempt(start, role):
    """Without leniency a sample of attempts of every kind, the first and the last among them, ends the process."""
    for number in (0, *range(5, len(TRIED), 17), len(TRIED) - 1):
        assert self_test.run_released(role, str(number), start=start).is_killed, TRIED[number]


def test_an_image_that_is_not_locked_is_told_apart(start):
    """The same image with the lock left out gets through: the test above can tell."""
    result = self_test.run(Role.NORMAL, mode="open", start=start)
    assert not result.holds
    assert len(result.failures) > 50
