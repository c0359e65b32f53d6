"""What the daemon learns from Postfix's own bounces, and from those that others hand in."""
from internet import DATA, Answer
from mail import outcome, report
from waiting import wait_for

NEWS = "news@sender.example"
UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"


def test_own_bounce_suppresses_with_evidence(rig):
    rig.bad.answer("gone", Answer(UNKNOWN))
    assert rig.send("gone@bad.example")["gone@bad.example"][0] == 250
    rig.settle()
    row = rig.suppressd.suppressed()["gone@bad.example"]
    assert row["reason"] == "no-such-user" and row["origin"] == "automatic"
    assert "User unknown" in row["reply"] and row["rule"] and row["ruleset"] and row["sentence"]
    event, = rig.suppressd.events("gone@bad.example")
    assert event["evidence"] == "local" and event["action"] == "failed"
    assert event["status"] == "5.1.1" and event["code"] == 550
    assert event["stream"] == "sender.example" and event["sender"] == NEWS

    code, text = rig.send("gone@bad.example")["gone@bad.example"]
    assert code == 550
    assert text.startswith("5.1.1 <gone@bad.example> suppressed: no-such-user since 20")
    assert text.endswith(" (suppressd)")


def test_the_bounce_still_reaches_the_sender(rig):
    rig.bad.answer("told", Answer(UNKNOWN))
    rig.send("told@bad.example")
    rig.settle()
    returned = [got for got in rig.inbox.accepted_by(NEWS) if b"told@bad.example" in got.content]
    assert len(returned) == 1 and returned[0].sender == ""


def test_several_fates_in_one_message(rig):
    rig.bad.answer("dead1", Answer(UNKNOWN))
    rig.bad.answer("dead2", Answer("550 5.2.1 This mailbox is disabled"))
    rig.bad.answer("full", Answer("552 5.2.2 <{rcpt}>: mailbox is full"))
    rig.bad.answer("blocked", Answer("554 5.7.1 Service unavailable; Client host [203.0.113.7] "
                                     "blocked using zen.spamhaus.org"))
    people = ["dead1@bad.example", "full@bad.example", "alive@bad.example", "dead2@bad.example",
              "blocked@bad.example", "alive@good.example"]
    rig.send(people)
    rig.settle()
    reasons = {row["recipient"]: row["last_reason"] for row in rig.suppressd.bounces()
               if row["recipient"] in people}
    assert reasons == {"dead1@bad.example": "no-such-user", "dead2@bad.example": "inactive-mailbox",
                       "full@bad.example": "mailbox-full", "blocked@bad.example": "ip-blocklisted"}
    assert set(rig.suppressd.suppressed()) & set(people) == {"dead1@bad.example",
                                                            "dead2@bad.example"}
    assert rig.net.accepted("alive@bad.example") and rig.net.accepted("alive@good.example")


def test_refused_content_suppresses_nobody(rig):
    """A refusal of the message hits all its recipients, and none of them is to blame."""
    rig.bad.answer("reader1", Answer("550 5.7.1 This message looks like spam", stage=DATA))
    rig.send(["reader1@bad.example", "reader2@bad.example"])
    rig.settle()
    for person in ("reader1@bad.example", "reader2@bad.example"):
        event, = rig.suppressd.events(person)
        assert event["reason"] == "spam-content" and event["decision"] == "none"
        assert person not in rig.suppressd.suppressed()


def test_failed_and_delayed_in_one_report(rig):
    rig.postfix.sendmail("", [NEWS], report(
        outcome("mixed.dead@bad.example"),
        outcome("mixed.late@bad.example", "delayed", "4.2.0",
                "450 4.2.0 <mixed.late@bad.example>: User unknown, try later"),
        queue_id="4c1MIXED0z1"))
    rig.settle()
    dead, = rig.suppressd.events("mixed.dead@bad.example")
    late, = rig.suppressd.events("mixed.late@bad.example")
    assert (dead["action"], dead["decision"]) == ("failed", "suppress")
    assert (late["action"], late["decision"]) == ("delayed", "none")
    assert "mixed.dead@bad.example" in rig.suppressd.suppressed()
    assert "mixed.late@bad.example" not in rig.suppressd.suppressed()
    assert not rig.suppressd.bounces("mixed.late@bad.example")


def test_a_notice_of_delay_is_no_failure(rig):
    """Postfix's own warning that it goes on trying."""
    rig.bad.answer("slow", Answer("450 4.1.1 <{rcpt}>: User unknown, perhaps", times=4))
    rig.postfix.restart(delay_warning_time="1s")
    try:
        rig.send("slow@bad.example")
        rig.settle()
    finally:
        rig.postfix.restart(delay_warning_time="0")
    event, = rig.suppressd.events("slow@bad.example")
    assert (event["action"], event["evidence"], event["decision"]) == ("delayed", "local", "none")
    assert rig.net.accepted("slow@bad.example")
    assert "slow@bad.example" not in rig.suppressd.suppressed()


def test_one_event_however_often_it_is_told(rig):
    content = report(outcome("twice@bad.example"), queue_id="4c1TWICE0z1")
    for _ in range(3):
        rig.postfix.sendmail("", [NEWS], content)
        rig.settle()
    event, = rig.suppressd.events("twice@bad.example")
    assert event["witnesses"] == 3
    row, = rig.suppressd.bounces("twice@bad.example")
    assert (row["hard"], row["other"]) == (1, 0)


def test_two_messages_are_two_events(rig):
    for queue_id in ("4c1FIRST0z1", "4c1SECOND1z"):
        rig.postfix.sendmail("", [NEWS], report(outcome("again@bad.example"), queue_id=queue_id))
    rig.settle()
    assert len(rig.suppressd.events("again@bad.example")) == 2


