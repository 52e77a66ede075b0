"""Builds the use cases, once per process and only when first needed: a cold start pays for what it uses."""

import json
import time
import uuid
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from . import pricing
from .account import Accounts
from .billing import Billing
from .config import Settings, load
from .errors import UnavailableError
from .history import History
from .ids import ulid
from .leases import LeaseRules
from .leasing import Leasing, LiveProvider
from .providers.cognito import Cognito
from .relay import Relay
from .repositories.ledger import Ledger
from .repositories.table import Tables
from .repositories.transcripts import Transcripts
from .streaming import Streaming
from .telemetry import count_aws_calls
from .tokens import TokenVerifier

JWKS_DIRECTORY = Path(__file__).parent / "jwks"
# A Lambda in the same region answers in milliseconds; waiting longer only fills the gateway's 29 s.
AWS_CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}, tcp_keepalive=True
)
# Signing up is not repeatable: a second try after a lost answer would find the address taken.
COGNITO_CONFIG = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1}, tcp_keepalive=True)
JWKS_TIMEOUT_SECONDS = (1, 3)


def now() -> int:
    return int(time.time())


def new_id() -> str:
    return str(uuid.uuid4())


def new_ulid() -> str:
    return ulid(time.time_ns() // 1_000_000)


def settings() -> Settings:
    return load()


@lru_cache
def accounts() -> Accounts:
    used = settings()
    client = _client("cognito-idp", COGNITO_CONFIG)
    return Accounts(
        cognito=Cognito(client, used.cognito_user_pool_id, used.cognito_client_id, used.cognito_client_secret),
        verifier=verifier(),
        ledger=ledger(),
        tables=tables(),
        free_credits=used.free_credits,
        identity_key=used.identity_hmac_key,
        is_verification_on=used.email_verification == "on",
        now=now,
        pause=time.sleep,
    )


@lru_cache
def streaming() -> Streaming:
    used = settings()
    return Streaming(
        ledger=ledger(),
        tables=tables(),
        prices=pricing.load(used.price_version),
        rules=lease_rules(),
        leasing=Leasing(ledger(), tables(), lease_rules(), live_providers(), now),
        relay_provider="assemblyai",
        now=now,
        new_ulid=new_ulid,
    )


@lru_cache
def live_providers() -> Sequence[LiveProvider]:
    from .providers.live import AssemblyAILive, OpenAILive
    from .providers.transport import Session, Transport

    used = settings()
    first = Transport(Session(), "AssemblyAI", used.token_timeout_seconds)
    second = Transport(Session(), "OpenAI", used.token_timeout_seconds)
    known: dict[str, LiveProvider] = {
        "assemblyai": AssemblyAILive(first, used.assemblyai_streaming_base_url, used.assemblyai_api_key, now),
        "openai": OpenAILive(
            second,
            used.openai_base_url,
            used.openai_api_key,
            used.openai_live_model,
            longest_lease_seconds=used.openai_live_lease_seconds,
        ),
    }
    return [known[name] for name in used.live_provider_names]


@lru_cache
def relay() -> Relay:
    from .providers.assemblyai import AssemblyAISync
    from .providers.openai import OpenAITranscription
    from .providers.transport import Session, Transport

    used = settings()
    first = Transport(Session(), "AssemblyAI", used.assemblyai_timeout_seconds)
    fallback = Transport(Session(), "OpenAI", used.openai_timeout_seconds)
    assemblyai = AssemblyAISync(
        first, used.assemblyai_sync_base_url, used.assemblyai_api_key, used.assemblyai_sync_model
    )
    openai = OpenAITranscription(fallback, used.openai_base_url, used.openai_api_key, used.openai_transcription_model)
    return Relay(
        ledger=ledger(),
        tables=tables(),
        recognisers=(assemblyai, openai) if used.openai_api_key else (assemblyai,),
        prices=pricing.load(used.price_version),
        stale_after_seconds=lease_rules().chunk_stale_after_seconds,
        now=now,
        new_id=new_id,
    )


@lru_cache
def history() -> History:
    return History(ledger(), Transcripts(tables()))


@lru_cache
def billing() -> Billing:
    return Billing(ledger())


@lru_cache
def lease_rules() -> LeaseRules:
    used = settings()
    return LeaseRules(
        default_seconds=used.lease_seconds,
        free_allowance_seconds=used.free_allowance_seconds,
        paid_allowance_seconds=used.paid_allowance_seconds,
    )


@lru_cache
def verifier() -> TokenVerifier:
    used = settings()
    packaged = JWKS_DIRECTORY / f"{used.cognito_user_pool_id}.json"
    keys = json.loads(packaged.read_text()) if packaged.is_file() else None
    return TokenVerifier(used.issuer, used.cognito_client_id, lambda: _fetched_keys(used.jwks_url), now, keys)


@lru_cache
def ledger() -> Ledger:
    return Ledger(tables())


@lru_cache
def tables() -> Tables:
    used = settings()
    return Tables(_client("dynamodb"), used.ledger_table, used.app_table)


def _client(service: Any, config: Config = AWS_CONFIG) -> Any:
    client = boto3.client(service, region_name=settings().aws_default_region, config=config)
    count_aws_calls(client)
    return client


def _fetched_keys(url: str) -> Any:
    import requests

    try:
        answer = requests.get(url, timeout=JWKS_TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UnavailableError("The sign-in service's keys cannot be had.") from error
