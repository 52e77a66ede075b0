"""What the gateway of the deployed shape does otherwise, and so what `STACK=1` leaves out. Each is proven on the local
server.

The one place: a test that is not named here runs against the deployed shape too.
"""

import os

IS_DEPLOYED = bool(os.environ.get("STACK"))

TEXT = "a gateway hands JSON over as text: bytes that are no UTF-8 are another character before any function runs"
ADDRESS = "the emulated gateway takes a caller's address from X-Forwarded-For; AWS takes that of the connection"
KEYS = "a deployed function has the user pool's keys in its package, and its gateway has its own: no outage to show"
SEPARATE_API = (
    "an API beside changes settings of its function; its gateway's CORS is the package's, of another extension"
)
LINES = "what came in is read from lines as they are written; functions' lines come to CloudWatch when they come"

LIMITS = {
    '"title":"\\\\xff': TEXT,
    "test_what_a_client_says_of_its_address_changes_nothing[X-Forwarded-For]": ADDRESS,
    "test_a_header_makes_no_other_network_of_it": ADDRESS,
    "test_http_origins.py::test_the_extension_can_": SEPARATE_API,
    "test_http_origins.py::test_a_page_of_another_origin_reads_and_changes_nothing": LINES,
    "test_keys_that_cannot_be_had_are_503_not_401": KEYS,
}


def limit_of(test: str) -> str:
    """Why this test cannot run against the emulated gateway; empty if it can."""
    return next((reason for named, reason in LIMITS.items() if named in test), "")
