"""The two commands on a client, a cluster or a pipeline of redis-py, sync or asyncio.

    jsonmerge = JSONMerge(client)
    jsonmerge.append("events", [{"id": 1}], reply="LEN")
    jsonmerge.take("events", count=100, block=1000)

With asyncio, await the calls. A pipeline queues them, and execute() returns their results.
"""

import json


class JSONMerge:
    """The commands, used like those of ``client.json()``."""

    def __init__(self, client):
        self.execute_command = client.execute_command
        for command in ("JSONMERGE.APPEND", "JSONMERGE.TAKE"):
            client.set_response_callback(command, _decode)

    def append(
        self,
        key,
        array,
        *,
        trust=False,
        ex=None,
        px=None,
        exat=None,
        pxat=None,
        persist=False,
        reply=None,
    ):
        """Append the elements of ``array`` to the array at ``key``.

        Returns the merged array, or a number if ``reply`` is "LEN" or "SIZE".

        ``trust`` does not validate the stored value, except for its first and last bytes. Not with "LEN".

        ``ex``, ``px``, ``exat``, ``pxat`` and ``persist`` are those of ``getex``. By default, the TTL does not
        change.
        """
        # NaN and infinity are not JSON: json.dumps rejects them.
        text = json.dumps(array, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        options = ["TRUST"] if trust else []
        for name, value in (("EX", ex), ("PX", px), ("EXAT", exat), ("PXAT", pxat)):
            if value is not None:
                options += [name, value]
        if persist:
            options.append("PERSIST")
        if reply is not None:
            options += ["REPLY", reply]
        return self.execute_command("JSONMERGE.APPEND", key, text, *options)

    def take(self, key, *, count=None, trust=False, block=None):
        """Return the array at ``key`` and delete the key. Returns None if the key does not exist.

        ``count`` takes at most this number of elements. The rest stays at the key.

        ``trust`` does not validate the stored value, except for its first and last bytes and what ``count``
        takes.

        ``block`` waits this number of milliseconds if the key does not exist; 0 means no limit. The client's
        ``socket_timeout`` must be longer. It is 5 seconds by default, and a client that gives up loses what
        the server sends.
        """
        options = [] if count is None else ["COUNT", count]
        if trust:
            options.append("TRUST")
        if block is not None:
            options += ["BLOCK", block]
        return self.execute_command("JSONMERGE.TAKE", key, *options)


def _decode(reply, **options):
    # Numbers and None stay as they are, and so do errors, which a cluster's pipeline passes to this, too.
    return json.loads(reply) if isinstance(reply, (bytes, str)) else reply
