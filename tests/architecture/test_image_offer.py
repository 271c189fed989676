"""What stands in two rooms that may not import each other is the same in both."""

from tallystick.app import process
from tallystick.device.boot import archive
from tallystick.manager.factory import build
from tallystick.wire.firmware import GENERATED, ImageRole


def test_every_module_an_app_may_import_is_packed_beside_the_secure_world():
    """The list of the app's process and the list of the factory are the same: neither room may import the other."""
    packed = set(build._BESIDE[ImageRole.SECURE_WORLD])
    assert set(process.ALWAYS) | set(process.OFFERED) <= packed


def test_an_image_names_generated_code_as_its_importer_looks_for_it():
    """The importer of an image can import nothing of the house, so it has a copy of the name."""
    assert archive.GENERATED == GENERATED
