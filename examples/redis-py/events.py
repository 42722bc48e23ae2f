"""What an event is. The producer sends nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

if TYPE_CHECKING:
    from typing_extensions import NotRequired

# The key of the events.
KEY = "events"


class Event(TypedDict):
    id: int
    name: str
    tags: list[str]
    details: NotRequired[Any]


def check(event: object) -> Event:
    """Return the event, or raise ValueError."""
    if not isinstance(event, dict) or not {"id", "name", "tags"} <= event.keys():
        raise ValueError(f"not an event with id, name and tags: {event!r}")
    # In Python, True is an int.
    if type(event["id"]) is not int:
        raise ValueError(f"id is not an integer: {event!r}")
    if not isinstance(event["name"], str) or not event["name"]:
        raise ValueError(f"name is not a string, or empty: {event!r}")
    if not isinstance(event["tags"], list) or not all(isinstance(tag, str) for tag in event["tags"]):
        raise ValueError(f"tags is not a list of strings: {event!r}")
    return cast(Event, event)
