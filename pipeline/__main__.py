"""Start the command: `python -m pipeline` is the same as `pipeline`."""

import sys

from pipeline.cli import main

sys.exit(main())
