"""Following the systemd journal: each failure counts once, whatever is killed or rotated."""
import random
import time

import pytest

import journal
import suppressd
from journal import Journal
from suppressd import Suppressd
from waiting import wait_for

BOUNCED = ("4Xyz00: to=<{}>, relay=mx.example.net[192.0.2.7]:25, delay=1, dsn=5.1.1, "
           "status=bounced (host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown)")
ROUNDS = 8
ENTRIES = 20


@pytest.fixture
def followed(home, request):
    for module in (suppressd, journal):
        if module.missing():
            pytest.skip(module.missing())
    log = Journal(home / f"{request.node.name[:12]}.journal")
    daemon = Suppressd(home / request.node.name[:12], mail_log=f"journal:{log.folder} postfix/smtp")
    log.write("a first entry")
    try:
        yield daemon.start(), log
    finally:
        daemon.kill()


def recipients(daemon):
    return sorted((event["recipient"], event["witnesses"]) for event in daemon.events())


def saved(daemon):
    """How far the journal has been read, on disk."""
    return daemon.query("SELECT cursor FROM follow")


def test_each_entry_counts_once_whatever_is_killed(followed):
    daemon, log = followed
    wait_for(lambda: saved(daemon), "a first position")
    chance = random.Random(7)
    for number in range(ROUNDS):
        for entry in range(0, ENTRIES, 5):
            log.write(*(BOUNCED.format(f"gone{number}.{entry + one}@example.net") for one in range(5)))
            if entry == 10 and number % 3 == 1:
                log.rotate()
        time.sleep(chance.random() / 20)  # the kill comes at a random place, not when something is due
        daemon.kill()
        daemon.start()
    expected = sorted((f"gone{number}.{entry}@example.net", 1) for number in range(ROUNDS) for entry in range(ENTRIES))
    wait_for(lambda: len(recipients(daemon)) >= len(expected), lambda: f"{len(expected)}: {recipients(daemon)}")
    assert recipients(daemon) == expected
    assert "may be missing" not in daemon.stderr()


def test_what_was_vacuumed_is_said_to_be_missing(followed):
    daemon, log = followed
    log.write(BOUNCED.format("first@example.net"))
    wait_for(lambda: recipients(daemon), "the first event")
    daemon.stop()
    log.write(BOUNCED.format("lost@example.net"))
    log.rotate()
    log.write(BOUNCED.format("last@example.net"))
    log.vacuum()
    daemon.start()
    daemon.wait_stderr("entries may be missing")
    wait_for(lambda: len(recipients(daemon)) == 2, lambda: str(recipients(daemon)))
    assert recipients(daemon) == [("first@example.net", 1), ("last@example.net", 1)]
