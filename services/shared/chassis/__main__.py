"""python -m services.shared.chassis serve|work|migrate|verify|topology|clock …"""

import sys

from services.shared.chassis import patch

patch.if_serving()

from services.shared.chassis.cli import hosting

sys.exit(hosting())
