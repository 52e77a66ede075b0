"""Questions about a transcript, answered from it alone, with quotes of the moments that support the answer.

Hold the fixed price, call the text model, then settle and store the answer in one write. A process that dies in between
leaves a hold that the sweep releases: an answer that was not stored is not charged.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from .. import contract
from ..errors import (
    OFF_RETRY_SECONDS,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnusableAnswerError,
)
from ..models.accounts import Caller
from ..models.catchup import TextAnswer
from ..models.ledger import Charge, Hold, HoldKind, HoldState, ModelUse
from ..models.transcripts import Question
from ..pricing.price_files import Prices
from ..providers.protocols import TextModel
from ..repositories.bookings import retry_booking
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.questions import delete_question, put_answer, put_question, question_from, question_key
from ..repositories.sessions import session_from, session_key
from ..repositories.table import Item, ItemKey, Write
from ..repositories.transcripts import Transcripts, transcript_key
from .prompts import ParsedAnswer, build_answer_task, parse_answer, select_passages

SERVICE = "ask"
STALE_AFTER_SECONDS = 35  # more than the gateway's 29 s: the attempt's process has ended
SWEEP_AFTER_SECONDS = 60
RETENTION_SECONDS = 86_400
NOT_IN_TRANSCRIPT = "The transcript does not answer this question."


@dataclass(frozen=True)
class Questions:
    """Answers a user's questions about their own transcripts."""

    ledger: Ledger
    transcripts: Transcripts
    text: TextModel
    prices: Prices
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def ask(self, caller: Caller, body: contract.Ask, question_id: str, body_hash: str) -> contract.AskAnswer:
        """The answer, for the fixed price; also if it is that the transcript does not answer the question.

        The same `question_id` within a day returns the same answer for free, if the body is the same. Raises
        InvalidRequestError, NotFoundError, ConflictError (nothing is saved yet, or the question is being answered),
        InsufficientCreditsError, IdempotencyMismatchError, ProviderError (nothing is charged then).
        """
        if not self.is_on:
            message = "Questions are switched off on this server, because it has no text model."
            raise UnavailableError(message, retry_after_seconds=OFF_RETRY_SECONDS)
        keys = [question_key(caller.user_id, question_id), _source_key(caller, body)]
        balance, (question_item, source_item) = self.ledger.admit(caller, extra_keys=keys)
        # First, so that a deleted transcript's answer is not repeated.
        transcript_id = _transcript_id(body, source_item)
        earlier = question_from(question_item) if question_item else None
        if earlier and self._is_answered(earlier, transcript_id, body_hash):
            return msgspec.json.decode(earlier.answer, type=contract.AskAnswer)
        if earlier and not earlier.answer:
            self._release_stale_attempt(caller, earlier)
            return self.ask(caller, body, question_id, body_hash)
        price = self.prices.services[SERVICE].credits
        if balance.available < price:  # The hold would refuse it too, but only after a long transcript was read.
            refusal = InsufficientCreditsError(price, balance.available, balance.held)
            raise self._explain_refusal(caller, keys[0], question_item, refusal)
        segments = self.transcripts.segments(caller.user_id, transcript_id)
        if not segments:
            raise ConflictError("This transcript has no text yet. Save segments first.", "nothing_saved")

        now = self.now()
        question = Question(question_id, self.new_id(), now, now + RETENTION_SECONDS, body_hash, transcript_id)
        hold = self._hold_price(caller, question, price, question_item)
        budget = self.prices.text_budget(SERVICE)
        max_bytes = budget.input_bytes - len(msgspec.json.encode(body.question))
        passages = select_passages(segments, body.question, max_bytes)
        uses: tuple[ModelUse, ...] = ()
        try:
            response = self.text.answer(build_answer_task(passages, body.question, budget.output_tokens))
            uses = (self._use(response),)
            parsed = parse_answer(response.fields, passages)
        except Exception as error:
            if isinstance(error, UnusableAnswerError):
                uses = (self._use(error),)
            with suppress(UnavailableError):  # The sweep releases the hold.
                self._book_unsold(hold, uses, question.attempt)
            raise
        charge = Charge(price, SERVICE, question_id, 0, self.prices.version, uses)
        is_whole = passages == segments
        answer = _answer(parsed, transcript_id, price, balance.available - price, is_whole=is_whole)
        is_stored = False
        with suppress(ExtraWriteRefusedError):  # A later attempt replaced it.
            stored = put_answer(caller.user_id, question, msgspec.json.encode(answer).decode())
            is_stored = self._settle(hold, charge, [stored])
        if not is_stored:
            self._book_unsold(hold, uses, question.attempt)
            raise UnavailableError("Answering took too long. Nothing was charged. Retry the request.")
        return answer

    def _hold_price(self, caller: Caller, question: Question, price: int, question_item: Item | None) -> Hold:
        """Hold the price and record the attempt, unless another request did since `question_item` was read.

        Raises ConflictError, InsufficientCreditsError, AccountBlockedError, UnauthenticatedError.
        """
        hold, earlier = _hold(caller.user_id, question, price), question_item and question_from(question_item)
        attempt = put_question(caller.user_id, question, earlier.attempt if earlier else None)
        try:
            self.ledger.hold(caller, hold, at=question.asked_at, extra_writes=[attempt])
        except ExtraWriteRefusedError as refusal:
            raise _still_running() from refusal
        except InsufficientCreditsError as refusal:
            key = question_key(caller.user_id, question.question_id)
            raise self._explain_refusal(caller, key, question_item, refusal) from refusal
        return hold

    def _use(self, response: TextAnswer | UnusableAnswerError) -> ModelUse:
        cost = self.prices.text_cost_micro_usd(response.model, response.input_tokens, response.output_tokens)
        return ModelUse(response.model, 0, cost, response.input_tokens, response.output_tokens)

    def _book_unsold(self, hold: Hold, uses: tuple[ModelUse, ...], attempt: str) -> None:
        """End the hold at no credits, and book what the model did as our cost, also where hold or question have ended.

        Raises UnavailableError.
        """
        cost = Charge(0, SERVICE, hold.reference, 0, self.prices.version, uses)
        for extra_writes in ([delete_question(hold.user_id, hold.reference, attempt)], []):
            with suppress(ExtraWriteRefusedError):
                if not self._settle(hold, cost, extra_writes):
                    self.ledger.book_cost(hold.user_id, cost, hold.hold_id, at=self.now())
                return

    def _settle(self, hold: Hold, charge: Charge, extra_writes: Sequence[Write]) -> bool:
        """End the hold with what was used; False if it was released meanwhile, by the sweep or a later attempt.

        Only this process settles it: where it is settled already, an earlier try was written and its answer lost.
        Raises ExtraWriteRefusedError, UnavailableError.
        """

        def settle() -> bool:
            try:
                self.ledger.settle(hold, charge, at=self.now(), extra_writes=extra_writes)
            except HoldEndedError:
                ended = self.ledger.get_hold(hold.user_id, hold.hold_id)
                return ended is not None and ended.state is HoldState.SETTLED
            return True

        return retry_booking(settle, charge.cost_micro_usd)

    def _explain_refusal(
        self, caller: Caller, key: ItemKey, question_item: Item | None, refusal: InsufficientCreditsError
    ) -> InsufficientCreditsError | ConflictError:
        """Why credits are missing: the same question, asked at the same moment, may have taken them."""
        is_unchanged = self.ledger.admit(caller, extra_keys=[key])[1] == [question_item]
        return refusal if is_unchanged else _still_running()

    def sweep(self) -> int:
        """Release the holds of questions whose process died; how many. Safe to call at any time, also concurrently."""
        released, failures = 0, []
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind != HoldKind.QUESTION:
                continue
            try:
                released += self._release_swept(hold)
            except Exception as failure:  # noqa: BLE001 - one account that cannot be swept must not stop the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} questions could not be ended, {released} were", failures)
        return released

    def _release_swept(self, hold: Hold) -> bool:
        try:
            self._release(hold, hold.hold_id.rpartition(":")[2])
        except ExtraWriteRefusedError:  # The question itself is deleted already.
            try:
                self.ledger.release(hold, at=self.now())
            except HoldEndedError:
                return False
        except HoldEndedError:
            return False
        return True

    def _release_stale_attempt(self, caller: Caller, stale: Question) -> None:
        """Release the hold of an attempt whose process died: the user may have no other credits for a new attempt."""
        hold = _hold(caller.user_id, stale, self.prices.services[SERVICE].credits)
        try:
            self._release(hold, stale.attempt)
        except (HoldEndedError, ExtraWriteRefusedError) as refusal:
            # Another request has just released it, or only the sweep can.
            raise _still_running() from refusal

    def _release(self, hold: Hold, attempt: str) -> None:
        extra_writes = [delete_question(hold.user_id, hold.reference, attempt)]
        self.ledger.release(hold, at=self.now(), extra_writes=extra_writes)

    def _is_answered(self, earlier: Question, transcript_id: str, body_hash: str) -> bool:
        """Whether the question has an answer to repeat, from the transcript that it is about now.

        Raises IdempotencyMismatchError, and ConflictError while it is being answered.
        """
        if earlier.expires_at <= self.now():
            return False
        if earlier.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
        if earlier.transcript_id != transcript_id:  # Deleted since, and its session was started again.
            return False
        if not earlier.answer and self.now() - earlier.asked_at < STALE_AFTER_SECONDS:
            raise _still_running()
        return bool(earlier.answer)


