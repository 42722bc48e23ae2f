"""Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM."""

import json
import signal
import sys
import threading

from connection import connect
from events import KEY, Event
from jsonmerge import AsyncClient, AsyncJSONMerge, Client, JSONMerge

# How many milliseconds to wait for events. This is also how long it takes to notice a signal, or events that
# were written with SET.
BLOCK = 1000


def consume(client: Client) -> list[Event]:
    """Take up to 100 events."""
    return JSONMerge[Event](client).take(KEY, count=100, block=BLOCK) or []


async def consume_async(client: AsyncClient) -> list[Event]:
    return await AsyncJSONMerge[Event](client).take(KEY, count=100, block=BLOCK) or []


if __name__ == "__main__":
    # The signal ends the loop between two takes: what has been taken must not be lost.
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    # The timeout, in seconds, must be longer than BLOCK, because the client would otherwise give up while the
    # server may still send an array. It notices that the server is gone.
    with connect(socket_timeout=5 * BLOCK / 1000) as client:
        while not stopping.is_set():
            for event in consume(client):
                # JSON is UTF-8, whatever the locale is.
                line = json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"
                sys.stdout.buffer.write(line.encode(errors="backslashreplace"))
                sys.stdout.buffer.flush()
