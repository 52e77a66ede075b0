"""Uses are held against their prices: each live session is rounded up by itself, over all of its leases."""

import pytest

from chalicelib.models.accounts import Caller
from tests.audit.audit_env import AuditEnv
from tests.fakes import Clock

SESSION = "the-session"


def listen(audit_env: AuditEnv, clock: Clock, caller: Caller, seconds: list[int], transport: str) -> str:
    """A session of leases that were used for so long; the id of its transcript."""
    backend = audit_env.backend
    lease = backend.start(caller, SESSION, transport=transport, lease_seconds=60)
    for number, used in enumerate(seconds):
        if number:
            backend.streaming.renew(caller, SESSION, interrupted=True)
        if transport == "relay":
            backend.send(caller, SESSION, number, seconds=used)
        clock.forward(used)
    backend.streaming.stop(caller, SESSION)
    return lease.transcript_id


@pytest.mark.parametrize("transport", ["relay", "direct"])
@pytest.mark.parametrize(
    "sessions",
    [
        [[7], [7]],
        [[7], [7], [7]],
        [[7, 7], [7]],
        [[1], [59, 1]],
        [[7], [7, 7, 7], [13]],
    ],
    ids=str,
)
def test_sessions_with_the_id_of_a_deleted_one_are_no_finding(
    audit_env: AuditEnv, clock: Clock, sessions: list[list[int]], transport: str
) -> None:
    caller = audit_env.backend.person()
    for seconds in sessions:
        transcript_id = listen(audit_env, clock, caller, seconds, transport)
        audit_env.backend.history.delete(caller, transcript_id)

    used = [entry for entry in audit_env.backend.entries(caller.user_id) if entry.kind == "usage"]
    assert {entry.reference for entry in used} == {SESSION}
    assert len({entry.hold_id.rpartition(":")[0] for entry in used}) == len(sessions)
    assert audit_env.find_problems() == []
