"""What the daemon learns beside a real Sendmail: from its log, and from its own bounces."""
import pytest

from beside_sendmail import LIST, LIVE, NEWS, UNKNOWN, changed, codes, outside_address
from beside_sendmail import by_log_alone, rig, running  # pylint: disable=unused-import # fixtures
from internet import DATA, Answer
from mail import outcome, report
from sendmail import HOSTNAME
from waiting import wait_for


@pytest.mark.usefixtures("by_log_alone")
def test_a_dead_mailbox_in_the_log_is_suppressed(rig):
    rig.bad.answer("gone", Answer(UNKNOWN))
    rig.send("gone@bad.example")
    event = rig.event("gone@bad.example")
    assert (event["source"], event["evidence"]) == ("log", "local")
    assert (event["reason"], event["action"], event["status"]) == ("no-such-user", "failed", "5.1.1")
    assert "User unknown" in event["reply_text"]
    assert "gone@bad.example" in rig.suppressd.suppressed()
    assert codes(rig.send("gone@bad.example"))["gone@bad.example"] == 550


@pytest.mark.usefixtures("by_log_alone")
def test_whose_fault_a_failure_in_the_log_is(rig):
    rig.bad.answer("blocked", Answer("554 5.7.1 Service unavailable; Client host [203.0.113.7] "
                                     "blocked using zen.spamhaus.org"))
    rig.bad.answer("full", Answer("552 5.2.2 <{rcpt}>: mailbox is full"))
    rig.bad.answer("spam", Answer("550 5.7.1 This message looks like spam", stage=DATA))
    expected = {"blocked@bad.example": "ip-blocklisted", "full@bad.example": "mailbox-full",
                "spam@bad.example": "spam-content", "x@nosuch.example": "no-such-domain"}
    for recipient in expected:
        rig.send(recipient)
    assert {who: rig.event(who)["reason"] for who in expected} == expected
    # Not even the missing domain: one recipient alone does not speak for it.
    assert not set(expected) & set(rig.suppressd.suppressed())
    assert rig.event("x@nosuch.example")["decision"] == "count"


@pytest.mark.usefixtures("by_log_alone")
def test_what_is_deferred_has_not_failed(rig):
    rig.bad.answer("slow", Answer("450 4.1.1 <{rcpt}>: User unknown, perhaps", times=2))
    rig.send("slow@bad.example")
    rig.mta.wait_log(r"to=<slow@bad\.example>.*stat=Deferred")
    rig.mta.wait_log(r"to=<slow@bad\.example>.*stat=Sent")
    rig.bad.answer("after", Answer(UNKNOWN))
    rig.send("after@bad.example")
    rig.event("after@bad.example")  # the log has been read beyond the lines above
    assert not rig.suppressd.bounces("slow@bad.example")
    assert "slow@bad.example" not in rig.suppressd.suppressed()


def test_forged_reports_suppress_nobody(rig):
    forged = report(outcome("victim@good.example"), mta=HOSTNAME, queue_id="6AOForged00014")
    for address in ("127.0.0.1", "127.0.0.2"):
        with rig.client(address) as client:
            assert client.send(NEWS, sender="", content=forged)[None][0] == 250
    events = rig.suppressd.events("victim@good.example")
    assert events and {event["evidence"] for event in events} == {"unproven"}
    assert "victim@good.example" not in rig.suppressd.suppressed()


def test_log_and_bounce_are_one_event(rig):
    rig.bad.answer("both", Answer(UNKNOWN))
    rig.send("both@bad.example", sender=LIST)
    event = rig.event("both@bad.example", witnesses=2)
    assert (event["evidence"], event["reason"]) == ("local", "no-such-user")
    assert event["queue_id"] in rig.mta.log() and event["reporting_mta"] == HOSTNAME
    row, = rig.suppressd.bounces("both@bad.example")
    assert (row["hard"], row["other"]) == (1, 0)


