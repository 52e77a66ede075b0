"""Sends webhooks to receivers on this machine."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import requests

from sandbox import loopback

THREADS = 32


class Poster:
    """Posts webhooks, up to THREADS at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        self._free_threads = asyncio.Semaphore(THREADS)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], deadline_seconds: float
    ) -> tuple[int | None, str]:
        """Send one request: the status received and `answered`, or None and `timeout` or `unreachable`."""
        try:
            async with self._free_threads:  # The deadline does not cover the wait for a free thread.
                work = asyncio.get_running_loop().run_in_executor(
                    self._threads, _post, url, body, headers, deadline_seconds
                )
                # The timeouts of requests restart with every byte; the deadline does not.
                return await asyncio.wait_for(work, deadline_seconds), "answered"
        except (TimeoutError, requests.Timeout):
            return None, "timeout"
        except (requests.RequestException, loopback.NotLoopbackError, UnicodeError):
            return None, "unreachable"


def _post(url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> int:
    address, host = loopback.resolve(url)
    with requests.Session() as session:
        session.trust_env = False
        with session.post(
            address, data=body, headers={**host, **headers}, timeout=timeout_seconds, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code
