"""Encrypts secrets with the stage's KMS key, bound to app, stage and variable, and checks them without showing them.

Which settings are secrets, and how each has to look, is declared in chalicelib/settings.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.providers.kms import PREFIX, encryption_context
from chalicelib.settings.declaration import Field, Secret
from chalicelib.settings.schema import FIELDS
from scripts.shipping.project import APP_NAME, ShippingError

SECRET_FIELDS: dict[str, Field] = {field.variable: field for field in FIELDS if isinstance(field.setting, Secret)}
SECRET_NAMES = tuple(SECRET_FIELDS)
MAX_CHARACTERS = 1024
# KMS says so of a key that it has, but not of a key of another account or region.
KEY_IS_HERE = {"DisabledException", "KMSInvalidStateException"}


@dataclass(frozen=True)
class Sealer:
    """Encrypts the secrets of one stage."""

    kms: Any
    stage: str

    @property
    def key(self) -> str:
        return f"alias/{APP_NAME}-{self.stage}"

    def encrypt(self, name: str, plain: str) -> str:
        """The ciphertext for the setting `name`. Raises ShippingError for an invalid secret."""
        check_secret(name, plain)
        try:
            response = self.kms.encrypt(KeyId=self.key, Plaintext=plain.encode(), EncryptionContext=self._context(name))
        except ClientError as error:
            raise ShippingError(
                f"KMS does not encrypt with {self.key}: {error.response['Error']['Code']}. "
                f"Is the resource stack deployed (make resources STAGE={self.stage}), and may you use its key?"
            ) from None
        return PREFIX + base64.b64encode(response["CiphertextBlob"]).decode()

    def decrypt(self, name: str, stored: str) -> str:
        """The plain text of a ciphertext. Raises ShippingError, which shows neither."""
        if not stored.startswith(PREFIX):
            raise ShippingError(f"{name} is not KMS ciphertext.")
        try:
            return self._decrypt(name, stored)
        except ClientError as error:
            reason = error.response["Error"]["Code"]
        except ValueError:
            reason = "it is damaged"
        raise ShippingError(f"{name} cannot be decrypted for the stage {self.stage}: {reason}.")

    def has_key_of(self, name: str, stored: str) -> bool:
        """Whether the key of a ciphertext is in this account and region, even if it is disabled or being deleted."""
        try:
            self._decrypt(name, stored)
        except ClientError as error:
            return error.response["Error"]["Code"] in KEY_IS_HERE
        except ValueError:  # The ciphertext is damaged.
            return False
        return True

    def check_key(self) -> None:
        """Raises ShippingError, with what to do, if the stage's key cannot be used."""
        of_stage = f"The key {self.key}, which opens the secrets of {self.stage},"
        try:
            key = self.kms.describe_key(KeyId=self.key)["KeyMetadata"]
        except ClientError as error:
            raise ShippingError(
                f"{of_stage} was not found: {error.response['Error']['Code']}. Nothing was changed. "
                "docs/operations.md, A lost key, says what to do."
            ) from None
        enable = f"aws kms enable-key --key-id {key['KeyId']}"
        commands = {
            "PendingDeletion": f"aws kms cancel-key-deletion --key-id {key['KeyId']} && {enable}",
            "Disabled": enable,
        }
        if command := commands.get(key["KeyState"]):
            raise ShippingError(
                f"{of_stage} is {key['KeyState']}. Nothing was changed. Bring it back, then run the command again:\n"
                f"  {command}"
            )

    def reencrypt(self, name: str, stored: str) -> str:
        """A new ciphertext of the same secret, with the newest material of the key."""
        return self.encrypt(name, self.decrypt(name, stored))

    def find_problems(self, settings: Mapping[str, str]) -> list[str]:
        """The problems of the stage's secrets: missing, plain text, of another stage or of the wrong kind."""
        problems = []
        for name, field in SECRET_FIELDS.items():
            stored = settings.get(name, "")
            if not stored:
                if field.is_required:
                    problems.append(f"{name} is missing")
                continue
            try:
                plain = self.decrypt(name, stored)
                check_secret(name, plain)
            except ShippingError as error:
                problems.append(str(error))
                continue
            mode = settings.get("STRIPE_MODE", "test")
            if name == "STRIPE_API_KEY" and f"_{mode}_" not in plain:
                problems.append(f"STRIPE_API_KEY is not of the {mode} mode that STRIPE_MODE names")
        return problems

    def _decrypt(self, name: str, stored: str) -> str:
        ciphertext = base64.b64decode(stored.removeprefix(PREFIX), validate=True)
        response = self.kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=self._context(name))
        return str(response["Plaintext"].decode())

    def _context(self, name: str) -> dict[str, str]:
        return encryption_context(APP_NAME, self.stage, name)


def check_secret(name: str, plain: str) -> None:
    """Raises ShippingError, without the value, for a name or a value that cannot be this secret."""
    secret = declared_secret(name)
    for value in plain.split(",") if secret.is_list else [plain]:
        if not value or not value.isascii() or not value.isprintable() or " " in value or len(value) > MAX_CHARACTERS:
            raise ShippingError(f"{name} is empty, is too long, or contains spaces or characters that no key has.")
        if secret.begins_with and not value.startswith(secret.begins_with):
            raise ShippingError(f"{name} does not begin with {' or '.join(secret.begins_with)}.")
        if len(value) < secret.min_characters:
            raise ShippingError(f"{name} must have {secret.min_characters} characters or more.")


def declared_secret(name: str) -> Secret:
    """The declaration of a secret. Raises ShippingError for any other name."""
    declared = SECRET_FIELDS[name].setting if name in SECRET_FIELDS else None
    if not isinstance(declared, Secret):
        raise ShippingError(f"{name} is not a secret. The secrets are {', '.join(SECRET_NAMES)}.")
    return declared


def create_identity_key() -> str:
    """A new value for IDENTITY_HMAC_KEY."""
    return secrets.token_urlsafe(36)
