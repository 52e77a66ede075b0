"""Builds the AWS clients and what needs nothing else: secrets, tables, user pool, queue, files.

Everything is built once per process and only when it is first needed.
"""

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import certifi

from ..errors import UnavailableError
from ..lazy import lazy
from ..logs.redaction import register_secret_for_redaction
from ..logs.request_facts import count_aws_call, count_aws_calls
from ..providers.administrators import Administrators
from ..providers.aws_signature import Credentials
from ..providers.id_tokens import TokenVerifier
from ..repositories.table import Tables
from ..settings import aws_environment
from ..settings.load import load
from ..settings.provider_registry import split_list
from ..settings.schema import Settings

if TYPE_CHECKING:
    from ..providers.alarms import Alarms
    from ..providers.cognito import Cognito
    from ..providers.files import ExportFiles, UploadFiles
    from ..providers.queue import DeadLetters, Queue

JWKS_DIRECTORY = Path(__file__).parents[1] / "jwks"
JWKS_TIMEOUT_SECONDS = (1, 3)
APP_NAME = "live-transcription"


class CallLimits(NamedTuple):
    """How long a call to AWS may take, and how often it is tried."""

    connect_seconds: int
    read_seconds: int
    attempts: int


# A service in the same region responds in milliseconds; waiting longer only uses up the gateway's 29 s.
AWS_LIMITS = CallLimits(connect_seconds=1, read_seconds=3, attempts=3)
# Registration cannot be retried: after a lost response, a second attempt would find the address taken.
COGNITO_LIMITS = CallLimits(connect_seconds=1, read_seconds=8, attempts=1)

# Many sources are read for one answer: one that is out may not use up the gateway's 29 s.
HEALTH_LIMITS = CallLimits(connect_seconds=1, read_seconds=3, attempts=1)


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
    pool_client = client("cognito-idp", COGNITO_LIMITS)
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
def dead_letters() -> "DeadLetters":
    from ..providers.queue import DeadLetters

    return DeadLetters(client("sqs", HEALTH_LIMITS), settings().jobs_queue_url)


@lru_cache
def alarms() -> "Alarms":
    from ..providers.alarms import Alarms

    return Alarms(lazy(lambda: client("cloudwatch", HEALTH_LIMITS)), f"{APP_NAME}-{settings().stage}-")


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
    return sdk_client("s3", signature_version="s3v4", s3={"addressing_style": "path"})


def client(service: str, limits: CallLimits = AWS_LIMITS) -> Any:
    """A new client with the surface of boto3's, whose calls are counted in the request's log line."""
    used = settings()
    if used.aws_client == "boto3" or aws_environment.is_sdk_needed():
        return sdk_client(service, limits)
    from ..providers.aws_connection import Connections
    from ..providers.aws_json import SERVICES, AwsJsonClient

    if service not in SERVICES:
        return sdk_client(service, limits)

    endpoint_url = aws_environment.endpoint_url(service, used.aws_default_region)
    return AwsJsonClient(
        service_name=service,
        region=used.aws_default_region,
        connections=Connections(
            endpoint_url, limits.connect_seconds, limits.read_seconds, aws_environment.ca_bundle() or certifi.where()
        ),
        credentials=_credentials,
        attempts=limits.attempts,
        on_call=count_aws_call,
        sdk=lru_cache(lambda: sdk_client(service, limits)),
        trace_id=aws_environment.trace_id,
    )


def sdk_client(service: str, limits: CallLimits = AWS_LIMITS, **options: Any) -> Any:
    """A new boto3 client whose calls are counted in the request's log line. Importing boto3 takes a while."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=limits.connect_seconds,
        read_timeout=limits.read_seconds,
        retries={"mode": "standard", "total_max_attempts": limits.attempts},
        tcp_keepalive=True,
        **options,
    )
    make: Any = boto3.client
    made = make(service, region_name=settings().aws_default_region, config=config)
    count_aws_calls(made)
    return made


def _credentials() -> Credentials:
    """Those of the environment, or of the SDK's chain, which renews them before they end."""
    if (key := aws_environment.access_key()) is not None:
        return Credentials(*key)
    from botocore.exceptions import NoCredentialsError

    found = _credential_chain()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token or "")


@lru_cache
def _credential_chain() -> Any:
    import botocore.session

    return botocore.session.get_session().get_credentials()


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
