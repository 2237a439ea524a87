"""The stage of a replay: where it plays, who plays, and work done by several people at once with its progress shown."""

import string
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from concours.base.clock import now
from concours.cli.replay.browser import Browser
from concours.cli.replay.plan import Plan
from concours.cli.replay.reckoning import Reckoning

Item = TypeVar("Item")
Result = TypeVar("Result")
HANDS = 6  # people who act at the same time
ALPHABET = string.digits + string.ascii_uppercase
WAIT_S = 600.0
MIDNIGHT_MARGIN = timedelta(hours=3)


def _stamp() -> str:
    number, letters = int(time.time()) % 36**5, ""
    for _ in range(5):
        number, rest = divmod(number, 36)
        letters = ALPHABET[rest] + letters
    return letters


@dataclass
class Stage:
    """Everything the acts share.

    `run` is short and differs from replay to replay: names and numbers begin with it. `familiar` gives some people a
    staff number that is easy to type, by the one they would have (the demonstration's sign-ins). `lasting` is
    how long phases and polls stay open.
    """

    url: str
    plan: Plan
    seed: int
    admin: Browser
    password: str
    console: Console
    run: str = field(default_factory=_stamp)
    reckoning: Reckoning = field(default_factory=Reckoning)
    hands: int = HANDS
    familiar: Mapping[str, str] = field(default_factory=dict)
    lasting: timedelta = timedelta(hours=6)

    def rng(self, *parts: int) -> np.random.Generator:
        """A generator of its own for each named part, so that threads do not change what is drawn."""
        return np.random.default_rng([self.seed, *parts])

    def number(self, kind: str, index: int) -> str:
        """The staff number of the `index`-th (from 0) of a kind of people (a letter)."""
        return self.familiar.get(f"{kind}{index}", f"{self.run}{kind}{index:04d}")

    def title(self, words: str) -> str:
        """A title that tells this replay from others; the demonstration's stays plain."""
        return f"{words} {self.run}" if not self.familiar else words

    def browser(self) -> Browser:
        """A fresh browser at the platform."""
        return Browser(self.url)

    def sign_in(self, username: str, password: str | None = None) -> Browser:
        """A browser in which that person is signed in."""
        browser = self.browser()
        page = browser.get("/sign-in")
        browser.submit(page, "/sign-in", {"username": username, "password": password or self.password})
        return browser

    def together(self, words: str, items: Iterable[Item], act: Callable[[Item], Result]) -> list[Result]:
        """`act` on each item, several at a time, with a progress bar; the first failure ends it. Results in order."""
        todo = list(items)
        with self.progress(words, len(todo)) as advance, ThreadPoolExecutor(self.hands) as pool:
            futures = {pool.submit(act, item): index for index, item in enumerate(todo)}
            results: dict[int, Result] = {}
            try:
                for future in as_completed(futures):
                    results[futures[future]] = future.result()
                    advance(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [results[index] for index in range(len(todo))]

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress bar; yields the function that advances it."""
        columns = (
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        began = time.monotonic()
        with Progress(*columns, console=self.console, transient=not self.console.is_terminal) as bar:
            task = bar.add_task(words, total=total)
            lock = threading.Lock()

            def advance(count: int) -> None:
                with lock:
                    bar.advance(task, count)

            yield advance
        if not self.console.is_terminal:
            self.console.print(f"{words}: {total:,} in {time.monotonic() - began:.1f} s")

    def until(self, words: str, done: Callable[[], bool], within: float = WAIT_S, pause: float = 0.25) -> None:
        """Waits until `done()`; raises TimeoutError after `within` seconds."""
        end = time.monotonic() + within
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"{words}: not done after {within:g} s")
            time.sleep(pause)

    def zone(self) -> str:
        """The events' zone: Beijing's, unless its midnight is near: the quotas of a day must not begin anew midway."""
        for name in ("Asia/Shanghai", "UTC", "America/New_York"):
            here = now().astimezone(ZoneInfo(name))
            midnight = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), here.tzinfo)
            if midnight - here > MIDNIGHT_MARGIN:
                return name
        return "Asia/Tokyo"
