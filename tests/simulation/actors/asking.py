"""People who ask about their transcripts: one answer and one charge for each key."""

from chalicelib import contract
from chalicelib.errors import AppError, IdempotencyMismatchError, NotFoundError
from tests.default_prices import PRICES
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.books import text
from tests.simulation.core import Simulation
from tests.simulation.engine import APP, stored_items
from tests.simulation.faults import HOUR_MS
from tests.simulation.jobs_watch import stored_job
from tests.simulation.memory import RequestedAnswer
from tests.simulation.scheduler import ViolationError

PRICE = PRICES.services["ask"].credits


class Asking:
    """One person who asks."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def ask(self) -> None:
        """Ask once, and perhaps again with the same key, at the same moment or later."""
        body = self._choose()
        if body is None:
            return
        person, rng = self.person, self.rng
        requested = RequestedAnswer(
            person, person.id_for("transcription/ask", person.key()), session_id=body.session_id or ""
        )
        self.simulation.memory.questions.append(requested)
        if rng.random() < 0.2:
            self.simulation.start_actor(f"{person.email} asks twice", lambda: self._try(requested, body))
        self._try(requested, body)
        if requested.answers and rng.random() < 0.3:
            self.simulation.think(rng.random() * HOUR_MS)
            self._try(requested, body)
            other = contract.Ask(
                question="Something else?", transcript_id=body.transcript_id, session_id=body.session_id
            )
            self._try(requested, other, is_other=True)

    def _choose(self) -> contract.Ask | None:
        question = f"question-{self.rng.getrandbits(40):010x}?"
        self.simulation.memory.personal[self.person.user_id].append(question)
        if self.rng.random() < 0.6:
            own = [session for reader, session in self.simulation.listened if reader is self.person]
            return contract.Ask(question=question, session_id=self.rng.choice(own[-5:]).session_id) if own else None
        jobs = [
            stored_job(catchup.job_id) for catchup in self.simulation.memory.catchups if catchup.person is self.person
        ]
        done = [job for job in jobs if job and text(job, "state") == "done"]
        return (
            contract.Ask(question=question, transcript_id=text(self.rng.choice(done), "transcript_id"))
            if done
            else None
        )

    def _try(self, requested: RequestedAnswer, body: contract.Ask, *, is_other: bool = False) -> None:
        person, question_id, hashed = self.person, requested.question_id, body_hash(body)
        try:
            answer = person.ask(
                "ask",
                lambda application: application.questions.ask(person.me, body, question_id, hashed),
                subject=question_id,
            )
        except (IdempotencyMismatchError, NotFoundError):
            return
        except (AppError, GaveUpError):
            return
        if is_other:
            raise ViolationError(f"the question {question_id} was answered for another body")
        first = requested.answers.setdefault(answer.transcript_id, answer)
        if answer.credits_used != PRICE or first != answer:
            raise ViolationError(f"the question {question_id} was answered {first}, then {answer}")


def check_questions(simulation: Simulation) -> None:
    """At rest: charged once where there is an answer, and else never; again for a session that was started again."""
    for requested in simulation.memory.questions:
        user_id, question_id = requested.person.user_id, requested.question_id
        charged = -simulation.observer.books.accounts[user_id].by_reference["usage", question_id]
        stored = stored_items(APP, f"USER#{user_id}").get(f"QUESTION#{question_id}", {})
        fewest = max(len(requested.answers), bool(text(stored, "answer")))
        most = 1 + simulation.memory.restarts[requested.session_id]
        if charged not in range(fewest * PRICE, most * PRICE + 1, PRICE):
            raise ViolationError(
                f"the question {question_id} of {user_id} cost {charged}: {requested.answers or stored}"
            )
        if stored and not text(stored, "answer"):
            raise ViolationError(f"the question {question_id} of {user_id} is neither answered nor gone")