def test_a_bounce_alone_suppresses(rig):
    """Without the log, which tells of nothing below level 9. The bounce to the sender passes
    suppressd by, the copy does not."""
    rig.bad.answer("alone", Answer(UNKNOWN))
    rig.bad.answer("busy", Answer("554 5.7.1 Client host blocked using zen.spamhaus.org"))
    with changed(rig.mta, lines=rig.mta.lines + "define(`confLOG_LEVEL', `3')dnl\n"):
        rig.send(["alone@bad.example", "busy@bad.example"])
        rig.settle()
    event, = rig.suppressd.events("alone@bad.example")
    assert (event["source"], event["evidence"], event["status"]) == ("lmtp", "local", "5.1.1")
    assert "User unknown" in event["reply_text"]
    assert "alone@bad.example" in rig.suppressd.suppressed()
    event, = rig.suppressd.events("busy@bad.example")
    assert event["reason"] == "ip-blocklisted"
    assert "busy@bad.example" not in rig.suppressd.suppressed()
    assert [got for got in rig.inbox.accepted_by(NEWS) if b"alone@bad.example" in got.content]


def test_what_sendmail_gives_up_on(rig):
    """A notice of delay is no failure; that it was the last attempt tells the bounce alone."""
    rig.bad.answer("never", Answer("451 4.3.2 Please come again later"))
    with changed(rig.mta, lines=rig.mta.lines + "define(`confTO_QUEUEWARN', `1s')dnl\n", lifetime="4s"):
        rig.send("never@bad.example", sender=LIST)
        rig.settle()
    events = {event["action"]: event for event in rig.suppressd.events("never@bad.example")}
    assert set(events) == {"delayed", "failed"}
    assert events["failed"]["source"] == "lmtp" and events["failed"]["evidence"] == "local"
    assert {event["decision"] for event in events.values()} == {"none"}
    assert "never@bad.example" not in rig.suppressd.suppressed()


def test_bounces_wait_for_the_daemon(rig):
    people = [f"waiting{number}@bad.example" for number in range(10)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], Answer(UNKNOWN))
    rig.suppressd.kill()
    for person in [*people, LIVE]:
        rig.send(person, sender=LIST)
    rig.mta.wait_log(rf"to=<{LIST}>.*mailer=suppressd.*stat=Deferred", count=len(people))
    assert len(rig.mta.queued()) >= len(people)
    rig.suppressd.start()
    rig.settle()
    for person in people:
        rig.event(person, witnesses=2)
    assert set(rig.suppressd.suppressed()) >= set(people)


def test_killed_while_bounces_come_in(rig):
    """Nothing that was taken is lost, and each failure counts once."""
    people = [f"crash{number}@bad.example" for number in range(60)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], Answer(UNKNOWN))

    def recorded():
        return {event["recipient"] for event in rig.suppressd.events()} & set(people)

    with rig.client() as client:
        for number, person in enumerate(people):
            assert client.send(person, sender=LIST)[None][0] == 250
            if number in (20, 40):
                wait_for(recorded, "a first bounce")
                rig.suppressd.kill()
                rig.suppressd.start()
    rig.settle(120)
    for person in people:
        assert rig.event(person, witnesses=2)["evidence"] == "local"
        row, = rig.suppressd.bounces(person)
        assert (row["hard"], row["other"]) == (1, 0)


def test_a_forgery_to_the_domain_of_bounces_suppresses_nobody(rig):
    """It comes from another host, says the server; whatever stands in it."""
    forged = report(outcome("target@good.example"), mta=HOSTNAME, queue_id="6AOForged00015")
    forged = (f"Received: from localhost (localhost)\n\tby {HOSTNAME} (8.17.1.9/8.17.1.9) id "
              "6AOForged00016;\n\tTue, 24 Nov 2026 15:49:26 GMT\n").encode() + forged
    with rig.client(outside_address()) as client:
        assert client.send(LIST, sender="", content=forged)[None][0] == 250
    rig.settle()
    event, = rig.suppressd.events("target@good.example")
    assert (event["evidence"], event["witnesses"]) == ("unproven", 2)  # on its way, and by LMTP
    assert "target@good.example" not in rig.suppressd.suppressed()
