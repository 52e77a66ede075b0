"""KMS: what the secrets among the settings say. In the environment stands their ciphertext, `kms:` and base64."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs import log

PREFIX = "kms:"


def context(app: str, stage: str, name: str) -> dict[str, str]:
    """What a ciphertext is bound to: moved to another variable, stage or app, it opens nothing."""
    return {"app": app, "stage": stage, "variable": name}


@dataclass(frozen=True)
class Kms:
    """Decrypts the settings of one stage. What it returns is never logged, nor is what it was given."""

    client: Any
    app: str
    stage: str

    def plain(self, name: str, stored: str) -> str:
        """What the ciphertext of the setting `name` says. Raises UnavailableError and rings the alarm."""
        try:
            sealed = base64.b64decode(stored.removeprefix(PREFIX), validate=True)
            bound_to = context(self.app, self.stage, name)
            answer = self.client.decrypt(CiphertextBlob=sealed, EncryptionContext=bound_to)
            return str(answer["Plaintext"].decode())
        except ClientError as error:
            reason = str(error.response["Error"]["Code"])
        except (BotoCoreError, binascii.Error, UnicodeDecodeError) as error:
            reason = type(error).__name__
        # Outside the handler: an exception in the chain of this one might hold what was decrypted.
        log.line("a secret cannot be read", level="ERROR", metrics={"SecretsUnreadable": (1, "Count")},
                  setting=name, reason=reason)  # fmt: skip
        raise UnavailableError("Part of this service is not set up right; its owner has been told.", 30)
