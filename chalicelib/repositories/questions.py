"""Questions and their answers: `USER#<id>` / `QUESTION#<id>`, stored for a day.

A repeated request gets the stored answer. They quote a transcript, so they are deleted with it.
"""

from msgspec.structs import asdict

from ..models.transcripts import Question
from .conditions import Attr
from .table import Item, ItemKey, Write

QUESTION = "QUESTION#"


def question_key(user_id: str, question_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{QUESTION}{question_id}")


def question_from(item: Item) -> Question:
    """The question that was read."""
    return Question(**{name: item[name] for name in Question.__struct_fields__ if name in item})


def put_question(user_id: str, question: Question, instead_of: str | None) -> Write:
    """The question while it is being answered, if it is new or still that of the earlier attempt `instead_of`."""
    is_unchanged = Attr("attempt").eq(instead_of) if instead_of else Attr("pk").not_exists()
    return Write(question_key(user_id, question.question_id), item=asdict(question), when=is_unchanged)


def put_answer(user_id: str, question: Question, answer: str) -> Write:
    """The answer of this attempt, if no later attempt has replaced it."""
    is_current = Attr("attempt").eq(question.attempt)
    return Write(question_key(user_id, question.question_id), put_in={"answer": answer}, when=is_current)


def delete_question(user_id: str, question_id: str, attempt: str) -> Write:
    """Delete the question, if no later attempt has replaced this one."""
    return Write(question_key(user_id, question_id), delete=True, when=Attr("attempt").eq(attempt))
