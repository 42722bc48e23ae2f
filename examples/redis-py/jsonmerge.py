"""The two commands, on whatever redis-py has: a client, a cluster or a pipeline, sync or asyncio.

    jsonmerge = JSONMerge(client)
    jsonmerge.append("events", [{"id": 1}], reply="LEN")
    jsonmerge.take("events")

With asyncio these are awaited. In a pipeline they queue, and execute() returns what they would have.
"""

import json


class JSONMerge:
    """The commands, in the way of ``client.json()``."""

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

        ``trust`` looks only at the ends of what is stored; not with "LEN".

        ``ex``, ``px``, ``exat``, ``pxat`` and ``persist`` are those of ``getex``. Without them the TTL
        stays as it is.
        """
        # NaN and the infinities are no JSON: refused here, and not by the server.
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

    def take(self, key):
        """Take the array at ``key``, which deletes the key. None if there is none."""
        return self.execute_command("JSONMERGE.TAKE", key)


def _decode(reply, **options):
    # A number and None are what they are; so is an error, which a cluster's pipeline hands over, too.
    return json.loads(reply) if isinstance(reply, (bytes, str)) else reply
