"""The chunks that a listener sends by relay, a new one or one of the last again."""

from chalicelib import contract
from chalicelib.models.audio import Audio
from tests.simulation.actors.held_session import HeldSession, Save
from tests.simulation.actors.person import Person
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.scheduler import ViolationError

SAMPLE_RATE = 100  # few bytes a second: nothing in the backend looks into the audio
LONGEST_CHUNK_MS = 30_000


def send_chunk(simulation: Simulation, person: Person, session: HeldSession) -> None:
    """Send a chunk; the same one has the same words whenever it is answered. Raises ViolationError, AppError."""
    rng = simulation.rng
    is_repeated = bool(session.sent) and rng.random() < 0.2
    seq = rng.choice(list(session.sent)) if is_repeated else len(session.sent)
    milliseconds = session.sent.setdefault(seq, rng.randrange(80, LONGEST_CHUNK_MS, 10))
    audio = Audio(bytes([seq % 256]) * (milliseconds * SAMPLE_RATE * 2 // 1_000), SAMPLE_RATE, 1)

    words = f"words {audio.fingerprint[:8]}"
    if not is_repeated:
        session.chunk_writes[seq] = Save(words, simulation.scheduler.now_ms, 0)
        session.saves[seq].append(session.chunk_writes[seq])

    def send(application: Application) -> contract.Chunk:
        chunk, _ = application.relay.chunk(person.me, session.session_id, seq, None, audio)
        return chunk

    chunk = person.ask("chunk", send, subject=session.session_id)
    if seq not in session.recognised:
        session.chunk_writes[seq].ended_ms = simulation.scheduler.now_ms
    found = session.recognised.setdefault(seq, (audio.duration_ms, chunk.text))
    if found != (chunk.duration_ms, chunk.text):
        raise ViolationError(f"chunk {seq} of {session.session_id} was {found}, and is now {chunk}")
