"""What the daemon learns from Postfix's log, across restarts, kills and a rotation."""
import os
import random
import re

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


def logged(rig):
    """{status: delivery lines} of the log and its rotated predecessors."""
    counts = {"sent": 0, "deferred": 0, "bounced": 0}
    for path in rig.postfix.log_path.parent.glob("mail.log*"):
        for status in re.findall(r": to=<.* status=(\w+) \(", path.read_text(errors="replace")):
            counts[status] += 1
    return counts


def counted(rig):
    """The same, as the database has it."""
    counts = {"sent": 0, "deferred": 0, "bounced": 0}
    names = {"delivered": "sent", "relayed": "sent", "delayed": "deferred", "failed": "bounced"}
    for row in rig.suppressd.query("SELECT action, sum(attempts) AS n FROM v_daily GROUP BY action"):
        counts[names[row["action"]]] += row["n"]
    return counts


def test_log_and_bounce_are_one_event(rig):
    rig.bad.answer("both", Answer(UNKNOWN))
    rig.send("both@bad.example")
    rig.settle()
    event = told_by(rig, "both@bad.example", 2)
    assert event["evidence"] == "local" and event["reason"] == "no-such-user"
    assert "both@bad.example" in rig.suppressd.suppressed()
    row, = rig.suppressd.bounces("both@bad.example")
    assert (row["hard"], row["other"]) == (1, 0)


def test_the_bounce_that_comes_back_from_outside_is_a_third_witness(rig):
    """What anybody could have written changes nothing, however much it says."""
    rig.bad.answer("third", Answer("550 5.0.0 <{rcpt}>: the armadillo declines"))
    rig.send("third@bad.example")
    rig.settle()
    before = told_by(rig, "third@bad.example", 2)
    assert before["reason"] == "unclassified"
    bounce = next(got.content for got in rig.inbox.accepted if b"third@bad.example" in got.content)
    bounce = bounce.replace(b"Message-I", b"X-Message-I")  # which would prove it
    grown = bounce.replace(b"the armadillo declines", b"Recipient address rejected: User unknown here")
    assert grown != bounce
    for content in (bounce, grown):
        with rig.outsider() as client:
            assert client.send("news@sender.example", sender="", content=content)[None][0] == 250
    rig.settle()
    event = told_by(rig, "third@bad.example", 4)
    assert sorted(event["told_by"].split(", ")) == ["log/local", "milter/local", "milter/unproven"]
    for column in ("reason", "reply_text", "decision", "evidence"):
        assert event[column] == before[column]
    assert "third@bad.example" not in rig.suppressd.suppressed()
    shown = rig.suppressd.ctl("show", "third@bad.example").stdout
    assert f"4 time(s), by {event['told_by']}" in shown


def test_delivered_mail_is_counted_and_no_event(rig):
    rig.send("fine@good.example")
    rig.settle()
    wait_for(lambda: counted(rig) == logged(rig), lambda: f"{logged(rig)}, not {counted(rig)}")
    assert not rig.suppressd.events("fine@good.example")
    row, = rig.suppressd.query("SELECT * FROM v_hourly WHERE domain = 'good.example'")
    assert (row["stream"], row["reason"], row["attempts"]) == ("sender.example", "delivered", 1)


def test_each_attempt_counts(rig):
    rig.good.answer("slow", Answer("452 4.2.2 <{rcpt}>: mailbox full", times=3))
    rig.send("slow@good.example")
    rig.settle()
    wait_for(lambda: counted(rig) == logged(rig), lambda: f"{logged(rig)}, not {counted(rig)}")
    row, = rig.suppressd.query("SELECT * FROM v_daily WHERE action = 'delayed' AND reason = 'mailbox-full'")
    assert (row["events"], row["attempts"], row["recipients"]) == (3, 3, None)


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


def test_counts_are_exact_whatever_is_killed(rig):
    """Delivered, deferred and failed, while the daemon dies at random moments."""
    chance = random.Random(5)
    for number in range(12):
        rig.bad.answer(f"gone{number}", Answer(UNKNOWN))
        rig.good.answer(f"later{number}", Answer("451 4.7.1 greylisted, try again", times=1))
        lines = sum(logged(rig).values()) + chance.randrange(1, 6)  # five will come
        rig.send([f"fine{number}@good.example", f"later{number}@good.example"])
        rig.send(f"gone{number}@bad.example")
        if number % 2:
            wait_for(lambda: sum(logged(rig).values()) >= lines, "more of the log")
            rig.suppressd.kill()
            rig.suppressd.start()
    rig.settle()
    wait_for(lambda: counted(rig) == logged(rig), lambda: f"{logged(rig)}, not {counted(rig)}")
    rig.suppressd.kill()
    rig.suppressd.start()
    rig.send("last@good.example")
    rig.settle()
    wait_for(lambda: counted(rig) == logged(rig), lambda: f"{logged(rig)}, not {counted(rig)}")
    assert logged(rig)["sent"] > 24 and logged(rig)["deferred"] >= 12 and logged(rig)["bounced"] >= 12
    health = rig.suppressd.query("SELECT * FROM v_provider_health")
    assert sum(row["delivered"] + row["deferred"] + row["failed"] for row in health) == \
        sum(row["attempts"] for row in health)
