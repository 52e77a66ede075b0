"""KMS decrypts the secrets among the settings. The environment holds them as `kms:` and base64 ciphertext."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs import log

PREFIX = "kms:"


def encryption_context(app: str, stage: str, name: str) -> dict[str, str]:
    """Binds a ciphertext to one app, stage and variable: KMS decrypts it for no other."""
    return {"app": app, "stage": stage, "variable": name}


@dataclass(frozen=True)
class Kms:
    """Decrypts the settings of one stage. Neither plain text nor ciphertext is ever logged."""

    client: Any
    app: str
    stage: str

    def decrypt(self, name: str, stored: str) -> str:
        """The plain text of the setting `name`. Raises UnavailableError and triggers an alarm."""
        try:
            ciphertext = base64.b64decode(stored.removeprefix(PREFIX), validate=True)
            context = encryption_context(self.app, self.stage, name)
            response = self.client.decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
            return str(response["Plaintext"].decode())
        except ClientError as error:
            reason = str(error.response["Error"]["Code"])
        except (BotoCoreError, binascii.Error, UnicodeDecodeError) as error:
            reason = type(error).__name__
        # Outside the handler: an exception in the chain of this one might hold the plain text.
        log.line("a secret cannot be read", level="ERROR", metrics={"SecretsUnreadable": (1, "Count")},
                  setting=name, reason=reason)  # fmt: skip
        raise UnavailableError("A part of this service is not configured correctly. Its owner has been notified.", 30)
