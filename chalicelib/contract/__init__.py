"""The shapes of requests and responses: the wire format. docs/api.md explains them.

Every field is bounded here, so that nothing oversized reaches a use case. Unknown fields are refused.
One file for each section. This package has the names of all of them, so that a new shape needs no second list.
"""

from .accounts import *
from .admin import *
from .audit import *
from .base import *
from .catchup import *
from .credits import *
from .health import *
from .payments import *
from .service import *
from .streaming import *
from .support import *
from .transcripts import *
