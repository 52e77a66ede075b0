"""What the functions are given when they are deployed, read from `.chalice/`."""

import json
import re
from pathlib import Path

import pytest
from chalice.config import Config

from chalicelib.audit.reader import AuditRules
from chalicelib.catchup.job_rules import JobRules
from chalicelib.settings.provider_registry import LONGEST_JOB_CALL_SECONDS
from chalicelib.wiring.aws import AWS_CONFIG

CHALICE = Path(__file__).parents[2] / ".chalice"
LONGEST_LAMBDA_SECONDS = 900
SWEEP_EVERY_SECONDS = 60


def settings_of(stage: str, function: str) -> Config:
    read = Config(chalice_stage=stage, config_from_disk=json.loads((CHALICE / "config.json").read_text()))
    return read.scope(stage, function)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_worker_has_time_for_a_long_summary_and_the_queue_waits_for_it(stage: str) -> None:
    timeout = settings_of(stage, "work").lambda_timeout
    (hidden,) = re.findall(r"VisibilityTimeout: (\d+)", (CHALICE / "resources.yaml").read_text())

    assert timeout == LONGEST_LAMBDA_SECONDS
    assert timeout > JobRules().claim_seconds
    assert int(hidden) >= timeout  # else AWS refuses to join them, and a message would come while it is worked on


def test_a_claim_outlasts_the_slowest_write_and_the_longest_call_but_not_the_time_to_the_next_sweep() -> None:
    """It is counted from before the write that says so; the provider is asked after it."""
    rules, (tries, waits) = JobRules(), (AWS_CONFIG.retries["total_max_attempts"], AWS_CONFIG)
    pauses = sum(2**n for n in range(tries - 1))  # the SDK's standard mode
    slowest_write = tries * (waits.connect_timeout + waits.read_timeout) + pauses

    assert slowest_write + LONGEST_JOB_CALL_SECONDS <= rules.claim_seconds < SWEEP_EVERY_SECONDS
    assert rules.recheck_seconds < SWEEP_EVERY_SECONDS - 5  # schedules are late by seconds


def test_a_page_of_an_audit_fits_into_its_claim_and_the_claim_into_the_workers_time() -> None:
    rules = AuditRules()

    assert 2 * rules.page_seconds < rules.claim_seconds < LONGEST_LAMBDA_SECONDS < rules.stalled_seconds
    assert rules.daily_seconds < 24 * 3_600


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_only_what_nobody_waits_for_may_take_longer_than_the_gateway_does(stage: str) -> None:
    assert settings_of(stage, "api_handler").lambda_timeout == 29
    assert settings_of(stage, "sweep").lambda_timeout == settings_of(stage, "erase").lambda_timeout == 300


def test_the_worker_holds_the_longest_recording_that_it_may_read() -> None:
    """64 MB of JSON take nine times as much once they are Python's; the other functions read little."""
    assert settings_of("prod", "work").lambda_memory_size == 1_024
    assert settings_of("prod", "api_handler").lambda_memory_size == 512
