"""A Redis or Valkey Cluster behind the same client as a single server: each command goes to the primary of its key.

redis-py's own cluster client does not serve here: its pipelines refuse EVALSHA, SCRIPT LOAD and TIME, and where a
connection breaks it sends a command again behind the caller's back, though it may have been carried out. This one
repeats only what the Cluster says it has not done (MOVED, ASK, TRYAGAIN, CLUSTERDOWN, READONLY, LOADING; see
https://valkey.io/topics/cluster-spec). Everything of one poll is in one slot, so no command here spans several.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from concours.base.cluster_map import Address, SlotMap, slot_of, told

REDIRECTIONS = 16  # within one command: more is a Cluster that does not know itself
SETTLES_WITHIN_S = 2.0  # a command waits so long for a Cluster that is just changing, then fails
AGAIN_AFTER_S = 0.05
FRESH_S = 0.1  # the map is not read more often
REST_S = 5.0  # a node that did not answer in time is left alone: waiting for it again would hold up the others' polls
NAP_S, NAP_AT_MOST_S = 0.002, 0.02  # between two looks at streams that are quiet

NOT_NOW = (TryAgainError, ClusterDownError, ReadOnlyError, BusyLoadingError)
"""The command was not carried out; the Cluster is changing."""
KEYLESS = {"PING", "TIME", "PUBLISH", "INFO", "CONFIG GET", "SCRIPT LOAD", "CLUSTER INFO", "FLUSHALL", "DBSIZE"}
EVERYWHERE = {"FLUSHALL", "SCRIPT LOAD"}


class ClusterClient(redis.Redis):
    """`redis.Redis` over a Cluster, connecting at first use. Threads may share it.

    Pipelines may hold commands of several polls; those without a key (TIME) go with the first that has one. A
    transaction has one slot. WATCH and blocking commands are not for it.
    """

    def __init__(self, url: str, connect_one: Callable[[str], "redis.Redis"]) -> None:
        self.map = SlotMap(url)
        self._connect_one = connect_one
        self._nodes: dict[Address, redis.Redis] = {}
        self._resting: dict[Address, float] = {}
        self._refreshing = threading.Lock()
        self._refreshed = float("-inf")
        self._doubted = True
        first = self.map.everybody()[0]
        super().__init__(connection_pool=connect_one(self.map.url_of(first)).connection_pool)

    def at(self, node: Address) -> "redis.Redis":
        """The client of one node, which follows no redirection. Raises ConnectionError while the node rests."""
        if self._resting and self._resting.get(node, 0.0) > time.monotonic():
            raise ConnectionError(f"{node} did not answer a moment ago")
        return self._client_of(node)

    def _client_of(self, node: Address) -> "redis.Redis":
        found = self._nodes.get(node)
        if found is None:
            found = self._nodes.setdefault(node, self._connect_one(self.map.url_of(node)))
        return found

    def server_of(self, key: str | bytes) -> "redis.Redis":
        """The client of the node that has `key` now, which follows no redirection: it stays with that node or fails."""
        return self.at(self._primary(slot_of(key)))

    def servers(self) -> dict[str, "redis.Redis"]:
        """Each primary's client by its address. Raises ConnectionError where no node answers."""
        self._be_sure()
        return {str(node): self._client_of(node) for node in self.map.primaries()}

    def refresh(self) -> None:
        """Reads the map from whichever node answers. Raises ConnectionError where none does, or it has no slots."""
        with self._refreshing:
            if time.monotonic() - self._refreshed < FRESH_S:
                return  # another has just read it; what has moved since is told by the nodes themselves
            fault: RedisError | None = None
            for node in self.map.everybody():
                try:
                    rows = _do(self.at(node), "CLUSTER SLOTS")
                except RedisError as away:
                    fault = away
                    self._note(node, away)
                    continue
                if rows:
                    self.map.learn(rows, node)
                    self._refreshed, self._doubted = time.monotonic(), False
                    return
            raise ConnectionError(f"no node of the Cluster has a map: {fault}") from fault

    def _note(self, node: Address | None, fault: Exception) -> None:
        """A node could not be reached, or did not answer."""
        self.doubt()
        if node is not None and isinstance(fault, TimeoutError):
            self._resting = {**self._resting, node: time.monotonic() + REST_S}

    def doubt(self) -> None:
        """A node is gone or another has taken over: the map is read again before the next command."""
        self._doubted = True

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command, at the node of its key."""
        key = key_of(args)
        if key is None:
            return self._without_key(args, options)
        return self._follow(slot_of(key), lambda server: _do(server, *args, **options), args, options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "ClusterPipeline":  # noqa: ARG002
        """Commands sent together, once to each node."""
        return ClusterPipeline(self, transaction=transaction)

    def scan_iter(
        self, match: Any = None, count: int | None = None, _type: str | None = None, **options: Any
    ) -> Iterator[Any]:
        """Keys like `match`: at its node where it has a hash tag, else at all."""
        tag = str(match).partition("{")[2].partition("}")[0] if match is not None else ""
        servers = [self.server_of(match)] if tag and "*" not in tag else list(self.servers().values())
        for server in servers:
            yield from server.scan_iter(match=match, count=count, _type=_type, **options)

    def xread(
        self,
        streams: Any,
        count: int | None = None,
        block: int | None = None,
        max_count: int | None = None,
        max_size: int | None = None,
    ) -> Any:
        """What is new in streams of many slots: (name, entries) of each that has some.

        XREAD blocks for streams of one slot alone. So each node is asked for all of its streams at once, again and
        again till something came or `block` ms have passed; a stream's news waits at most NAP_AT_MOST_S. A node that
        cannot be reached holds up none of the others; where none can be, its refusal is raised.
        """
        until = time.monotonic() + (block or 0) / 1000
        nap = NAP_S
        while True:
            pipe = self.pipeline(transaction=False)
            for name, after in streams.items():
                pipe.xread({name: after}, count=count, max_count=max_count, max_size=max_size)
            answers = pipe.execute(raise_on_error=False)
            faults = [answer for answer in answers if isinstance(answer, Exception)]
            if faults and len(faults) == len(answers):
                raise faults[0]
            said = [answer for answer in answers if answer and not isinstance(answer, Exception)]
            if said and isinstance(said[0], dict):  # RESP3
                return {name: entries for answer in said for name, entries in answer.items()}
            found = [entry for answer in said for entry in answer]
            if found or time.monotonic() + nap > until:
                return found
            time.sleep(nap)
            nap = min(2 * nap, NAP_AT_MOST_S)

    def close(self) -> None:
        """Hangs up everywhere."""
        for node in list(getattr(self, "_nodes", {}).values()):
            node.close()
        super().close()

    def _primary(self, slot: int) -> Address:
        self._be_sure()
        node = self.map.primary(slot)
        if node is None:
            self.doubt()
            raise ClusterDownError("CLUSTERDOWN Hash slot not served")
        return node

    def _be_sure(self) -> None:
        if self._doubted:
            self.refresh()

    def _follow(
        self, slot: int, ask: Callable[["redis.Redis"], Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Asks the slot's node, and whom it sends us to."""
        until = time.monotonic() + SETTLES_WITHIN_S
        for _ in range(REDIRECTIONS + int(SETTLES_WITHIN_S / AGAIN_AFTER_S)):
            node = None
            try:
                node = self._primary(slot)
                return ask(self.at(node))
            except MovedError as moved:
                self.map.moved(slot, told(moved, node))
                self.doubt()
            except AskError as elsewhere:
                if args:
                    return self._asking(self.at(told(elsewhere, node)), args, options)
                time.sleep(AGAIN_AFTER_S)
            except NOT_NOW:
                self.doubt()
                if time.monotonic() > until:
                    raise
                time.sleep(AGAIN_AFTER_S)
            except (ConnectionError, TimeoutError) as away:
                self._note(node, away)
                raise
        raise ClusterDownError("CLUSTERDOWN the nodes send us round in a circle")

    def _asking(self, server: "redis.Redis", args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        pipe = server.pipeline(transaction=False)
        _do(pipe, "ASKING")
        _do(pipe, *args, **options)
        return pipe.execute()[1]

    def _without_key(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """At any node that answers, or at all that do."""
        self._be_sure()
        name, answer, done = str(args[0]).upper(), None, 0
        fault: Exception = ConnectionError("the Cluster has no node")
        for node in self.map.primaries():
            try:
                answer = _do(self.at(node), *args, **options)
                done += 1
            except (ConnectionError, TimeoutError, ClusterDownError) as away:
                fault = away
                self._note(node, away)
                continue
            if name not in EVERYWHERE:
                break
        if not done:
            raise fault
        return answer


class ClusterPipeline(Pipeline):
    """Commands kept until `execute`, which sends each node its part at once."""

    def __init__(self, cluster: ClusterClient, *, transaction: bool) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, None)
        self._cluster = cluster
        self._at_once = transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """All answers, in order; with `raise_on_error` the first refusal is raised. A node that cannot be reached
        refuses its part only."""
        stack = [(command[0], dict(command[1])) for command in self.command_stack]
        self.reset()
        answers: list[Any] = [None] * len(stack)
        for places in self._by_slot(stack).values():
            for place, answer in zip(places, self._part([stack[place] for place in places]), strict=True):
                answers[place] = answer
        if raise_on_error:
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    def _by_slot(self, stack: list[tuple[Any, dict[str, Any]]]) -> dict[Any, list[int]]:
        """The places of the commands that go to one node together (a transaction: to one slot)."""
        slots = [None if (key := key_of(args)) is None else slot_of(key) for args, _ in stack]
        first = next((slot for slot in slots if slot is not None), 0)
        parts: dict[Any, list[int]] = {}
        for place, its in enumerate(slots):
            slot = first if its is None else its
            parts.setdefault(slot if self._at_once else (self._cluster.map.primary(slot) or slot), []).append(place)
        if self._at_once and len(parts) > 1:
            raise redis.exceptions.RedisClusterException("a transaction has keys of one slot")
        return parts

    def _part(self, commands: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
        """The answers of one node; what it refused because the Cluster has changed is asked again, one by one."""
        slot = next((slot_of(key) for args, _ in commands if (key := key_of(args)) is not None), 0)

        def together(server: "redis.Redis") -> list[Any]:
            pipe = server.pipeline(transaction=self._at_once)
            for args, options in commands:
                _do(pipe, *args, **options)
            return pipe.execute(raise_on_error=self._at_once)

        node = None
        try:
            if self._at_once:
                found: list[Any] = self._cluster._follow(slot, together, (), {})
                return found
            node = self._cluster._primary(slot)
            answers = together(self._cluster.at(node))
        except RedisError as refused:
            if isinstance(refused, ConnectionError | TimeoutError):
                self._cluster._note(node, refused)
            return [refused] * len(commands)
        for place, answer in enumerate(answers):
            if isinstance(answer, (AskError, *NOT_NOW)):
                args, options = commands[place]
                try:
                    answers[place] = self._cluster.execute_command(*args, **options)
                except RedisError as refused:
                    answers[place] = refused
        return answers


def _do(server: Any, *args: Any, **options: Any) -> Any:
    """A command as redis-py takes it (it has no types there)."""
    return server.execute_command(*args, **options)


def key_of(args: tuple[Any, ...]) -> str | bytes | None:
    """The (first) key of a command; None where it has none. All keys of a command are in one slot."""
    name = str(args[0]).upper()
    if name in KEYLESS:
        return None
    if name in {"EVALSHA", "EVAL"}:
        key: str | bytes = args[3]
        return key
    if name == "XREAD":
        place = next(n for n, word in enumerate(args) if word in {"STREAMS", b"STREAMS"})
        return args[place + 1]  # type: ignore[no-any-return]
    if len(args) < 2:
        raise redis.exceptions.RedisClusterException(f"{name} has no key that says which node is meant")
    return args[1]  # type: ignore[no-any-return]
