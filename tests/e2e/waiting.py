"""Wait for a condition, never for a time.

Every wait of these tests goes through wait_for: it looks often, gives up at a
deadline, and says what it was waiting for. DEADLINE_FACTOR in the environment
stretches all deadlines on slow machines (sanitizers, emulators).
"""
import os
import time

FACTOR = float(os.environ.get("DEADLINE_FACTOR", "1"))


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def wait_for(condition, what, seconds=30, pause=0.02):
    """The first true value of condition(); Timeout when the deadline passes.

    what is a text, or a function that describes the state when it is too late.
    """
    deadline = time.monotonic() + seconds * FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise Timeout(f"not within {seconds * FACTOR:g} s: {text}")
        time.sleep(pause)
