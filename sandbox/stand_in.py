"""What the stand-in of each provider gets and gives.

A stand-in is a package here with a module `service`: its `FAULTS` are the kinds of fault by the service that supports
them, and its `create` makes its routes from `StandInParts`. `app.py` finds and mounts them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition.live_speech import LiveSpeech, ModelSpeech, RulerSpeech
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.ruler import Ruler, Rulers
from sandbox.webhook_post import Poster


@dataclass(frozen=True)
class StandInParts:
    """What all stand-ins share. `environment`: the settings of the sandbox; each stand-in reads its own."""

    environment: Mapping[str, str]
    clock: Clock
    recogniser: Recogniser
    faults: Faults
    calls: Calls
    poster: Poster
    rulers: Rulers | None = None
    """Of live sessions, where the ruler is in place of the recogniser."""

    def key(self, provider: str) -> str:
        """The API key that the provider's stand-in accepts: SANDBOX_<PROVIDER>_KEY, or its default."""
        return self.environment.get(f"SANDBOX_{provider.upper()}_KEY") or default_key(provider)

    def open_ruler(self, service: str, rate_hz: int) -> Ruler | None:
        """The ruler of one socket; None where the model recognises."""
        return self.rulers.open(service, rate_hz) if self.rulers is not None else None

    def open_speech(self, service: str, rate_hz: int, silence_ms: int) -> LiveSpeech:
        """The recognition of one socket's audio."""
        ruler = self.open_ruler(service, rate_hz)
        return RulerSpeech(ruler, silence_ms) if ruler else ModelSpeech(self.recogniser, rate_hz, silence_ms)


@dataclass(frozen=True)
class StandInRoutes:
    """Routes of the provider's API, and those below `/sandbox` by which tests control it."""

    routes: list[BaseRoute]
    control_routes: list[BaseRoute] = field(default_factory=list)


def default_key(provider: str) -> str:
    return f"sandbox-{provider}-key"
