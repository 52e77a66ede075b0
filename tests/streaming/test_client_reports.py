"""What a client reports of its sockets at a stop is booked once, also where there is nothing to charge."""

import pytest

from chalicelib.credits.statement import explanation
from tests.streaming.direct_env import StreamingEnv


@pytest.mark.parametrize(
    ("later_seconds", "reported", "is_plausible"),
    [(1_000, 55, True), (1_000, 0, True), (1_000, 1_001, True), (1_000, 2_592_000, False), (86_000, 55, True)],
)
def test_what_a_client_reports_of_a_session_that_has_lapsed_is_booked_once(
    streaming_env: StreamingEnv, later_seconds: int, reported: int, is_plausible: bool
) -> None:
    backend = streaming_env.backend
    ada = backend.person(5_000)
    lease = streaming_env.start(ada, lease_seconds=60)
    streaming_env.clock.forward(later_seconds)
    assert backend.streaming.sweep() == 1
    before = backend.ledger.balance(ada.user_id)

    for _ in range(3):
        stopped = backend.streaming.stop(ada, lease.session_id, reported)

    used = [entry for entry in backend.entries(ada.user_id) if entry.kind == "usage"]
    report, lapsed = sorted(used, key=lambda entry: entry.audio_ms)
    assert (lapsed.audio_ms, stopped.billed_seconds, lapsed.reported_ms) == (60_000, 60, None)
    assert (report.credits, report.audio_ms, report.cost_micro_usd, report.hold_id) == (0, 0, 0, "")
    milliseconds = reported * 1_000
    booked = (report.reported_ms, report.reported_of_ms, report.implausible_ms)
    assert booked == ((milliseconds, 60_000, None) if is_plausible else (None, 0, milliseconds))
    assert explanation(report) == "What your client reported of a session that had ended; no credits used"
    after = backend.ledger.balance(ada.user_id)
    assert (after.available, after.held, after.used) == (before.available, before.held, before.used)
    backend.check_invariants(ada.user_id)


@pytest.mark.parametrize("transport", ["direct", "relay"])
@pytest.mark.parametrize("reported", [0, 1, 2_592_000, None])
def test_what_a_client_reports_of_a_session_without_audio_is_booked(
    streaming_env: StreamingEnv, transport: str, reported: int | None
) -> None:
    backend = streaming_env.backend
    ada = backend.person(200)
    lease = backend.start(ada, transport=transport)

    for _ in range(2):
        assert backend.streaming.stop(ada, lease.session_id, reported).credits_used == 0

    found = [
        (entry.credits, entry.reported_ms, entry.implausible_ms)
        for entry in backend.entries(ada.user_id)
        if entry.kind == "usage"
    ]
    is_plausible = reported is not None and reported < 2
    expected = (0, reported * 1_000, None) if is_plausible else (0, None, (reported or 0) * 1_000)
    assert found == ([] if reported is None else [expected])
    backend.check_invariants(ada.user_id)
