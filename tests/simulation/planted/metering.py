"""Faults in live sessions: their leases, allowances, chunks and prices."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a renewal that leaves the earlier lease open": PlantedFault(
        "streaming/service.py", "if snapshot.session.state is SessionState.LAPSED:", "if True:"
    ),
    "a second token for a running lease": PlantedFault(
        "streaming/service.py",
        "return self.leases.repeat_start(earlier, body_hash)",
        "return self.leases.issue(session_from(earlier), available, is_buyer=balance.is_buyer)",
    ),
    "a session updated whatever happened to it meanwhile": PlantedFault(
        "repositories/sessions.py", "put_in=changes, drop=dropped, when=is_unchanged)", "put_in=changes, drop=dropped)"
    ),
    "a lease that is rounded up by itself": PlantedFault(
        "streaming/lease_rules.py",
        "credits=load(session.price_version).live_credits(done_ms) - session.charged,",
        "credits=load(session.price_version).live_credits(done_ms - session.settled_ms),",
    ),
    "a price that changes in the middle of a session": PlantedFault(
        "streaming/lease_rules.py",
        "credits=load(session.price_version).live_credits(done_ms) - session.charged,",
        "credits=prices.live_credits(done_ms) - session.charged,",
    ),
    "an allowance that is never used up": PlantedFault(
        "streaming/session_records.py", "if ending.returned_seconds == 0:", "if ending.returned_seconds >= 0:"
    ),
    "a sweep a minute after the start of a lease": PlantedFault(
        "streaming/lease_rules.py",
        "sweep_at = session.lease_expires_at + self.sweep_grace_seconds",
        "sweep_at = session.lease_started_at + self.sweep_grace_seconds",
    ),
    "a sweep without its minute of grace": PlantedFault(
        "streaming/lease_rules.py", "sweep_grace_seconds: int = 60", "sweep_grace_seconds: int = 0"
    ),
    "a chunk that is not reserved inside its lease": PlantedFault(
        "repositories/sessions.py", '& Attr("free_ms").gte(needed_ms)', '& Attr("free_ms").exists()'
    ),
    "a chunk that is billed twice": PlantedFault(
        "repositories/sessions.py", '"done_ms": chunk.billed_ms,', '"done_ms": 2 * chunk.billed_ms,'
    ),
}
