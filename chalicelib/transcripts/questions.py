"""Questions about a transcript, answered from it alone, with the moments the answer rests on. A fixed price.

Hold, then the text model, then settle with the answer in one write. A process that dies between leaves a hold that the
sweep releases: nobody pays for an answer that was not kept.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from .. import contract
from ..errors import (
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.ledger import Charge, Hold, ModelUse
from ..models.transcripts import Question
from ..pricing.price_files import Prices
from ..providers.protocols import TextModel
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.questions import delete_question, put_answer, put_question, question_from, question_key
from ..repositories.sessions import session, session_key
from ..repositories.table import Item, ItemKey
from ..repositories.transcripts import Transcripts, transcript_key
from .prompts import ParsedAnswer, build_answer_task, parse_answer, select_passages

SERVICE = HOLD_KIND = "ask"
STALE_AFTER_SECONDS = 35  # above the gateway's 29 s: the process is gone
SWEEP_AFTER_SECONDS = 60
RETENTION_SECONDS = 86_400
OFF_RETRY_SECONDS = 3_600
NOT_IN_TRANSCRIPT = "The transcript does not answer this question."


@dataclass(frozen=True)
class Questions:
    """Answers questions about a user's own transcripts."""

    ledger: Ledger
    transcripts: Transcripts
    text: TextModel
    prices: Prices
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def ask(self, caller: Caller, body: contract.Ask, question_id: str, body_hash: str) -> contract.AskAnswer:
        """The answer, for the fixed price; also where the transcript does not say it.

        The same `question_id` within a day gets the same answer for nothing, if the body is the same. Raises
        InvalidRequestError, NotFoundError, ConflictError (no words yet, or the question is being answered),
        InsufficientCreditsError, IdempotencyMismatchError, ProviderError (nothing is charged then).
        """
        if not self.is_on:
            raise UnavailableError("No text model is set up here.", retry_after_seconds=OFF_RETRY_SECONDS)
        keys = [question_key(caller.user_id, question_id), _place(caller, body)]
        balance, (kept, place) = self.ledger.admit(caller, extra_keys=keys)
        transcript_id = _transcript_id(body, place)  # Before a kept answer: it is not told once the words are deleted.
        earlier = question_from(kept) if kept else None
        if earlier and self._is_standing(earlier, body_hash):
            return msgspec.json.decode(earlier.answer, type=contract.AskAnswer)
        if earlier and not earlier.answer:
            self._take_back(caller, earlier)
            return self.ask(caller, body, question_id, body_hash)
        price = self.prices.services[SERVICE].credits
        if balance.available < price:  # The hold would say so too, but only after a long transcript was read.
            raise self._unpaid(caller, keys[0], kept, InsufficientCreditsError(price, balance.available))
        said = self.transcripts.segments(caller.user_id, transcript_id)
        if not said:
            raise ConflictError("This transcript has no text yet. Save segments first.", "nothing_saved")

        now = self.now()
        asked = Question(question_id, self.new_id(), now, now + RETENTION_SECONDS, body_hash, transcript_id)
        hold = _hold(caller.user_id, asked, price)
        try:
            extra_writes = [put_question(caller.user_id, asked, earlier.attempt if earlier else None)]
            self.ledger.hold(caller, hold, at=now, extra_writes=extra_writes)
        except ExtraWriteRefusedError as refusal:
            raise _being_answered() from refusal
        except InsufficientCreditsError as refusal:
            raise self._unpaid(caller, keys[0], kept, refusal) from refusal

        budget = self.prices.text_budget(SERVICE)
        read = select_passages(said, body.question, budget.input_bytes - len(msgspec.json.encode(body.question)))
        try:
            told = self.text.answer(build_answer_task(read, body.question, budget.output_tokens))
            found = parse_answer(told.fields, read)
        except Exception:
            with suppress(HoldEndedError, ExtraWriteRefusedError, UnavailableError):  # Else the sweep does it.
                self._give_back(hold, asked.attempt)
            raise
        cost = self.prices.text_cost_micro_usd(told.model, told.input_tokens, told.output_tokens)
        use = ModelUse(told.model, 0, cost, told.input_tokens, told.output_tokens)
        charge = Charge(price, SERVICE, question_id, 0, self.prices.version, (use,))
        answer = _answer(found, transcript_id, price, balance.available - price, is_whole=read == said)
        try:
            extra_writes = [put_answer(caller.user_id, asked, msgspec.json.encode(answer).decode())]
            self.ledger.settle(hold, charge, at=self.now(), extra_writes=extra_writes)
        except (HoldEndedError, ExtraWriteRefusedError) as refusal:  # So slow that it was swept, or asked anew.
            raise UnavailableError("Answering took too long: ask again.") from refusal
        return answer

    def _unpaid(
        self, caller: Caller, key: ItemKey, kept: Item | None, refusal: InsufficientCreditsError
    ) -> InsufficientCreditsError | ConflictError:
        """What to say where credits are missing: the same question, asked at this moment, may have taken them."""
        is_unchanged = self.ledger.admit(caller, extra_keys=[key])[1] == [kept]
        return refusal if is_unchanged else _being_answered()

    def sweep(self) -> int:
        """Give back what questions hold whose process died; how many. Safe at any time, also beside itself."""
        ended, failures = 0, []
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind != HOLD_KIND:
                continue
            try:
                ended += self._swept(hold)
            except Exception as failure:  # noqa: BLE001 - one account that cannot be swept must not keep the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} questions could not be ended, {ended} were", failures)
        return ended

    def _swept(self, hold: Hold) -> bool:
        try:
            self._give_back(hold, hold.hold_id.rpartition(":")[2])
        except ExtraWriteRefusedError:  # The question itself is gone already.
            try:
                self.ledger.release(hold, at=self.now())
            except HoldEndedError:
                return False
        except HoldEndedError:
            return False
        return True

    def _take_back(self, caller: Caller, dead: Question) -> None:
        """Give back what a dead attempt holds, which may be all that the user has, so that it can be asked anew."""
        try:
            self._give_back(_hold(caller.user_id, dead, self.prices.services[SERVICE].credits), dead.attempt)
        except (
            HoldEndedError,
            ExtraWriteRefusedError,
        ) as refusal:  # Somebody else did at this moment, or the sweep has to.
            raise _being_answered() from refusal

    def _give_back(self, hold: Hold, attempt: str) -> None:
        extra_writes = [delete_question(hold.user_id, hold.reference, attempt)]
        self.ledger.release(hold, at=self.now(), extra_writes=extra_writes)

    def _is_standing(self, earlier: Question, body_hash: str) -> bool:
        """Whether the question has its answer. Raises where it may not be asked now, or not like this."""
        if earlier.expires_at <= self.now():
            return False
        if earlier.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
        if not earlier.answer and self.now() - earlier.asked_at < STALE_AFTER_SECONDS:
            raise _being_answered()
        return bool(earlier.answer)


