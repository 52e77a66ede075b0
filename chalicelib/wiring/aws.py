"""Builds the AWS clients and what needs nothing else: secrets, tables, user pool, queue, files.

Everything is built once per process and only when it is first needed.
"""

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from ..errors import UnavailableError
from ..logs.redaction import register_secret_for_redaction
from ..logs.request_facts import count_aws_calls
from ..providers.administrators import Administrators
from ..providers.id_tokens import TokenVerifier
from ..repositories.table import Tables
from ..settings.load import load
from ..settings.provider_registry import split_list
from ..settings.schema import Settings

if TYPE_CHECKING:
    from ..providers.cognito import Cognito
    from ..providers.files import ExportFiles, UploadFiles
    from ..providers.queue import Queue

JWKS_DIRECTORY = Path(__file__).parents[1] / "jwks"
JWKS_TIMEOUT_SECONDS = (1, 3)
APP_NAME = "live-transcription"
# A service in the same region responds in milliseconds; waiting longer only uses up the gateway's 29 s.
AWS_CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}, tcp_keepalive=True
)
# Registration cannot be retried: after a lost response, a second attempt would find the address taken.
COGNITO_CONFIG = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1}, tcp_keepalive=True)


def settings() -> Settings:
    return load()


@lru_cache
def secret(name: str) -> str:
    """The plain text of a secret setting; KMS decrypts it once per process. Raises UnavailableError.

    It is requested where a use case is built, so before that use case holds credits or spends money. A use case that
    must work without its secret (a balance, the end of a session) has the part that needs it `lazy`.
    """
    from ..providers.kms import PREFIX, Kms

    used = settings()
    plain: str = getattr(used, name)
    if plain.startswith(PREFIX):  # Validation has rejected plain text where it is not allowed.
        plain = Kms(client("kms"), APP_NAME, used.stage).decrypt(name.upper(), plain)
    for value in split_list(plain):
        register_secret_for_redaction(value)
    return plain


@lru_cache
def tables() -> Tables:
    used = settings()
    return Tables(client("dynamodb"), used.ledger_table, used.app_table)


@lru_cache
def cognito() -> "Cognito":
    from ..providers.cognito import Cognito

    used = settings()
    pool_client = client("cognito-idp", COGNITO_CONFIG)
    return Cognito(pool_client, used.cognito_user_pool_id, used.cognito_client_id, secret("cognito_client_secret"))


@lru_cache
def verifier() -> TokenVerifier:
    used = settings()
    packaged = JWKS_DIRECTORY / f"{used.cognito_user_pool_id}.json"
    keys = json.loads(packaged.read_text()) if packaged.is_file() else None
    return TokenVerifier(used.issuer, used.cognito_client_id, lambda: _fetch_keys(used.jwks_url), _now, keys)


@lru_cache
def administrators() -> Administrators:
    return Administrators(lambda user_id: cognito().groups(user_id), _now)


@lru_cache
def queue() -> "Queue":
    from ..providers.queue import Queue

    return Queue(client("sqs"), settings().jobs_queue_url)


@lru_cache
def upload_files() -> "UploadFiles":
    from ..providers.files import UploadFiles

    return UploadFiles(bucket_client(), settings().upload_bucket)


@lru_cache
def export_files() -> "ExportFiles":
    from ..providers.files import ExportFiles

    return ExportFiles(bucket_client(), settings().upload_bucket)


@lru_cache
def bucket_client() -> Any:
    return client("s3", AWS_CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"})))


def client(service: Any, config: Config = AWS_CONFIG) -> Any:
    """A new boto3 client whose calls are counted in the request's log line."""
    made = boto3.client(service, region_name=settings().aws_default_region, config=config)
    count_aws_calls(made)
    return made


def _fetch_keys(url: str) -> Any:
    import requests

    try:
        response = requests.get(url, timeout=JWKS_TIMEOUT_SECONDS, allow_redirects=False)
        response.raise_for_status()
        return response.json()
    except (requests.RequestException, ValueError) as error:
        raise UnavailableError("The sign-in service's keys could not be fetched. Retry the request.") from error


def _now() -> int:
    return int(time.time())
