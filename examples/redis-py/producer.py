"""Appends the events on its standard input, one per line, as one batch: all of them or none."""

import json
import sys

from connection import connect
from events import KEY, Event, check
from jsonmerge import AsyncClient, AsyncJSONMerge, Client, JSONMerge


def produce(client: Client, events: list[Event]) -> int:
    """Return the number of events that now wait for the consumer."""
    return JSONMerge[Event](client).append(KEY, [check(event) for event in events], reply="LEN")


async def produce_async(client: AsyncClient, events: list[Event]) -> int:
    return await AsyncJSONMerge[Event](client).append(KEY, [check(event) for event in events], reply="LEN")


if __name__ == "__main__":
    # JSON is UTF-8, whatever the locale is.
    lines = sys.stdin.buffer.read().splitlines()
    with connect() as client:
        print(produce(client, [json.loads(line) for line in lines]))
