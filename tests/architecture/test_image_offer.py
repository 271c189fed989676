"""What apps are offered by name is in the image they run from."""

from tallystick.app import process
from tallystick.manager.factory import build
from tallystick.wire.firmware import ImageRole


def test_every_module_an_app_may_import_is_packed_beside_the_secure_world():
    """The list of the app's process and the list of the factory are the same: neither room may import the other."""
    packed = set(build._BESIDE[ImageRole.SECURE_WORLD])
    assert set(process.ALWAYS) | set(process.OFFERED) <= packed
