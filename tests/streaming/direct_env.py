"""A backend whose live provider is a fake that remembers its tickets."""

from dataclasses import dataclass

from chalicelib import contract
from chalicelib.models.accounts import Caller
from tests.fakes import Backend, Clock, FakeLive


@dataclass(frozen=True)
class StreamingEnv:
    """The use cases, the clock, and the provider that hands out tickets."""

    backend: Backend
    provider: FakeLive
    clock: Clock

    def start(self, caller: Caller, session_id: str | None = None, **body: object) -> contract.Lease:
        return self.backend.start(caller, session_id, transport="direct", **body)

    def renew(self, caller: Caller, lease: contract.Lease, interrupted: bool = False) -> contract.Lease:
        return self.backend.streaming.renew(caller, lease.session_id, interrupted)

    def stop(self, caller: Caller, lease: contract.Lease) -> contract.Stopped:
        return self.backend.streaming.stop(caller, lease.session_id)

    def save(self, caller: Caller, lease: contract.Lease, *segments: tuple[int, int, int, str]) -> contract.Saved:
        return self.backend.streaming.save(
            caller,
            lease.session_id,
            [
                contract.SegmentInput(seq=seq, start_ms=start_ms, end_ms=end_ms, text=text)
                for seq, start_ms, end_ms, text in segments
            ],
        )

    def get_covered_intervals(self, caller: Caller, lease: contract.Lease) -> tuple[tuple[int, int], ...]:
        """The intervals of the transcript that the session's leases covered, as the history shows them."""
        lines, _ = self.backend.transcripts.page(caller.user_id, 100, None)
        return next(line.covered_ms for line in lines if line.session_id == lease.session_id)

    def available(self, caller: Caller) -> int:
        self.backend.check_invariants(caller.user_id)
        return self.backend.ledger.balance(caller.user_id).available

    def sweep_everything(self) -> None:
        """Past every lease's end and grace."""
        self.clock.forward(20_000)
        self.backend.streaming.sweep()
