"""The commands on the cluster that the node at REDIS_CLUSTER_URL belongs to."""

import asyncio
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from redis.exceptions import ResponseError

from connection import connect_cluster, connect_cluster_async
from consumer import consume, consume_async
from jsonmerge import AsyncJSONMerge, JSONMerge
from producer import produce, produce_async

# Keys in the slots of every node.
KEYS = [f"redis-py:{number}" for number in range(20)]
EVENTS = [{"id": 1, "name": "a", "tags": []}]


class TestCluster(unittest.TestCase):
    def setUp(self):
        self.cluster = connect_cluster(os.environ["REDIS_CLUSTER_URL"])
        self.addCleanup(self.cluster.close)
        self.jsonmerge = JSONMerge(self.cluster)

    def test_alone(self):
        for key in KEYS:
            self.assertEqual(self.jsonmerge.append(key, [key]), [key])
            self.assertEqual(self.jsonmerge.take(key), [key])
            self.assertIsNone(self.jsonmerge.take(key))

    def test_pipelined(self):
        with self.cluster.pipeline() as pipeline:
            jsonmerge = JSONMerge(pipeline)
            for key in KEYS:
                jsonmerge.append(key, [1, 2], reply="LEN")
            for key in KEYS:
                jsonmerge.take(key)
            replies = pipeline.execute()
        self.assertEqual(replies, [2] * len(KEYS) + [[1, 2]] * len(KEYS))

    def test_an_error_in_a_pipeline_is_a_response_error(self):
        self.cluster.set(KEYS[0], "[1,")
        with self.cluster.pipeline() as pipeline:
            JSONMerge(pipeline).take(KEYS[0])
            with self.assertRaisesRegex(ResponseError, "BADJSON stored value is not valid JSON"):
                pipeline.execute()
        self.cluster.delete(KEYS[0])

    def test_in_a_transaction(self):
        for key in KEYS:
            with self.cluster.pipeline(transaction=True) as pipeline:
                jsonmerge = JSONMerge(pipeline)
                jsonmerge.append(key, [])
                jsonmerge.append(key, ["é"])
                jsonmerge.take(key)
                self.assertEqual(pipeline.execute(), [[], ["é"], ["é"]])

    def test_waiting(self):
        with ThreadPoolExecutor(len(KEYS)) as threads:
            taken = threads.map(lambda key: self.jsonmerge.take(key, count=1, block=4000), KEYS)
            time.sleep(0.1)
            for key in KEYS:
                self.assertEqual(self.jsonmerge.append(key, [key, 2], reply="LEN"), 2)
            self.assertEqual(list(taken), [[key] for key in KEYS])
        for key in KEYS:
            self.assertEqual(self.jsonmerge.take(key), [2])

    def test_the_producer_and_the_consumer(self):
        self.assertEqual(produce(self.cluster, EVENTS), 1)
        self.assertEqual(consume(self.cluster), EVENTS)


class TestAsyncioCluster(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.cluster = await connect_cluster_async(os.environ["REDIS_CLUSTER_URL"])
        self.addAsyncCleanup(self.cluster.aclose)
        self.jsonmerge = AsyncJSONMerge(self.cluster)

    async def test_alone(self):
        for key in KEYS:
            self.assertEqual(await self.jsonmerge.append(key, [key]), [key])
            self.assertEqual(await self.jsonmerge.take(key), [key])
            self.assertIsNone(await self.jsonmerge.take(key))

    async def test_pipelined(self):
        async with self.cluster.pipeline() as pipeline:
            jsonmerge = AsyncJSONMerge(pipeline)
            for key in KEYS:
                jsonmerge.append(key, [1, 2], reply="LEN")
            for key in KEYS:
                jsonmerge.take(key)
            replies = await pipeline.execute()
        self.assertEqual(replies, [2] * len(KEYS) + [[1, 2]] * len(KEYS))

    async def test_in_a_transaction(self):
        for key in KEYS:
            async with self.cluster.pipeline(transaction=True) as pipeline:
                jsonmerge = AsyncJSONMerge(pipeline)
                jsonmerge.append(key, ["é"])
                jsonmerge.take(key)
                self.assertEqual(await pipeline.execute(), [["é"], ["é"]])

    async def test_waiting(self):
        taken = asyncio.gather(*(self.jsonmerge.take(key, count=1, block=4000) for key in KEYS))
        await asyncio.sleep(0.1)
        for key in KEYS:
            self.assertEqual(await self.jsonmerge.append(key, [key, 2], reply="LEN"), 2)
        self.assertEqual(await taken, [[key] for key in KEYS])
        for key in KEYS:
            self.assertEqual(await self.jsonmerge.take(key), [2])

    async def test_the_producer_and_the_consumer(self):
        self.assertEqual(await produce_async(self.cluster, EVENTS), 1)
        self.assertEqual(await consume_async(self.cluster), EVENTS)
