"""The two commands on a client, a cluster or a pipeline of redis-py.

    jsonmerge = JSONMerge[Event](client)
    jsonmerge.append("events", [event], reply="LEN")
    jsonmerge.take("events", count=100, block=1000)

``Event`` is the type of the elements, such as a TypedDict. It is for type checkers only, and can be left out.
With asyncio, use AsyncJSONMerge and await the calls. A pipeline only queues them, and execute() returns their
results.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypedDict, TypeVar, overload

import redis
import redis.asyncio

if TYPE_CHECKING:
    from redis.typing import KeyT
    from typing_extensions import Unpack

Client = redis.Redis | redis.RedisCluster
AsyncClient = redis.asyncio.Redis | redis.asyncio.RedisCluster | redis.asyncio.cluster.ClusterPipeline

Element = TypeVar("Element")


class AppendOptions(TypedDict, total=False):
    trust: bool
    ex: int
    px: int
    exat: int
    pxat: int
    persist: bool


class TakeOptions(TypedDict, total=False):
    count: int
    trust: bool
    block: int


class JSONMerge(Generic[Element]):
    """The commands, used like those of ``client.json()``."""

    def __init__(self, client: Client) -> None:
        self._execute = _prepare(client)

    @overload
    def append(
        self, key: KeyT, array: list[Element], *, reply: Literal["JSON"] = ..., **options: Unpack[AppendOptions]
    ) -> list[Element]: ...

    @overload
    def append(
        self, key: KeyT, array: list[Element], *, reply: Literal["LEN", "SIZE"], **options: Unpack[AppendOptions]
    ) -> int: ...

    def append(self, key: KeyT, array: list[Element], **options: Any) -> Any:
        """Append the elements of ``array`` to the array at ``key``.

        Returns the merged array, or a number if ``reply`` is "LEN" or "SIZE".

        ``trust`` does not validate the stored value, except for its first and last bytes. Not with "LEN".

        ``ex``, ``px``, ``exat``, ``pxat`` and ``persist`` are those of ``getex``. By default, the TTL does not
        change.
        """
        return self._execute(*_append(key, array, **options))

    def take(self, key: KeyT, **options: Unpack[TakeOptions]) -> list[Element] | None:
        """Return the array at ``key`` and delete the key. Returns None if the key does not exist.

        ``count`` takes at most this number of elements. The rest stays at the key.

        ``trust`` does not validate the stored value, except for its first and last bytes and what ``count``
        takes.

        ``block`` waits this number of milliseconds if the key does not exist; 0 means no limit. The client's
        ``socket_timeout`` must be longer. It is 5 seconds by default, and a client that gives up loses what
        the server sends.
        """
        taken: list[Element] | None = self._execute(*_take(key, **options))
        return taken


class AsyncJSONMerge(Generic[Element]):
    """The commands of JSONMerge, for asyncio."""

    def __init__(self, client: AsyncClient) -> None:
        self._execute = _prepare(client)

    @overload
    def append(
        self, key: KeyT, array: list[Element], *, reply: Literal["JSON"] = ..., **options: Unpack[AppendOptions]
    ) -> Awaitable[list[Element]]: ...

    @overload
    def append(
        self, key: KeyT, array: list[Element], *, reply: Literal["LEN", "SIZE"], **options: Unpack[AppendOptions]
    ) -> Awaitable[int]: ...

    def append(self, key: KeyT, array: list[Element], **options: Any) -> Any:
        return self._execute(*_append(key, array, **options))

    def take(self, key: KeyT, **options: Unpack[TakeOptions]) -> Awaitable[list[Element] | None]:
        taken: Awaitable[list[Element] | None] = self._execute(*_take(key, **options))
        return taken


def _append(
    key: KeyT,
    array: list[Any],
    *,
    reply: str = "JSON",
    trust: bool = False,
    ex: int | None = None,
    px: int | None = None,
    exat: int | None = None,
    pxat: int | None = None,
    persist: bool = False,
) -> list[Any]:
    # NaN and infinity are not JSON: json.dumps rejects them. A lone surrogate is not UTF-8, but JSON can escape it.
    text = json.dumps(array, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    arguments: list[Any] = ["JSONMERGE.APPEND", key, text.encode(errors="backslashreplace"), "REPLY", reply]
    if trust:
        arguments.append("TRUST")
    for name, value in (("EX", ex), ("PX", px), ("EXAT", exat), ("PXAT", pxat)):
        if value is not None:
            arguments += [name, value]
    if persist:
        arguments.append("PERSIST")
    return arguments


def _take(
    key: KeyT, *, count: int | None = None, trust: bool = False, block: int | None = None
) -> list[Any]:
    arguments: list[Any] = ["JSONMERGE.TAKE", key]
    if count is not None:
        arguments += ["COUNT", count]
    if trust:
        arguments.append("TRUST")
    if block is not None:
        arguments += ["BLOCK", block]
    return arguments


class _Commands(Protocol):
    def execute_command(self, *args: Any, **options: Any) -> Any: ...
    def set_response_callback(self, command: str, callback: Callable[..., Any]) -> None: ...


def _prepare(client: _Commands) -> Callable[..., Any]:
    for command in ("JSONMERGE.APPEND", "JSONMERGE.TAKE"):
        client.set_response_callback(command, _decode)
    return client.execute_command


def _decode(reply: Any, **options: Any) -> Any:
    # Numbers and None stay as they are, and so do errors, which a cluster's pipeline passes to this, too.
    return json.loads(reply) if isinstance(reply, (bytes, str)) else reply
