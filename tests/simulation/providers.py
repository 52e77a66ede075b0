"""What is outside of the backend, in memory: live and relay providers. Others have files of their own.

They take effect and then may fail to say so, as `Simulation.call_provider` decides. Who costs money asks the
books, at the moment it is called, for an open hold that covers the worst case.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.models.audio import Audio
from chalicelib.models.sessions import LiveOptions, SocketCredential
from chalicelib.models.transcripts import Recognition, Word
from tests.simulation.books import HoldState, number, text
from tests.simulation.engine import APP, stored_items
from tests.simulation.files import Exports, Uploads
from tests.simulation.job_queue import Queue
from tests.simulation.price_lists import price
from tests.simulation.provider_prices import audio_cost
from tests.simulation.provider_work import Work, WorkLog
from tests.simulation.recordings import Recordings
from tests.simulation.scheduler import Process, ViolationError
from tests.simulation.text_model import TextModel

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

TOKEN_SECONDS, MAX_SOCKET_SECONDS = 60, 10_800


def live_credits(session: dict[str, Any], milliseconds: int) -> int:
    """The price of so much live time in a stored session, at the prices with which it began."""
    return price(text(session, "price_version"), "live", milliseconds)


def billed_ms(chunk_ms: int) -> int:
    """What a chunk of this length is billed as."""
    return max(chunk_ms, 1_000)


@dataclass
class LiveProvider:
    """A provider of direct sockets. `holds`: token → the hold that pays for its socket; `seconds`: hold → its length.

    `received`: hold → the tokens that clients got; `uncovered`: tokens that were created when their hold had ended, or
    when another try of the same request had its token. Such a token costs nothing as long as no client gets it.
    """

    simulation: "Simulation"
    name: str
    model: str
    holds: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)
    received: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    uncovered: set[str] = field(default_factory=set)

    def supports_language(self, language: str) -> bool:
        return language in ("", "en", "de")

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        return self.simulation.call_provider(f"{self.name} token", lambda: self._create(lease_seconds))

    def _create(self, lease_seconds: int) -> SocketCredential:
        simulation = self.simulation
        hold_id = self._covering_hold(simulation.scheduler.running, lease_seconds)
        token = f"token-{simulation.rng.getrandbits(64):016x}"
        if hold_id:
            self.holds[token] = hold_id
            self.seconds[hold_id] = lease_seconds
        else:
            self.uncovered.add(token)
        return SocketCredential(
            self.name,
            self.model,
            "wss://live.example/v3/ws",
            token,
            simulation.now + TOKEN_SECONDS,
            MAX_SOCKET_SECONDS,
        )

    def _covering_hold(self, process: Process, lease_seconds: int) -> str:
        """The open hold of the opening lease; empty where that was ended, or got its token, since the process began.

        Raises ViolationError for a lease that was not opening then, and for a hold that does not cover all of the
        socket.
        """
        session, hold_id, hold = stored_lease(self.simulation, process)
        if session is None or hold is None:
            return ""
        if text(session, "state") == "opening":
            worst_case = live_credits(session, number(session, "done_ms") + lease_seconds * 1000)
            if hold.credits >= worst_case - number(session, "charged"):
                return hold_id
        elif self.simulation.observer.sessions.was_opening(process.account, process.subject, process.started_ms):
            return ""
        raise ViolationError(
            f"a token for {lease_seconds} s of {process.subject} without a hold that covers it: {hold}"
        )

    def receive(self, token: str) -> None:
        """A client got this token. Raises ViolationError for one that no hold pays for, or that another one shares."""
        if token in self.uncovered:
            raise ViolationError(f"a client got the token {token}, which no hold pays for")
        if token in self.holds:
            tokens = self.received[self.holds[token]]
            tokens.add(token)
            if len(tokens) > 1:
                raise ViolationError(f"two clients' tokens on the hold {self.holds[token]}")


@dataclass
class Recogniser:
    """A provider of relayed audio. `log`: what it did, whether or not its answer arrived."""

    simulation: "Simulation"
    log: WorkLog
    model: str = "assemblyai/sync-universal-3-5-pro"
    shortest_ms: int = 80

    def recognise(self, audio: Audio, language: str) -> Recognition:
        work = Work(
            self.simulation.scheduler.running.subject,
            self.model,
            audio_cost(self.model, audio.duration_ms),
            audio_ms=audio.duration_ms,
        )
        recognition = self.simulation.call_provider("recognise", lambda: self._recognise(audio, work))
        self.log.receive(work)
        return recognition

    def _recognise(self, audio: Audio, work: Work) -> Recognition:
        if not self._is_covered(audio):
            raise ViolationError(f"{audio.duration_ms} ms of audio without a hold that covers it")
        self.log.performed.append(work)
        words = f"words {audio.fingerprint[:8]}"
        return Recognition(words, self.model, (Word(words, 0, audio.duration_ms, 0.9),))

    def _is_covered(self, audio: Audio) -> bool:
        """Whether the session has reserved such a chunk inside of what its open hold covers."""
        session, _, hold = stored_lease(self.simulation, self.simulation.scheduler.running)
        if session is None or hold is None or text(session, "transport") != "relay":
            return False
        reserved = [int(chunk["L"][0]["N"]) for chunk in session["inflight"]["M"].values()]
        billed = number(session, "done_ms") + sum(map(billed_ms, reserved))
        worst_case = live_credits(session, billed) - number(session, "charged")
        return audio.duration_ms in reserved and worst_case <= hold.credits


def stored_lease(simulation: "Simulation", process: Process) -> tuple[dict[str, Any] | None, str, HoldState | None]:
    """The session that the process is about, and the open hold of its current lease, as stored."""
    session = stored_items(APP, f"USER#{process.account}").get(f"SESSION#{process.subject}")
    if session is None:
        return None, "", None
    hold_id = f"{text(session, 'transcript_id')}:{number(session, 'lease_number')}"
    return session, hold_id, simulation.observer.books.open_holds(process.account, "stream").get(hold_id)


class Providers:
    """All of them."""

    def __init__(self, simulation: "Simulation"):
        from tests.simulation.stripe import Stripe
        from tests.simulation.user_pool import UserPool

        self.live = (
            LiveProvider(simulation, "assemblyai", "assemblyai/universal-streaming-english"),
            LiveProvider(simulation, "openai", "openai/gpt-live-transcribe"),
        )
        self.recogniser = Recogniser(simulation, WorkLog(simulation, frozen=0.04))
        self.recognisers = (self.recogniser,)
        self.user_pool = UserPool(simulation)
        self.queue = Queue(simulation)
        self.uploads = Uploads(simulation)
        self.exports = Exports(simulation)
        self.recordings = Recordings(simulation)
        self.text = TextModel(simulation, WorkLog(simulation, frozen=0.15))
        self._simulation = simulation
        self.stripe = Stripe(simulation)

    def note_claim(self, worker: str) -> str:
        """Remember what the running process claims its job as."""
        self._simulation.scheduler.running.claim = worker
        return worker
