"""What an event is. What does not fit never leaves the producer."""

# Where the events are kept.
KEY = "events"


def check(event):
    """Returns the event, or raises a ValueError."""
    if not isinstance(event, dict) or not {"id", "name", "tags"} <= event.keys():
        raise ValueError(f"not an event with id, name and tags: {event!r}")
    # True is an int to Python.
    if type(event["id"]) is not int:
        raise ValueError(f"id is not an integer: {event!r}")
    if not isinstance(event["name"], str) or not event["name"]:
        raise ValueError(f"name is not a text, or empty: {event!r}")
    if not isinstance(event["tags"], list) or not all(isinstance(tag, str) for tag in event["tags"]):
        raise ValueError(f"tags are not a list of texts: {event!r}")
    return event
