"""The reference extension of `clients/extension`, as the local stack lets it in and `make extension` loads it."""

import base64
import hashlib
import json

from scripts.local.aws import REPOSITORY

EXTENSION = REPOSITORY / "clients" / "extension"


def extension_id(key: str) -> str:
    """The id that Chrome derives from the `key` of a manifest: 32 letters from a to p.

    Source: developer.chrome.com/docs/extensions/reference/manifest/key; the rule is in Chromium's crx_file/id_util.cc.
    """
    digest = hashlib.sha256(base64.b64decode(key, validate=True)).hexdigest()
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:32])


EXTENSION_ID = extension_id(json.loads((EXTENSION / "manifest.json").read_text("utf-8"))["key"])
EXTENSION_ORIGIN = f"chrome-extension://{EXTENSION_ID}"
