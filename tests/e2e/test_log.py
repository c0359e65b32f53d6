"""What the daemon learns from Postfix's log, across restarts and a rotation."""
import os

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from postfix import HOSTNAME
from waiting import wait_for

UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    try:
        made.suppressd.configure(mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME)
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def told_by(rig, recipient, times):
    """The one event of a recipient, once the log and the bounce have both told of it."""
    def events():
        return [event for event in rig.suppressd.events(recipient) if event["witnesses"] == times]

    wait_for(lambda: events(), lambda: f"{times} witnesses: {rig.suppressd.events(recipient)}")
    event, = rig.suppressd.events(recipient)
    return event


def test_log_and_bounce_are_one_event(rig):
    rig.bad.answer("both", Answer(UNKNOWN))
    rig.send("both@bad.example")
    rig.settle()
    event = told_by(rig, "both@bad.example", 2)
    assert event["evidence"] == "local" and event["reason"] == "no-such-user"
    assert "both@bad.example" in rig.suppressd.suppressed()
    row, = rig.suppressd.bounces("both@bad.example")
    assert (row["hard"], row["other"]) == (1, 0)


def test_delivered_mail_is_no_event(rig):
    rig.send("fine@good.example")
    rig.settle()
    assert not rig.suppressd.events("fine@good.example")


def test_what_is_logged_while_the_daemon_is_down_counts_once(rig):
    """The bounce itself waits for the milter; the log has long told."""
    rig.bad.answer("down", Answer(UNKNOWN))
    rig.suppressd.kill()
    rig.send("down@bad.example")
    wait_for(lambda: "to=<down@bad.example>" in rig.postfix.log(), "the line in the log")
    os.rename(rig.postfix.log_path, f"{rig.postfix.log_path}.1")
    rig.suppressd.start()
    event = told_by(rig, "down@bad.example", 2)
    assert event["evidence"] == "local" and event["reporting_mta"] == HOSTNAME
    assert "down@bad.example" in rig.suppressd.suppressed()
    rig.suppressd.kill()
    rig.suppressd.start()
    assert told_by(rig, "both@bad.example", 2)["id"] < told_by(rig, "down@bad.example", 2)["id"]
