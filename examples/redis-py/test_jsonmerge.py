"""Replies and errors of the two commands: alone, pipelined, in a transaction and waiting."""

import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from redis.exceptions import ResponseError, TimeoutError

from connection import PROTOCOL, connect
from consumer import consume
from events import KEY
from jsonmerge import JSONMerge
from producer import produce

# What the Lua script would have damaged.
ARRAY = [
    {"id": 9007199254740993, "tags": [], "größe": ["日本", "🎉", "a/b"], "deep": [[], {}]},
    [],
    3.141592653589793,
    -(2**200),
]


class TestJSONMerge(unittest.TestCase):
    def setUp(self):
        self.assertIn("REDIS_URL", os.environ, "REDIS_URL is the URL of a server, which is emptied")
        self.client = connect()
        self.addCleanup(self.client.close)
        self.client.flushall()
        self.jsonmerge = JSONMerge(self.client)

    def test_the_protocol_is_that_of_redis_resp(self):
        self.assertEqual(self.client.client_info()["resp"], str(PROTOCOL))

    def test_an_array_comes_back_once_as_it_was_sent(self):
        self.assertEqual(self.jsonmerge.append("k", ARRAY), ARRAY)
        self.assertEqual(self.jsonmerge.append("k", []), ARRAY)
        self.assertEqual(self.jsonmerge.append("k", ["é"]), ARRAY + ["é"])
        self.assertEqual(self.jsonmerge.take("k"), ARRAY + ["é"])
        self.assertIsNone(self.jsonmerge.take("k"))

    def test_big_integers_and_floats_do_not_change(self):
        self.jsonmerge.append("k", [9007199254740993])
        self.jsonmerge.append("k", [0.1, 1.0])
        self.assertEqual(self.client.get("k"), b"[9007199254740993,0.1,1.0]")

    def test_a_lone_surrogate_does_not_change(self):
        self.assertEqual(self.jsonmerge.append("k", ["\ud800"]), ["\ud800"])
        self.assertEqual(self.client.get("k"), b'["\\ud800"]')

    def test_an_empty_array_is_not_none(self):
        self.assertEqual(self.jsonmerge.append("k", []), [])
        self.assertEqual(self.jsonmerge.take("k"), [])

    def test_count_takes_the_first_elements_and_leaves_the_rest(self):
        self.jsonmerge.append("k", [1, 2] + ARRAY)
        self.assertEqual(self.jsonmerge.take("k", count=2), [1, 2])
        self.assertEqual(self.jsonmerge.take("k", count=1, trust=True), ARRAY[:1])
        self.assertEqual(self.jsonmerge.take("k", count=10, block=0), ARRAY[1:])
        self.assertIsNone(self.jsonmerge.take("k", count=10))
        with self.assertRaisesRegex(ResponseError, "count should be greater than 0"):
            self.jsonmerge.take("k", count=0)

    def test_trust_validates_only_what_is_taken(self):
        self.client.set("k", "[1,x]")
        with self.assertRaisesRegex(ResponseError, "BADJSON"):
            self.jsonmerge.take("k", count=1)
        self.assertEqual(self.jsonmerge.take("k", count=1, trust=True), [1])
        with self.assertRaisesRegex(ResponseError, "BADJSON"):
            self.jsonmerge.take("k", count=1, trust=True)

    def wait_until_it_waits(self):
        while self.client.info("clients")["blocked_clients"] != 1:
            time.sleep(0.005)

    def test_block_waits_for_an_append_of_another_connection(self):
        with ThreadPoolExecutor() as threads:
            taken = threads.submit(self.jsonmerge.take, "k", count=2, block=4000)
            self.wait_until_it_waits()
            self.assertEqual(self.jsonmerge.append("k", [1, 2, 3], reply="LEN"), 3)
            self.assertEqual(taken.result(), [1, 2])
            self.assertEqual(self.jsonmerge.take("k", block=4000), [3])
            taken = threads.submit(self.jsonmerge.take, "k", block=0)
            self.wait_until_it_waits()
            with self.client.pipeline(transaction=True) as pipeline:
                JSONMerge(pipeline).append("k", [])
                pipeline.execute()
            self.assertEqual(taken.result(), [])

    def test_block_returns_none_at_the_end_of_its_timeout(self):
        start = time.monotonic()
        self.assertIsNone(self.jsonmerge.take("k", block=100))
        self.assertGreater(time.monotonic() - start, 0.09)
        with self.client.pipeline(transaction=True) as pipeline:
            JSONMerge(pipeline).take("k", block=0)
            self.assertEqual(pipeline.execute(), [None])

    def test_a_timeout_of_the_client_that_is_shorter_than_block_is_an_error(self):
        with connect(socket_timeout=0.1, retry=None) as client, self.assertRaises(TimeoutError):
            JSONMerge(client).take("k", block=1000)

    def test_options(self):
        self.assertEqual(self.jsonmerge.append("k", [1, 2], reply="LEN"), 2)
        self.assertEqual(self.jsonmerge.append("k", [3], reply="SIZE", trust=True), 7)
        # The error shows that TRUST was sent.
        with self.assertRaisesRegex(ResponseError, "TRUST does not count"):
            self.jsonmerge.append("k", [], reply="LEN", trust=True)
        self.assertEqual(self.jsonmerge.append("k", [4], reply="JSON"), [1, 2, 3, 4])
        self.assertEqual(self.client.ttl("k"), -1)
        in_an_hour = int(time.time()) + 3600
        for expiration in (
            {"ex": 3600},
            {"px": 3600_000},
            {"exat": in_an_hour},
            {"pxat": in_an_hour * 1000},
        ):
            with self.subTest(expiration):
                self.jsonmerge.append("k", [], **expiration)
                self.assertIn(self.client.ttl("k"), range(3500, 3601))
                self.jsonmerge.append("k", [], persist=True)
                self.assertEqual(self.client.ttl("k"), -1)

    def test_a_client_that_decodes_replies_itself(self):
        with connect(decode_responses=True) as client:
            self.assertEqual(JSONMerge(client).append("k", ARRAY), ARRAY)
            self.assertTrue(client.get("k").startswith('[{"id":9007199254740993,"tags":[],"größe":'))
            self.assertEqual(JSONMerge(client).take("k"), ARRAY)

    def test_pipelined(self):
        with self.client.pipeline(transaction=False) as pipeline:
            for number in range(100):
                JSONMerge(pipeline).append("k", [number], reply="LEN")
            JSONMerge(pipeline).take("k")
            replies = pipeline.execute()
        self.assertEqual(replies, [*range(1, 101), list(range(100))])

    def test_in_a_transaction(self):
        with self.client.pipeline(transaction=True) as pipeline:
            jsonmerge = JSONMerge(pipeline)
            jsonmerge.append("k", ARRAY)
            jsonmerge.append("k", [1], reply="LEN")
            pipeline.set("other", "value")
            jsonmerge.take("k")
            jsonmerge.take("k")
            replies = pipeline.execute()
        self.assertEqual(replies, [ARRAY, len(ARRAY) + 1, True, ARRAY + [1], None])

    def test_an_error_is_a_response_error_and_changes_nothing(self):
        self.client.set("broken", "[1,")
        self.client.set("object", "{}")
        self.client.lpush("list", "1")
        for key, message in (
            ("broken", "^BADJSON stored value is not valid JSON"),
            ("object", "^NOTARRAY stored value is a JSON object"),
            ("list", "^WRONGTYPE "),
        ):
            with self.subTest(key):
                with self.assertRaisesRegex(ResponseError, message):
                    self.jsonmerge.append(key, [2])
                with self.assertRaisesRegex(ResponseError, message):
                    self.jsonmerge.take(key)
                with self.client.pipeline() as pipeline:
                    JSONMerge(pipeline).append(key, [2])
                    pipeline.ping()
                    error, pong = pipeline.execute(raise_on_error=False)
                self.assertIsInstance(error, ResponseError)
                self.assertTrue(pong)
        self.assertEqual(self.client.get("broken"), b"[1,")
        self.assertEqual(self.client.get("object"), b"{}")

    def test_nothing_but_json_is_sent(self):
        with self.assertRaises(ValueError):
            self.jsonmerge.append("k", [float("nan")])
        self.assertFalse(self.client.exists("k"))

    def test_the_producer_sends_events_and_the_consumer_gets_them(self):
        events = [{"id": 2**70, "name": "Grüße", "tags": []}, {"id": 2, "name": "b", "tags": ["x"]}]
        self.assertEqual(consume(self.client), [])
        self.assertEqual(produce(self.client, events), 2)
        self.assertEqual(produce(self.client, events[1:]), 3)
        self.assertEqual(consume(self.client), events + events[1:])

    def test_the_producer_sends_nothing_but_events(self):
        event = {"id": 1, "name": "a", "tags": []}
        for wrong in ({**event, "id": True}, {**event, "name": ""}, {**event, "tags": "x"}, {"id": 1}, 1):
            with self.subTest(wrong), self.assertRaises(ValueError):
                produce(self.client, [event, wrong])
        self.assertFalse(self.client.exists(KEY))
