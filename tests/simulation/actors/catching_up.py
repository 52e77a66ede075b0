"""People who missed something: they catch up on uploads, public addresses and saved sessions, some of it twice."""

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, IdempotencyMismatchError, NotFoundError
from tests.simulation.actors.deletion_rules import DeletionRequest
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.books import number, text
from tests.simulation.core import Simulation
from tests.simulation.faults import DAY_MS, MINUTE_MS, SECOND_MS
from tests.simulation.jobs_watch import stored_job
from tests.simulation.memory import RequestedCatchup
from tests.simulation.price_lists import price
from tests.simulation.recordings import length_ms
from tests.simulation.scheduler import ViolationError

WEBHOOK_BASE = "https://api.example/prod"
URL_UNCHANGED_MS = DAY_MS - MINUTE_MS
SOURCES = ("upload", "address", "address", "session", "session")


class CatchingUp:
    """One person who wants a summary."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def catch_up(self) -> None:
        """One catch-up from its quote to its summary, unless the person gives up."""
        try:
            if body := self._choose():
                if self.rng.random() < 0.3:
                    self._check_quote(body)
                self._follow(body, self._start(body))
        except (AppError, GaveUpError):
            return

    # Sources

    def _choose(self) -> contract.Catchup | None:
        rng, person = self.rng, self.person
        about = {"title": f"title-{rng.getrandbits(40):010x}", "language": rng.choice(["", "en"])}
        self.simulation.memory.personal[person.user_id].append(about["title"])
        kind = rng.choice(SOURCES)
        if kind == "session":
            own = [session for reader, session in self.simulation.listened if reader is person]
            if not own:
                return None
            session_id = rng.choice(own[-5:]).session_id
            if rng.random() < 0.5:
                return contract.Catchup(session_id=session_id, minutes=rng.choice([1, 5, 600]), **about)
            return contract.Catchup(session_id=session_id, to_ms=rng.randrange(1, 20 * MINUTE_MS), **about)
        from_ms = rng.choice([0, 0, rng.randrange(5 * MINUTE_MS)])
        to_ms = None if rng.random() < 0.3 else from_ms + rng.randrange(1, 10 * MINUTE_MS)
        if kind == "address":
            url = f"https://talks.example.com/{rng.getrandbits(40):010x}.mp3"
            self.simulation.memory.personal[person.user_id].append(url)
            return contract.Catchup(audio_url=url, from_ms=from_ms, to_ms=to_ms, **about)
        upload = person.ask(
            "create upload",
            lambda application: application.catchups.create_upload(
                person.me, contract.NewUpload(content_type="audio/mpeg")
            ),
        )
        self.simulation.think(rng.choice([SECOND_MS, MINUTE_MS, 12 * MINUTE_MS]) * rng.random())
        self.simulation.providers.uploads.receive(person.user_id, upload.upload_id)
        return contract.Catchup(upload_id=upload.upload_id, from_ms=from_ms, to_ms=to_ms, **about)

    # Requests

    def _check_quote(self, body: contract.Catchup) -> None:
        person = self.person
        query = contract.Catchup(**{name: getattr(body, name) for name in body.__struct_fields__} | {"quote": True})
        quote = person.ask(
            "quote catch-up",
            lambda application: application.catchups.start(person.me, query, "quote", "quote", WEBHOOK_BASE),
        )
        service = "catchup_session" if body.session_id else "catchup"
        most = 0 if quote.job_id else price(quote.price_version, service, quote.to_ms - quote.from_ms)
        earlier_ids = {earlier.job_id for earlier in self.simulation.memory.catchups if earlier.person is person}
        if quote.credits != most or not {quote.job_id} <= earlier_ids | {""}:
            raise ViolationError(f"the price of {body} was said to be {quote}")

    def _start(self, body: contract.Catchup) -> RequestedCatchup:
        """Ask for it under a new key; perhaps once more, or with another body, under the same key."""
        person, memory = self.person, self.simulation.memory
        job_id = person.id_for("transcription/catchup", person.key())
        requested = RequestedCatchup(person, job_id, body)
        memory.catchups.append(requested)
        requested.job_id = self._request(body, job_id).job_id
        if requested.job_id != job_id:
            self._check_free(job_id, requested.job_id)
        elif self.rng.random() < 0.2:
            if (again := self._request(body, job_id).job_id) != job_id:
                raise ViolationError(f"the key of {job_id} was answered by {again}")
            other = contract.Catchup(audio_url="https://talks.example.com/other", to_ms=MINUTE_MS)
            try:
                self._request(other, job_id)
            except IdempotencyMismatchError:
                pass
            else:
                raise ViolationError(f"the key of {job_id} was answered for another body")
        return requested

    def _request(self, body: contract.Catchup, job_id: str) -> contract.CatchupJob:
        person, hashed = self.person, body_hash(body)
        return person.ask(
            "start catch-up",
            lambda application: application.catchups.start(person.me, body, job_id, hashed, WEBHOOK_BASE),
            subject=job_id,
        )

    def _check_free(self, job_id: str, earlier_id: str) -> None:
        """A request that was answered by an earlier job has held nothing."""
        holds = self.simulation.observer.books.accounts[self.person.user_id].holds
        if f"catchup:{job_id}" in holds:
            raise ViolationError(f"{job_id} was answered by {earlier_id} and held {holds[f'catchup:{job_id}']}")

    def _status(self, job_id: str) -> contract.CatchupJob:
        person = self.person
        return person.ask(
            "read catch-up", lambda application: application.catchups.get_status(person.me, job_id), subject=job_id
        )

    def _follow(self, body: contract.Catchup, requested: RequestedCatchup) -> None:
        """Wait for the summary; then request the same range once more, and perhaps delete the transcript."""
        rng = self.rng
        if body.session_id and rng.random() < 0.25:
            transcripts = {session.session_id: session.transcript_id for _, session in self.simulation.listened}
            self.delete_transcript(transcripts[body.session_id])
        for _ in range(rng.choice([1, 4, 8])):
            self.simulation.think(rng.random() * 3 * MINUTE_MS)
            status = self._status(requested.job_id)
            if status.status in ("done", "failed"):
                break
        else:
            return
        if status.status == "done":
            self._check_done(status)
            if rng.random() < 0.4:
                self._repeat(body, requested)
            if rng.random() < 0.2:
                self.delete_transcript(status.transcript_id)

    def _check_done(self, status: contract.CatchupJob) -> None:
        if not isinstance(status.summary, str) or not status.summary:
            raise ViolationError(f"a catch-up is done without a summary: {status}")

    def _repeat(self, body: contract.Catchup, requested: RequestedCatchup) -> None:
        """The same range of the same unchanged source is the same job, and free."""
        if body.session_id:  # Its words may have changed since.
            return
        self.simulation.think(self.rng.choice([SECOND_MS, 3 * MINUTE_MS, 2 * DAY_MS]) * self.rng.random())
        job_id = self.person.id_for("transcription/catchup", self.person.key())
        again = self._request(body, job_id)
        job = stored_job(requested.job_id)
        age_ms = self.simulation.scheduler.now_ms - (number(job, "created_at") * 1_000 if job else 0)
        is_unchanged = not body.audio_url or age_ms < URL_UNCHANGED_MS
        if is_unchanged and not requested.is_transcript_deleted and again.job_id != requested.job_id:
            raise ViolationError(f"the range of {requested.job_id} was sold again as {again.job_id}")

    def delete_transcript(self, transcript_id: str) -> None:
        """Delete a transcript, and with it every catch-up of it, unless one of them is running."""
        person = self.person
        catchups = [
            catchup
            for catchup in self.simulation.memory.catchups
            if (job := stored_job(catchup.job_id)) and text(job, "transcript_id") == transcript_id
        ]
        sessions = [
            session
            for reader, session in self.simulation.listened
            if reader is person and session.transcript_id == transcript_id and not session.is_deleted
        ]
        for catchup in catchups:
            catchup.is_transcript_deleted = True
        for session in sessions:
            session.is_deleted = True
        request = DeletionRequest.begin(self.simulation, transcript_id, sessions)
        try:
            person.ask("delete transcript", lambda application: application.history.delete(person.me, transcript_id))
            request.accept()
        except NotFoundError:
            pass
        except ConflictError as conflict:
            request.refuse(conflict)
            for catchup in catchups:
                catchup.is_transcript_deleted = False
            for session in sessions:
                session.is_deleted = False
            return
        for session in sessions:
            session.was_deleted = True


def check_catchups(simulation: Simulation) -> None:
    """At rest: what was done can be read, unless it was deleted; what costs nothing has booked nothing."""
    for requested in simulation.memory.catchups:
        job = stored_job(requested.job_id)
        if job is None or requested.person.has_left or requested.is_transcript_deleted:
            continue
        person, job_id = requested.person, requested.job_id
        status = person.ask(
            "read catch-up",
            lambda application, person=person, job_id=job_id: application.catchups.get_status(person.me, job_id),
            subject=job_id,
        )
        if status.status not in ("done", "failed"):
            raise ViolationError(f"the catch-up {job_id} has not ended: {status}")
        if status.status == "done":
            _check_words(simulation, requested, status)


def _check_words(simulation: Simulation, requested: RequestedCatchup, status: contract.CatchupJob) -> None:
    """The words of the range are in the transcript, and the summary with them."""
    person, transcript_id = requested.person, status.transcript_id
    found = person.ask(
        "read transcript", lambda application: application.history.get_transcript(person.me, transcript_id)
    )
    if status.job_id not in [summary.job_id for summary in found.summaries] and len(found.summaries) < 20:
        raise ViolationError(f"the summary of {status.job_id} is not in its transcript")
    if status.session_id:
        return
    order = next(
        ordered for ordered in simulation.providers.recordings.ordered.values() if ordered.job_id == status.job_id
    )
    has_words = status.from_ms < length_ms(order.order.audio_url)
    if has_words and not any(segment.text.startswith("spoken-") for segment in found.segments):
        raise ViolationError(f"the words of {status.job_id} are gone: {found}")
