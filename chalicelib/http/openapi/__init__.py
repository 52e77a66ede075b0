"""The contract as OpenAPI 3.1, made from the routes, the signatures of their views, and the shapes of the contract.

Nothing here runs in a request: `make contract` writes the document, and `/openapi.json` serves that file.
"""

from .document import document as document
