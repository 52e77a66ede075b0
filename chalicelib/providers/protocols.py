"""What several rooms need of providers."""

from typing import Protocol

from ..models.catchup import TextAnswer
from ..models.text_tasks import TextTask


class JobQueue(Protocol):
    """Starts background work. Raises UnavailableError."""

    def send(self, message: str) -> None: ...


class TextModel(Protocol):
    """Reads and writes text. Raises ProviderError."""

    def answer(self, task: TextTask) -> TextAnswer: ...
