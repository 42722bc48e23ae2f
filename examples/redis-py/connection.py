"""Connections to REDIS_URL, or to this machine, with RESP3 unless REDIS_RESP is 2."""

import os
from typing import Any

import redis
import redis.asyncio

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
PROTOCOL = int(os.environ.get("REDIS_RESP", "3"))


def connect(**options: Any) -> redis.Redis:
    return redis.Redis.from_url(URL, protocol=PROTOCOL, **options)


def connect_async(**options: Any) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(URL, protocol=PROTOCOL, **options)


def connect_cluster(url: str) -> redis.RedisCluster:
    """Connect to the cluster that the node at this URL belongs to."""
    return redis.RedisCluster.from_url(url, protocol=PROTOCOL)


async def connect_cluster_async(url: str) -> redis.asyncio.RedisCluster:
    # Awaiting it loads the list of nodes. Without that, the first command of a module may go to any node.
    return await redis.asyncio.RedisCluster.from_url(url, protocol=PROTOCOL)