def _hold(user_id: str, asked: Question, credits: int) -> Hold:
    """The hold of one attempt; known before it is taken."""
    hold_id = f"{HOLD_KIND}:{asked.question_id}:{asked.attempt}"
    return Hold(user_id, hold_id, credits, HOLD_KIND, asked.question_id, asked.asked_at + SWEEP_AFTER_SECONDS)


def _being_answered() -> ConflictError:
    return ConflictError("This question is being answered. Retry the request.", "still_running", retry_after_seconds=2)


def _place(caller: Caller, body: contract.Ask) -> ItemKey:
    """Where it stands which transcript is meant."""
    if (body.transcript_id is None) == (body.session_id is None):
        raise InvalidRequestError("Name a transcript_id or a session_id.", "transcript_id")
    if body.session_id is not None:
        return session_key(caller.user_id, body.session_id)
    return transcript_key(caller.user_id, body.transcript_id or "")


def _transcript_id(body: contract.Ask, place: Item | None) -> str:
    if body.session_id is not None:
        if place is None:
            raise NotFoundError("There is no such session.")
        return session(place).transcript_id
    if place is None or "started_at" not in place:
        raise NotFoundError("There is no such transcript.")
    return body.transcript_id or ""


def _answer(
    found: ParsedAnswer | None, transcript_id: str, used: int, available: int, *, is_whole: bool
) -> contract.AskAnswer:
    quotes = [contract.Quoted(s.start_ms, s.end_ms, s.text, s.speaker) for s in found.quotes] if found else []
    return contract.AskAnswer(
        answered=found is not None,
        answer=found.text if found else NOT_IN_TRANSCRIPT,
        quotes=quotes,
        transcript_id=transcript_id,
        credits_used=used,
        credits_available=available,
        is_whole=is_whole,
    )
