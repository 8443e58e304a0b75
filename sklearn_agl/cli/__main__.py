"""``python -m sklearn_agl.cli`` is ``sklearn-agl``."""

import sys

from sklearn_agl.cli import main

sys.exit(main())
