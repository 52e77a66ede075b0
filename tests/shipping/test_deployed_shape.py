"""Timeouts and memory of the deployed functions, read from `.chalice/`."""

import json
import re
from pathlib import Path

import pytest
from chalice.config import Config

from chalicelib.audit.reader import AuditRules
from chalicelib.catchup.job_rules import JobRules
from chalicelib.settings.provider_registry import LONGEST_JOB_CALL_SECONDS
from chalicelib.wiring.aws import AWS_LIMITS

CHALICE = Path(__file__).parents[2] / ".chalice"
LONGEST_LAMBDA_SECONDS = 900
SWEEP_EVERY_SECONDS = 60


def settings_of(stage: str, function: str) -> Config:
    config = Config(chalice_stage=stage, config_from_disk=json.loads((CHALICE / "config.json").read_text()))
    return config.scope(stage, function)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_worker_has_time_for_a_long_summary_and_the_queue_waits(stage: str) -> None:
    timeout = settings_of(stage, "work").lambda_timeout
    (visibility_timeout,) = re.findall(r"VisibilityTimeout: (\d+)", (CHALICE / "resources.yaml").read_text())

    assert timeout == LONGEST_LAMBDA_SECONDS
    assert timeout > JobRules().claim_seconds
    assert int(visibility_timeout) >= timeout  # AWS requires it; otherwise a message would be delivered twice


def test_a_claim_is_longer_than_any_write_and_call_but_ends_before_the_next_sweep() -> None:
    """It starts before the write that records it; the provider is called afterwards."""
    rules, limits = JobRules(), AWS_LIMITS
    pauses = sum(2**n for n in range(limits.attempts - 1))  # the SDK's standard mode
    slowest_write = limits.attempts * (limits.connect_seconds + limits.read_seconds) + pauses

    assert slowest_write + LONGEST_JOB_CALL_SECONDS <= rules.claim_seconds < SWEEP_EVERY_SECONDS
    assert rules.recheck_seconds < SWEEP_EVERY_SECONDS - 5  # schedules are late by seconds


def test_an_audit_page_fits_its_claim_and_the_claim_the_worker_timeout() -> None:
    rules = AuditRules()

    assert 2 * rules.page_seconds < rules.claim_seconds < LONGEST_LAMBDA_SECONDS < rules.stalled_seconds
    assert rules.daily_seconds < 24 * 3_600


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_only_background_functions_may_exceed_the_gateway_timeout(stage: str) -> None:
    assert settings_of(stage, "api_handler").lambda_timeout == 29
    assert settings_of(stage, "sweep").lambda_timeout == 300


def test_the_worker_has_memory_for_the_longest_recording() -> None:
    """64 MB of JSON need nine times as much memory as Python objects; the other functions read little."""
    assert settings_of("prod", "work").lambda_memory_size == 1_024
    assert settings_of("prod", "api_handler").lambda_memory_size == 512
