"""The providers of direct streams: which of them a session may use, and the credential of one socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import InvalidRequestError, ProviderError, ProviderNotOfferedError, UnavailableError
from ..models.sessions import LiveOptions, Session, SocketCredential


class LiveProvider(Protocol):
    """A provider to which the extension opens a socket."""

    def supports_language(self, language: str) -> bool:
        """Whether the provider has a live model for the language; empty means any."""

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """A credential for one socket of at most `lease_seconds`. Raises ProviderError."""


@dataclass(frozen=True)
class LiveProviders:
    """The providers that the stage offers, by name, in the order in which they are tried.

    `buyers_only`: those whose credentials do not cap what they cost, so that only accounts that bought get one. A stage
    that offers no other provider gives them to every account.
    """

    by_name: Mapping[str, LiveProvider]
    buyers_only: frozenset[str] = frozenset()

    def narrow(self, client_speaks: Sequence[str] | None, *, is_buyer: bool) -> tuple[str, ...]:
        """The offered providers that the client can speak, in the stage's order; None: all of them.

        Raises ProviderNotOfferedError where none is left.
        """
        names = tuple(name for name in self.by_name if client_speaks is None or name in client_speaks)
        if not names:
            raise ProviderNotOfferedError("None of these providers is offered.", self._names_for(is_buyer))
        return names

    def check(self, session: Session, *, is_buyer: bool) -> None:
        """Raise what `create_socket_credential` would raise because of the session itself."""
        self._candidates(session, is_buyer)

    def create_socket_credential(self, opened: Session, *, is_buyer: bool) -> SocketCredential:
        """A credential of the first provider that gives one.

        Raises ProviderNotOfferedError, InvalidRequestError (no provider supports the language) or the last provider's
        error.
        """
        options = LiveOptions(opened.language, opened.key_terms, opened.sample_rate, opened.turn)
        failure: ProviderError | None = None
        for provider in self._candidates(opened, is_buyer):
            try:
                return provider.create_socket_credential(opened.lease_seconds, options)
            except ProviderError as error:
                failure = error
        raise failure or UnavailableError("No live provider is configured. Use the relay.")

    def _candidates(self, session: Session, is_buyer: bool) -> list[LiveProvider]:
        """The providers that the session may use, in the order in which they are tried."""
        allowed = self._names_for(is_buyer)
        # A session that was stored before it named providers may use them all.
        named = [name for name in self.by_name if name in session.providers or not session.providers]
        names = [name for name in named if name in allowed]
        if not names:
            message = "These providers are offered only to accounts that bought credits: buy some, or name others."
            raise ProviderNotOfferedError(message, allowed)
        able = [name for name in named if self.by_name[name].supports_language(session.language)]
        candidates = [self.by_name[name] for name in able if name in allowed]
        if able and not candidates:
            message = (
                "The providers that recognise this language are offered only to accounts that bought credits: "
                "buy some, or send another language."
            )
            raise ProviderNotOfferedError(message, allowed)
        if not candidates:
            message = "No live provider recognises this language. Send another one, or use the relay."
            raise InvalidRequestError(message, "language")
        return candidates

    def _names_for(self, is_buyer: bool) -> list[str]:
        """The names of the providers that the account may use, in the stage's order."""
        is_open_to_all = is_buyer or self.buyers_only.issuperset(self.by_name)
        return [name for name in self.by_name if is_open_to_all or name not in self.buyers_only]
