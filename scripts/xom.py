"""The command of version 1, for jobs that are already in Slurm and for habits; it goes in version 3. Use ``xom``."""

import sys

from xomflow.cli import main

sys.exit(main(["job"] * (sys.argv[1:2] in (["discover"], ["run"], ["publish"], ["report"])) + sys.argv[1:]))
