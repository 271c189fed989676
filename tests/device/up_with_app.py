"""`tally up` with an app of a test's own in place of the built-in catalogue: PROGRAM BUNDLE, then the command line."""

import sys
from pathlib import Path

from tallystick import apps
from tallystick.cli.main import main
from tallystick.wire.bundle import Bundle

if __name__ == "__main__":
    bundle = Bundle.from_bytes(Path(sys.argv.pop(1)).read_bytes())
    apps.bundle = lambda _name: bundle
    sys.exit(main())
