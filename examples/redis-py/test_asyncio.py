"""The commands with asyncio."""

import asyncio
import os
import unittest

from redis.exceptions import ResponseError

from connection import PROTOCOL, connect_async
from consumer import consume_async
from jsonmerge import AsyncJSONMerge
from producer import produce_async

ARRAY = [{"id": 9007199254740993, "tags": [], "größe": ["日本", "🎉"]}]


class TestAsyncio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.assertIn("REDIS_URL", os.environ, "REDIS_URL is the URL of a server, which is emptied")
        self.client = connect_async()
        self.addAsyncCleanup(self.client.aclose)
        await self.client.flushall()
        self.jsonmerge = AsyncJSONMerge(self.client)

    async def test_alone(self):
        self.assertEqual((await self.client.client_info())["resp"], str(PROTOCOL))
        self.assertEqual(await self.jsonmerge.append("k", ARRAY), ARRAY)
        self.assertEqual(await self.jsonmerge.append("k", [], ex=3600, reply="LEN"), 1)
        self.assertIn(await self.client.ttl("k"), range(3500, 3601))
        self.assertEqual(await self.jsonmerge.take("k"), ARRAY)
        self.assertIsNone(await self.jsonmerge.take("k"))

    async def test_count(self):
        await self.jsonmerge.append("k", [1, 2, 3])
        self.assertEqual(await self.jsonmerge.take("k", count=2), [1, 2])
        self.assertEqual(await self.jsonmerge.take("k", count=2, trust=True, block=0), [3])
        self.assertIsNone(await self.jsonmerge.take("k", count=2))

    async def test_block_waits_for_an_append_of_another_connection(self):
        taken = asyncio.create_task(self.jsonmerge.take("k", count=2, block=4000))
        while (await self.client.info("clients"))["blocked_clients"] != 1:
            await asyncio.sleep(0.005)
        self.assertEqual(await self.jsonmerge.append("k", [1, 2, 3], reply="LEN"), 3)
        self.assertEqual(await taken, [1, 2])
        self.assertEqual(await self.jsonmerge.take("k", block=4000), [3])

    async def test_block_returns_none_at_the_end_of_its_timeout(self):
        self.assertIsNone(await self.jsonmerge.take("k", block=100))

    async def test_pipelined(self):
        async with self.client.pipeline(transaction=False) as pipeline:
            for number in range(100):
                AsyncJSONMerge(pipeline).append("k", [number], reply="LEN")
            AsyncJSONMerge(pipeline).take("k")
            replies = await pipeline.execute()
        self.assertEqual(replies, [*range(1, 101), list(range(100))])

    async def test_in_a_transaction(self):
        async with self.client.pipeline(transaction=True) as pipeline:
            jsonmerge = AsyncJSONMerge(pipeline)
            jsonmerge.append("k", ARRAY)
            jsonmerge.take("k")
            jsonmerge.take("k")
            replies = await pipeline.execute()
        self.assertEqual(replies, [ARRAY, ARRAY, None])

    async def test_an_error_is_a_response_error(self):
        await self.client.set("broken", "[1,")
        with self.assertRaisesRegex(ResponseError, "^BADJSON stored value is not valid JSON"):
            await self.jsonmerge.append("broken", [2])
        with self.assertRaisesRegex(ResponseError, "^BADJSON stored value is not valid JSON"):
            await self.jsonmerge.take("broken")
        self.assertEqual(await self.client.get("broken"), b"[1,")

    async def test_the_producer_and_the_consumer(self):
        events = [{"id": 1, "name": "a", "tags": []}]
        self.assertEqual(await produce_async(self.client, events), 1)
        self.assertEqual(await consume_async(self.client), events)
        self.assertEqual(await consume_async(self.client), [])
