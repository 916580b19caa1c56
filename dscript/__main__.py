"""`python -m dscript`."""

import sys

from dscript.cli import main

sys.exit(main())