def _hold(user_id: str, question: Question, credits: int) -> Hold:
    """The hold of one attempt. Its id follows from the attempt, so any step may run twice."""
    hold_id = f"{HoldKind.QUESTION}:{question.question_id}:{question.attempt}"
    sweep_at = question.asked_at + SWEEP_AFTER_SECONDS
    return Hold(user_id, hold_id, credits, HoldKind.QUESTION, question.question_id, sweep_at)


def _still_running() -> ConflictError:
    return ConflictError("This question is being answered. Retry the request.", "still_running", retry_after_seconds=2)


def _source_key(caller: Caller, body: contract.Ask) -> ItemKey:
    """The item that tells which transcript the question is about."""
    if (body.transcript_id is None) == (body.session_id is None):
        raise InvalidRequestError("Send either transcript_id or session_id.", "transcript_id")
    if body.session_id is not None:
        return session_key(caller.user_id, body.session_id)
    return transcript_key(caller.user_id, body.transcript_id or "")


def _transcript_id(body: contract.Ask, source_item: Item | None) -> str:
    if body.session_id is not None:
        if source_item is None:
            raise NotFoundError("There is no session with this id.")
        return session_from(source_item).transcript_id
    if source_item is None or "started_at" not in source_item:
        raise NotFoundError("There is no transcript with this id.")
    return body.transcript_id or ""


def _answer(
    parsed: ParsedAnswer | None, transcript_id: str, used: int, available: int, *, is_whole: bool
) -> contract.AskAnswer:
    quotes = (
        [
            contract.QuotedMoment(start_ms=s.start_ms, end_ms=s.end_ms, text=s.text, speaker=s.speaker)
            for s in parsed.quotes
        ]
        if parsed
        else []
    )
    return contract.AskAnswer(
        answered=parsed is not None,
        answer=parsed.text if parsed else NOT_IN_TRANSCRIPT,
        quotes=quotes,
        transcript_id=transcript_id,
        credits_used=used,
        credits_available=available,
        is_whole=is_whole,
    )
