"""The one event loop of a process in which its votes are cast: the server's, or where that has none, our own."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoop:
    """Known by the booth; a thread of ours starts with the first vote where no server has said which loop it is."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._own = False
        self._pid = 0  # of the process: a fork begins without a loop
        self._guard = threading.Lock()

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Votes are cast in the server's `loop`."""
        self._loop, self._own, self._pid = loop, False, os.getpid()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits in this thread (which is not the loop's) for what is done there."""
        return asyncio.run_coroutine_threadsafe(work, self._found()).result()

    def stop(self, farewell: Coroutine[Any, Any, None]) -> None:
        """Does `farewell` there; ends our own loop."""
        if self._loop is None or self._pid != os.getpid():
            farewell.close()
            return
        self.run(farewell)
        if self._own:
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop = None

    def _found(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._own, self._pid = asyncio.new_event_loop(), True, os.getpid()
                threading.Thread(target=self._loop.run_forever, name="votes", daemon=True).start()
            return self._loop
