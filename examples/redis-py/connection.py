"""Connections to REDIS_URL, or to this machine: by RESP3, unless REDIS_RESP says 2."""

import os

import redis
import redis.asyncio

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
PROTOCOL = int(os.environ.get("REDIS_RESP", "3"))


def connect(**options):
    return redis.Redis.from_url(URL, protocol=PROTOCOL, **options)


def connect_async():
    return redis.asyncio.Redis.from_url(URL, protocol=PROTOCOL)


def connect_cluster(url):
    """A cluster, of which the URL is one node."""
    return redis.RedisCluster.from_url(url, protocol=PROTOCOL)


async def connect_cluster_async(url):
    # Awaited, it knows its nodes: else the first command of a module would go to any of them.
    return await redis.asyncio.RedisCluster.from_url(url, protocol=PROTOCOL)
