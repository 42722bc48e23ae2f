"""mypy checks this file, and nothing runs it. It fails unless each line that it ignores is an error."""

from typing import Any, Literal

import redis
import redis.asyncio
from typing_extensions import assert_type

from events import Event
from jsonmerge import AsyncJSONMerge, JSONMerge


def sync_replies(client: redis.Redis, event: Event, reply: Literal["LEN", "JSON"]) -> None:
    jsonmerge = JSONMerge[Event](client)
    assert_type(jsonmerge.append("k", [event]), list[Event])
    assert_type(jsonmerge.append(b"k", [event], reply="JSON", ex=60), list[Event])
    assert_type(jsonmerge.append("k", [event], reply="LEN"), int)
    assert_type(jsonmerge.append("k", [event], reply="SIZE", trust=True), int)
    assert_type(jsonmerge.append("k", [event], reply=reply), list[Event] | int)
    assert_type(jsonmerge.take("k"), list[Event] | None)
    assert_type(jsonmerge.take("k", count=100, trust=True, block=1000), list[Event] | None)
    assert_type(JSONMerge[Any](client).append("k", [1, "a", None]), list[Any])


async def async_replies(client: redis.asyncio.Redis, event: Event, reply: Literal["LEN", "JSON"]) -> None:
    jsonmerge = AsyncJSONMerge[Event](client)
    assert_type(await jsonmerge.append("k", [event]), list[Event])
    assert_type(await jsonmerge.append(b"k", [event], reply="JSON", ex=60), list[Event])
    assert_type(await jsonmerge.append("k", [event], reply="LEN"), int)
    assert_type(await jsonmerge.append("k", [event], reply="SIZE", trust=True), int)
    assert_type(await jsonmerge.append("k", [event], reply=reply), list[Event] | int)
    assert_type(await jsonmerge.take("k"), list[Event] | None)
    assert_type(await jsonmerge.take("k", count=100, trust=True, block=1000), list[Event] | None)


def clients(
    pipeline: redis.client.Pipeline,
    cluster: redis.RedisCluster,
    cluster_pipeline: redis.cluster.ClusterPipeline,
    async_pipeline: redis.asyncio.client.Pipeline,
    async_cluster: redis.asyncio.RedisCluster,
    async_cluster_pipeline: redis.asyncio.cluster.ClusterPipeline,
) -> None:
    JSONMerge[Event](pipeline)
    JSONMerge[Event](cluster)
    JSONMerge[Event](cluster_pipeline)
    AsyncJSONMerge[Event](async_pipeline)
    AsyncJSONMerge[Event](async_cluster)
    AsyncJSONMerge[Event](async_cluster_pipeline)


def errors(client: redis.Redis, async_client: redis.asyncio.Redis, event: Event) -> None:
    JSONMerge[Event](async_client)  # type: ignore[arg-type]
    AsyncJSONMerge[Event](client)  # type: ignore[arg-type]
    jsonmerge = JSONMerge[Event](client)
    jsonmerge.append("k", [1])  # type: ignore[list-item]
    jsonmerge.append("k", [{"id": "1", "name": "a", "tags": []}])  # type: ignore[typeddict-item]
    jsonmerge.append("k", event)  # type: ignore[call-overload]
    jsonmerge.append("k", [event], reply="len")  # type: ignore[call-overload]
    jsonmerge.append("k", [event], ttl=60)  # type: ignore[call-overload]
    jsonmerge.take("k", count="100")  # type: ignore[arg-type]
    jsonmerge.take("k", reply="LEN")  # type: ignore[call-arg]
    for _ in jsonmerge.take("k"):  # type: ignore[union-attr]
        pass
