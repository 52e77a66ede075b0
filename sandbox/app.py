"""The sandbox as an ASGI application: the stand-in of each provider, and the routes by which tests control them."""

import pkgutil
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

import sandbox
from sandbox import control
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.recognition_control import RecognitionControl
from sandbox.recognition.ruler import Rulers
from sandbox.recognition.transcript_cache import TranscriptCache
from sandbox.stand_in import StandInParts
from sandbox.webhook_post import Poster


def create(environment: Mapping[str, str], clock: Clock) -> Starlette:
    """Build the application. The speech model loads in the background once the application serves.

    `environment`: the settings of the sandbox, listed in `__main__.py`.
    """
    services = find_services()
    cache_directory = environment.get("SANDBOX_RECOGNISED_DIRECTORY")
    recogniser, calls = Recogniser(TranscriptCache(Path(cache_directory) if cache_directory else None)), Calls()
    faults = Faults(gather_faults(services))
    rulers = Rulers()
    is_ruled = environment.get("SANDBOX_LIVE_RECOGNISER") == "ruler"
    parts = StandInParts(environment, clock, recogniser, faults, calls, Poster(), rulers if is_ruled else None)
    stand_ins = [service.create(parts) for service in services]
    control_routes, recognition_control = control.ControlRoutes(faults, calls, clock), RecognitionControl(rulers)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not is_ruled:  # Then the model may never be used: it loads with its first recording.
            threading.Thread(target=recogniser.load, daemon=True).start()
        yield

    return Starlette(
        routes=[
            Route("/sandbox/health", control_routes.health),
            Route("/sandbox/clock", control_routes.show_clock),
            Route("/sandbox/faults", control_routes.list_faults, methods=["GET"]),
            Route("/sandbox/faults", control_routes.add_fault, methods=["POST"]),
            Route("/sandbox/faults", control_routes.clear_faults, methods=["DELETE"]),
            Route("/sandbox/calls", control_routes.list_calls, methods=["GET"]),
            Route("/sandbox/calls", control_routes.reset_calls, methods=["DELETE"]),
            Route("/sandbox/ruler", recognition_control.list_rulers, methods=["GET"]),
            Route("/sandbox/ruler", recognition_control.reset_rulers, methods=["DELETE"]),
            *(route for stand_in in stand_ins for route in stand_in.control_routes),
            *(route for stand_in in stand_ins for route in stand_in.routes),
        ],
        exception_handlers={ClientDisconnect: _handle_client_disconnect},
        lifespan=lifespan,
    )


def find_services() -> list[ModuleType]:
    """The module `service` of each package that has one, by name of the package."""
    packages = [module.name for module in pkgutil.iter_modules(sandbox.__path__, "sandbox.") if module.ispkg]
    return [import_module(f"{name}.service") for name in packages if find_spec(f"{name}.service")]


def gather_faults(services: list[ModuleType]) -> dict[str, set[str]]:
    """The kinds of faults of each point, of all services. Raises ValueError where two services name one point alike."""
    found: dict[str, set[str]] = {}
    for service in services:
        if doubled := sorted(found.keys() & service.FAULTS.keys()):
            raise ValueError(f"{service.__name__} names faults that another stand-in has too: {', '.join(doubled)}")
        found |= service.FAULTS
    return found


async def _handle_client_disconnect(_request: Request, _error: Exception) -> Response:
    """The client left while it was sending: no response can reach it, and the sandbox has no error to report."""
    return Response(status_code=400)
