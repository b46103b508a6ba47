"""What the commands up, down, status, exec, run and build beside this file start."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from cluster.cli import main

sys.exit(main(sys.argv[1:]))
