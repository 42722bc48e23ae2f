"""Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM."""

import json
import signal
import sys
import threading

from connection import connect
from events import KEY
from jsonmerge import JSONMerge

# How many milliseconds to wait for events. This is also how long it takes to notice a signal, or events that
# were written with SET.
BLOCK = 1000


def consume(client):
    """Take up to 100 events."""
    return JSONMerge(client).take(KEY, count=100, block=BLOCK) or []


async def consume_async(client):
    return await JSONMerge(client).take(KEY, count=100, block=BLOCK) or []


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    # The signal ends the loop between two takes: what has been taken must not be lost.
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    # The timeout, in seconds, must be longer than BLOCK, because the client would otherwise give up while the
    # server may still send an array. It notices that the server is gone.
    with connect(socket_timeout=5 * BLOCK / 1000) as client:
        while not stopping.is_set():
            for event in consume(client):
                print(json.dumps(event, ensure_ascii=False, separators=(",", ":")), flush=True)
