"""Questions and their answers: `USER#<id>` / `QUESTION#<id>`, kept for a day: the same request gets the same answer.

They quote a transcript, so they are erased with it.
"""

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict

from ..models.transcripts import Question
from .table import Item, ItemKey, Write

QUESTION = "QUESTION#"


def question_key(user_id: str, question_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{QUESTION}{question_id}")


def question_from(item: Item) -> Question:
    """The question that was read."""
    return Question(**{name: item[name] for name in Question.__struct_fields__ if name in item})


def put_question(user_id: str, new: Question, instead_of: str | None) -> Write:
    """The question is being answered, if it is new, or still that of the attempt `instead_of` a day ago."""
    free = Attr("attempt").eq(instead_of) if instead_of else Attr("pk").not_exists()
    return Write(question_key(user_id, new.question_id), item=asdict(new), when=free)


def put_answer(user_id: str, asked: Question, answer: str) -> Write:
    """The answer to this attempt, if it is still the one that counts."""
    same = Attr("attempt").eq(asked.attempt)
    return Write(question_key(user_id, asked.question_id), put_in={"answer": answer}, when=same)


def delete_question(user_id: str, question_id: str, attempt: str) -> Write:
    """No question at all, if this attempt is still the one that counts."""
    return Write(question_key(user_id, question_id), delete=True, when=Attr("attempt").eq(attempt))
