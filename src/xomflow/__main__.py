"""``python -m xomflow`` is ``xom``."""

import sys

from xomflow.cli import main

sys.exit(main())
