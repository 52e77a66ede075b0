"""Kept connections to the providers: which may be used again, and how much of a request was sent on one.

A function sleeps between two requests. Meanwhile a provider, or a network between, closes its connections, and the news
may not have arrived when the next request is written.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

LONGEST_PAUSE_SECONDS = 5


@dataclass
class Attempt:
    """How far one attempt at a request got. `is_on_kept_connection`: an earlier request had used its connection."""

    is_on_kept_connection: bool = False
    is_written: bool = False  # to its last byte, so the provider may have received it whole
    is_answered: bool = False


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")


class _Watched:
    """A connection that is opened again after a pause, and that records the progress of the current attempt."""

    _used_at, _is_kept = 0.0, False

    def connect(self: Any) -> None:
        super().connect()  # type: ignore[misc]
        self._used_at, self._is_kept = time.time(), False

    def request(self: Any, *args: Any, **options: Any) -> None:
        # The clock of the day, because others may stand still while the function sleeps. It may also be set back.
        if not self.is_closed and not 0 <= time.time() - self._used_at < LONGEST_PAUSE_SECONDS:
            self.close()
        attempt = current_attempt.get(Attempt())
        attempt.is_on_kept_connection = self._is_kept and not self.is_closed
        super().request(*args, **options)  # type: ignore[misc]
        attempt.is_written = True

    def getresponse(self: Any) -> Any:
        response = super().getresponse()  # type: ignore[misc]
        current_attempt.get(Attempt()).is_answered = True
        self._used_at, self._is_kept = time.time(), True
        return response


class _WatchedHttp(_Watched, HTTPConnection):
    pass


class _WatchedHttps(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class ProviderSession(requests.Session):
    """Keeps connections open. It follows no redirect and takes no configuration from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # A .netrc would replace our key; a proxy variable would send it elsewhere.
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, _: Any) -> None:
        """None: otherwise requests reads the redirect's whole body, unbounded, even if it does not follow it."""
