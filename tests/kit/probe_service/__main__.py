"""python -m tests.kit.probe_service serve: the service of one call, as a process."""

import sys

from services.shared.chassis import patch

patch.if_serving()

from services.shared.chassis import serve
from tests.kit.probe_service.service import DEFINITION

sys.exit(serve.run([DEFINITION]))
