"""What breaks inside a stand-in is logged whole, and ends the job or the session that it belonged to."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

logger = logging.getLogger("sandbox")
Result = TypeVar("Result")


def log_breakdown(name: str, error: BaseException) -> None:
    """Log that `name` ended with an error that no rule of the stand-in foresees, with its traceback."""
    logger.error("sandbox: %s broke down", name, exc_info=error)


async def run_beside(work: Coroutine[Any, Any, None], session: Coroutine[Any, Any, Result]) -> Result:
    """The result of `session`, beside which `work` runs. If `work` fails first, `session` is cancelled.

    Raises what `session` raises, or what `work` raised. Neither runs any more afterwards.
    """
    working, running = asyncio.ensure_future(work), asyncio.ensure_future(session)
    try:
        await asyncio.wait({working, running}, return_when=asyncio.FIRST_COMPLETED)
        if working.done() and not running.done():
            working.result()
        return await running
    finally:
        for task in (working, running):
            task.cancel()
        await asyncio.gather(working, running, return_exceptions=True)
