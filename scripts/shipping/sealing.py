"""Secrets sealed by the stage's KMS key, bound to app, stage and variable; checked without being shown."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.providers.kms import PREFIX, encryption_context
from chalicelib.settings.validate import SECRETS
from scripts.shipping.project import APP_NAME, ShippingError

SECRET_NAMES = tuple(name.upper() for name in SECRETS)
OPTIONAL = {"OPENAI_API_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"}
STARTS = {
    "OPENAI_API_KEY": ("sk-",),
    "STRIPE_API_KEY": ("sk_test_", "sk_live_", "rk_test_", "rk_live_"),
    "STRIPE_WEBHOOK_SECRET": ("whsec_",),
}
MOST_BYTES = 1024


@dataclass(frozen=True)
class Sealer:
    """The secrets of one stage."""

    kms: Any
    stage: str

    @property
    def key(self) -> str:
        return f"alias/{APP_NAME}-{self.stage}"

    def sealed(self, name: str, plain: str) -> str:
        """The ciphertext for the setting `name`. Raises ShippingError for what cannot be this secret."""
        self.check_shape(name, plain)
        try:
            answer = self.kms.encrypt(
                KeyId=self.key, Plaintext=plain.encode(), EncryptionContext=encryption_context(APP_NAME, self.stage, name)
            )
        except ClientError as error:
            raise ShippingError(
                f"KMS does not encrypt with {self.key}: {error.response['Error']['Code']}. "
                f"Is the resource stack deployed (make resources STAGE={self.stage}), and may you use its key?"
            ) from None
        return PREFIX + base64.b64encode(answer["CiphertextBlob"]).decode()

    def opened(self, name: str, stored: str) -> str:
        """What a ciphertext says. Raises ShippingError, saying nothing of it."""
        if not stored.startswith(PREFIX):
            raise ShippingError(f"{name} is not KMS ciphertext.")
        try:
            sealed = base64.b64decode(stored.removeprefix(PREFIX), validate=True)
            bound_to = encryption_context(APP_NAME, self.stage, name)
            return str(self.kms.decrypt(CiphertextBlob=sealed, EncryptionContext=bound_to)["Plaintext"].decode())
        except ClientError as error:
            reason = error.response["Error"]["Code"]
        except ValueError:
            reason = "it is damaged"
        raise ShippingError(f"{name} cannot be decrypted for the stage {self.stage}: {reason}.")

    def resealed(self, name: str, stored: str) -> str:
        """The same secret in a new ciphertext, under the key's newest material."""
        return self.sealed(name, self.opened(name, stored))

    def check_shape(self, name: str, plain: str) -> None:
        """ShippingError, without the value, for what is no such secret or would not reach the functions whole."""
        if name not in SECRET_NAMES:
            raise ShippingError(f"{name} is no secret among the settings; those are {', '.join(SECRET_NAMES)}.")
        words = plain.split(",") if name == "STRIPE_WEBHOOK_SECRET" else [plain]
        for word in words:
            if not word or not word.isascii() or not word.isprintable() or " " in word or len(word) > MOST_BYTES:
                raise ShippingError(f"{name} is empty, too long, or holds blanks or other characters no key has.")
            if name in STARTS and not word.startswith(STARTS[name]):
                raise ShippingError(f"{name} does not begin with {' or '.join(STARTS[name])}.")
        if name == "IDENTITY_HMAC_KEY" and len(plain) < 32:
            raise ShippingError("IDENTITY_HMAC_KEY must have 32 characters or more.")

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """What is wrong with the stage's secrets: missing, plain, not ours to open, of the wrong kind."""
        found = []
        for name in SECRET_NAMES:
            stored = settings.get(name, "")
            if not stored:
                if name not in OPTIONAL:
                    found.append(f"{name} is missing")
                continue
            try:
                plain = self.opened(name, stored)
                self.check_shape(name, plain)
            except ShippingError as error:
                found.append(str(error))
                continue
            mode = settings.get("STRIPE_MODE", "test")
            if name == "STRIPE_API_KEY" and f"_{mode}_" not in plain:
                found.append(f"STRIPE_API_KEY is not of the {mode} mode that STRIPE_MODE names")
        return found


def new_identity_key() -> str:
    return secrets.token_urlsafe(36)
