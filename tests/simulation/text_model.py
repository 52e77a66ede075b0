"""OpenAI's text model, in memory: summaries and answers, now and then useless or refused."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import ProviderDeniedError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.models.catchup import TextAnswer
from chalicelib.models.text_tasks import TextTask
from chalicelib.pricing.price_table import TextBudget
from tests.default_prices import PRICES
from tests.simulation.books import Item, block_texts, number, text
from tests.simulation.engine import APP, stored_items
from tests.simulation.faults import MINUTE_MS
from tests.simulation.jobs_watch import covering_hold, is_late, service_of, stored_job
from tests.simulation.provider_prices import text_cost
from tests.simulation.provider_work import Work, WorkLog
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

MODEL = "openai/gpt-6-luna"
CALL_BYTES = 180_000  # of lines, in one call
LINE_BYTES = 200  # of a line, at most, besides its text
SLACK_BYTES = 2_000  # what a task's data has besides the lines: a title or a question, and names
USELESS, REFUSED = 0.05, 0.03


@dataclass
class TextModel:
    """The provider. `calls`: job or question → answers that cost money, but for those of workers that came late.

    `log`: all that it did, whether or not its answer arrived.
    """

    simulation: "Simulation"
    log: WorkLog
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, task: TextTask) -> TextAnswer:
        answer, work = self.simulation.call_provider("text model", lambda: self._answer(task))
        self.log.receive(work)
        return answer

    def _answer(self, task: TextTask) -> tuple[TextAnswer, Work]:
        simulation, rng = self.simulation, self.simulation.rng
        if simulation.faults.happens_in_profile(REFUSED):
            kind = rng.choice([ProviderUnavailableError, ProviderRefusedError, ProviderDeniedError])
            raise kind("OpenAI rejected the request.")
        process = simulation.scheduler.running
        user_id = process.account
        if task.name == "transcript_answer":
            self._check_question(user_id, process.subject, task)
        else:
            user_id = self._check_summary(process.subject, task)
        written = f"written-{rng.getrandbits(40):010x}"
        simulation.memory.personal[user_id].append(written)
        fields = self._fields(task.name, written)
        sent, received = len(task.data.encode()) // 3, 1 + rng.randrange(task.output_tokens)
        cost = text_cost(MODEL, sent, received)
        work = Work(process.subject, MODEL, cost, input_tokens=sent, output_tokens=received)
        self.log.performed.append(work)
        return TextAnswer(fields, MODEL, sent, received), work

    def _fields(self, name: str, written: str) -> dict[str, object]:
        rng = self.simulation.rng
        if self.simulation.faults.happens_in_profile(USELESS):
            return rng.choice([{}, {"summary": ["no text"]}, {"answered": "perhaps"}])
        if name == "transcript_answer":
            return {"answered": rng.random() < 0.8, "answer": written, "quotes": [{"line": rng.randrange(4)}]}
        return {"summary": written, "key_moments": [{"line": rng.randrange(4), "title": written}]}

    def _check_question(self, user_id: str, question_id: str, task: TextTask) -> None:
        """An open hold of the attempt pays for the answer. Raises ViolationError."""
        question = stored_items(APP, f"USER#{user_id}").get(f"QUESTION#{question_id}", {})
        hold_id = f"ask:{question_id}:{text(question, 'attempt')}"
        hold = self.simulation.observer.books.open_holds(user_id, "ask").get(hold_id)
        if hold is None or hold.credits < PRICES.services["ask"].credits:
            raise ViolationError(f"the question {question_id} was answered without a hold that covers it: {hold}")
        self._check_size("ask", task, 0)

    def _check_summary(self, job_id: str, task: TextTask) -> str:
        """The hold of the job pays for the summary, and for so many tries. Raises ViolationError."""
        user_id = covering_hold(self.simulation, job_id)
        job = stored_job(job_id)
        if is_late(self.simulation, job_id) or job is None:
            return user_id
        self._check_size(service_of(job), task, number(job, "to_ms") - number(job, "from_ms"))
        self.calls[job_id] += 1
        tries = _budget_of(service_of(job)).tries
        if self.calls[job_id] > tries and self.calls[job_id] > tries * _most_calls(job):
            raise ViolationError(f"the catch-up {job_id} was summarised {self.calls[job_id]} times")
        return user_id

    def _check_size(self, service: str, task: TextTask, milliseconds: int) -> None:
        budget, size = _budget_of(service), len(task.data.encode())
        started_minutes = -(-milliseconds // MINUTE_MS)
        paid_bytes = budget.input_bytes + budget.input_bytes_per_minute * started_minutes
        if size > min(paid_bytes, CALL_BYTES) + SLACK_BYTES or task.output_tokens > budget.output_tokens:
            raise ViolationError(f"{size} bytes and {task.output_tokens} tokens of {service} for {milliseconds} ms")


def _budget_of(service: str) -> TextBudget:
    """What the price file says of the text that a service pays for; its formulas are not used."""
    budget = PRICES.services[service].text
    assert budget is not None
    return budget


def _most_calls(job: Item) -> int:
    """The calls of one try: two neighbouring parts exceed one call, and one more reads the results of all parts."""
    prefix = f"SEGMENT#{text(job, 'transcript_id')}#S#"
    size = 0
    for sk, block in stored_items(APP, f"USER#{text(job, 'user_id')}").items():
        if sk.startswith(prefix):
            size += sum(len(words.encode()) + LINE_BYTES for words in block_texts(block))
    return 1 if size <= CALL_BYTES else 2 * size // CALL_BYTES + 2
