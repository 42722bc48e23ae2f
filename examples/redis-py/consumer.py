"""Takes the events that have gathered, and prints them, one a line."""

import json
import sys

from connection import connect
from events import KEY
from jsonmerge import JSONMerge


def consume(client):
    """Returns the events."""
    return JSONMerge(client).take(KEY) or []


async def consume_async(client):
    return await JSONMerge(client).take(KEY) or []


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    with connect() as client:
        for event in consume(client):
            print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
