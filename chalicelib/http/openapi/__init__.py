"""The contract as OpenAPI 3.1, from the routes, what their views' signatures say, and the shapes on the wire.

Nothing here runs in a request: `make contract` writes the document down, `/openapi.json` serves that file.
"""

from .document import document as document