def test_percent_and_quotes_arrive_unmangled(rig):
    """libmilter would take a percent sign in the reply for a macro."""
    for address in ("100%sale%n@bad.example", '"a b%s"@bad.example'):
        rig.suppressd.ctl("add", address)
        code, text = rig.send(address)[address]
        assert code == 550 and f"<{address}> suppressed" in text, text


def test_forged_reports_suppress_nobody(rig):
    """Whoever speaks SMTP, even from a trusted network, proves nothing."""
    forged = report(outcome("victim@good.example"), queue_id="4c1FORGED1z")
    with rig.outsider() as client:
        assert client.send(NEWS, sender="", content=forged)[None][0] == 250
    with rig.outsider(address="203.0.113.10") as client:
        assert client.send(NEWS, sender="bounce@elsewhere.example", content=forged)[None][0] == 250
    with rig.client() as client:
        assert client.send(NEWS, sender="", content=forged)[None][0] == 250
    rig.settle()
    events = rig.suppressd.events("victim@good.example")
    assert events and {event["evidence"] for event in events} == {"unproven"}
    assert {event["decision"] for event in events} == {"unproven"}
    assert "victim@good.example" not in rig.suppressd.suppressed()
    assert not rig.suppressd.bounces("victim@good.example")
    assert rig.send("victim@good.example")["victim@good.example"][0] == 250


def test_a_forgery_does_not_hide_the_true_bounce(rig):
    forged = report(outcome("later@bad.example", reply="550 5.7.1 spam"), queue_id="4c1LATER01z")
    with rig.outsider() as client:
        client.send(NEWS, sender="", content=forged)
    rig.settle()
    rig.postfix.sendmail("", [NEWS], report(outcome("later@bad.example"), queue_id="4c1LATER01z"))
    rig.settle()
    assert "later@bad.example" in rig.suppressd.suppressed()


def test_internationalised_recipient(rig):
    rig.bad.answer("тест", Answer("550 5.1.1 no such user here"))
    with rig.client() as client:
        client.smtp.command_encoding = "utf-8"
        client.smtp.docmd("MAIL FROM:<news@sender.example> SMTPUTF8")
        assert client.smtp.docmd("RCPT TO:<тест@bad.example>")[0] == 250
        assert client.smtp.data("Subject: x\r\n\r\nx\r\n")[0] == 250
    rig.settle()
    assert "тест@bad.example" in rig.suppressd.suppressed()
    with rig.client() as client:
        client.smtp.command_encoding = "utf-8"
        client.smtp.docmd("MAIL FROM:<news@sender.example> SMTPUTF8")
        assert client.smtp.docmd("RCPT TO:<тест@bad.example>")[0] == 550


def test_ordinary_mail_passes_untouched(rig):
    content = b"Subject: plain\r\nX-Mark: 1\r\n\r\nHello\r\n.. dots\r\n"
    rig.send("plain@good.example", content=content)
    with rig.outsider() as client:
        client.send("info@sender.example", content=content)
    rig.settle()
    for recipient in ("plain@good.example", "info@sender.example"):
        got, = rig.net.accepted(recipient)
        assert got.content.endswith(b"\r\nHello\r\n.. dots\r\n")
        assert b"X-Mark: 1\r\n" in got.content and b"suppressd" not in got.content.lower()


def test_malformed_report_is_kept_aside(rig):
    before = rig.suppressd.ctl_json("status")[0]["database"]["aside"]
    broken = report("Action failed, whatever that is\n", queue_id="4c1BROKEN1z").replace(
        b"Reporting-MTA: dns; ", b"Reporting ")
    rig.postfix.sendmail("", [NEWS], broken)
    rig.settle()
    status, = rig.suppressd.ctl_json("status")
    assert status["database"]["aside"] == before + 1
    assert status["daemon"]["counters"]["aside"] >= 1
    shown = rig.suppressd.ctl("status").stdout
    assert f"{before + 1}  reports kept aside" in shown
    assert rig.inbox.accepted_by(NEWS)[-1].content.endswith(b"--=b=--\r\n")


def test_submitted_mail_is_remembered(rig):
    rig.send(["sent1@good.example", "sent2@good.example"])
    rig.settle()
    query = """
        SELECT s.* FROM sent s JOIN sent_recipient r ON r.sent = s.id
        WHERE r.key = 'sent1@good.example'"""
    # The journal is written without holding the mail up: it may come a moment later.
    wait_for(lambda: rig.suppressd.query(query), "the message in the journal")
    row, = rig.suppressd.query(query)
    assert row["stream"] == "sender.example" and row["queue_id"] in rig.postfix.log()


def test_what_no_rule_knows_is_grouped(rig):
    """Replies that differ in addresses and numbers only make one group with one draft."""
    people = ["odd1@bad.example", "odd2@bad.example"]
    for number, person in enumerate(people):
        rig.bad.answer(person.split("@")[0],
                       Answer(f"550 5.0.0 <{{rcpt}}>: the tortoise has {170 + number} opinions"))
    rig.send(people)
    rig.settle()
    group, = [found for found in rig.suppressd.ctl_json("unclassified", "--since", "1")
              if "tortoise" in found["template"]]
    assert group["template"] == "550 5.0.0 <address>: the tortoise has <n> opinions"
    assert group["count"] == 2 and group["recipients"] == 2
    assert "the tortoise has [0-9.-]+ opinions" in group["rule"] and "'?'" in group["rule"]
    rows = [row for row in rig.suppressd.query("SELECT * FROM v_unclassified") if "tortoise" in row["reply"]]
    assert [row["recipients"] for row in rows] == [1, 1]
    assert not set(people) & set(rig.suppressd.suppressed())
