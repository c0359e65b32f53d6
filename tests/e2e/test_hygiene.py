"""Counts, trials, the allow-list, streams and shadow mode, with a real Postfix and its log."""
import time

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from mail import Client, message
from postfix import HOSTNAME
from waiting import wait_for

FULL = "552 5.2.2 <{rcpt}>: Mailbox full"
UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
BLAMED = "550 5.7.1 Service unavailable; client host [203.0.113.7] blocked using zen.spamhaus.org"
REFUSED = 550
MONTH = 30 * 86400

POLICY = """
policy "mailbox-full" { failures = 3 days = 0 for = 30d }
policy "inactive-mailbox" { for = 2s }
policy "moved" { mode = shadow }
policy "recipient-refused" { action = suppress streams = one }
"""


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    try:
        made.suppressd.policy = POLICY
        made.suppressd.configure(mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME, trial_messages="1",
                                 stream_header="X-Stream, List-Id", bypass_header="X-Critical",
                                 stream_port=f"{made.postfix.login_port}=app")
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def send(rig, recipient, **headers):
    """The code that decides: of RCPT TO, or of the message's end."""
    replies = rig.send(recipient, content=message(recipient, **headers))
    code, _text = replies.get(None, replies[recipient])
    return code


def failures(rig, recipient):
    rows = rig.suppressd.bounces(recipient)
    return rows[0]["hard"] + rows[0]["other"] if rows else 0


def fail(rig, recipient):
    """Sends one message that is refused by the other side; the decision on it."""
    before = failures(rig, recipient)
    assert send(rig, recipient) == 250
    wait_for(lambda: failures(rig, recipient) == before + 1, f"a failure more of {recipient}")
    return rig.suppressd.events(recipient)[-1]["decision"]


def test_failures_count_until_they_suppress(rig):
    rig.bad.answer("full", Answer(FULL))
    assert [fail(rig, "full@bad.example") for _ in range(3)] == ["count", "count", "suppress"]
    row = rig.suppressd.suppressed()["full@bad.example"]
    assert row["until"] - row["since"] == MONTH and "suppressd.conf:" in row["policy"]
    assert "failure 3" in row["sentence"]
    assert send(rig, "full@bad.example") == REFUSED


def test_a_delivery_in_between_begins_the_count_anew(rig):
    rig.bad.answer("half", Answer(FULL))
    fail(rig, "half@bad.example")
    fail(rig, "half@bad.example")
    wait_for(lambda: time.time() >= rig.suppressd.bounces("half@bad.example")[0]["last"] + 1, "the next second")
    rig.bad.answer("half", Answer(""))
    assert send(rig, "half@bad.example") == 250
    wait_for(lambda: rig.suppressd.bounces("half@bad.example")[0]["delivered"], "the delivery to be noticed")
    delivered = rig.suppressd.bounces("half@bad.example")[0]["delivered"]
    wait_for(lambda: time.time() >= delivered + 1, "the next second")
    rig.bad.answer("half", Answer(FULL))
    assert [fail(rig, "half@bad.example") for _ in range(3)] == ["count", "count", "suppress"]


def test_somebody_elses_fault_is_never_counted(rig):
    rig.bad.answer("listed", Answer(BLAMED))
    assert [fail(rig, "listed@bad.example") for _ in range(6)] == ["none"] * 6


def expire(rig, recipient):
    """The daemon's clock, time(2), goes by ticks and lags some milliseconds behind ours."""
    until = rig.suppressd.suppressed()[recipient]["until"]
    wait_for(lambda: time.time() >= until + 0.5, "the suppression to expire")


def test_on_trial_a_failure_doubles_and_a_delivery_releases(rig):
    who = "idle@bad.example"
    rig.bad.answer("idle", Answer("550 5.2.1 <{rcpt}>: The mailbox is inactive"))
    assert fail(rig, who) == "suppress"
    assert send(rig, who) == REFUSED
    expire(rig, who)
    assert fail(rig, who) == "suppress"  # the one message that is let through
    row = rig.suppressd.suppressed()[who]
    assert (row["until"] - row["since"], row["level"]) == (4, 1)
    expire(rig, who)
    rig.bad.answer("idle", Answer(""))
    assert send(rig, who) == 250
    wait_for(lambda: who not in rig.suppressd.suppressed(), "the release")
    changes = rig.suppressd.ctl_json("show", who)[0]["changes"]
    assert [(change["who"], change["what"]) for change in changes] == [
        ("hygiene", "suppress"), ("hygiene", "suppress"), ("hygiene", "clear"), ("hygiene", "release")]
    assert send(rig, who) == 250


def test_who_is_allowed_is_never_refused(rig):
    who = "dear@bad.example"
    rig.bad.answer("dear", Answer(UNKNOWN))
    assert fail(rig, who) == "suppress"
    assert send(rig, who) == REFUSED
    assert rig.suppressd.ctl("allow", "add", "--note", "the boss", who).returncode == 0
    assert fail(rig, who) == "none"
    assert rig.suppressd.ctl("check", who).returncode == 0
    assert [(row["recipient"], row["note"]) for row in rig.suppressd.ctl_json("allow", "list")] == [(who, "the boss")]
    assert rig.suppressd.ctl("allow", "remove", who).returncode == 0
    assert rig.suppressd.ctl("allow", "remove", who).returncode == 1
    assert send(rig, who) == REFUSED
    assert [row["what"] for row in rig.suppressd.query("SELECT what FROM change WHERE key = ? ORDER BY id", who)] == [
        "suppress", "allow", "disallow"]


def test_a_stream_named_by_a_header_stops_alone(rig):
    who = "picky@bad.example"
    rig.suppressd.ctl("add", "--stream", "news", who)
    assert send(rig, who, X_Stream="news") == REFUSED
    assert send(rig, who, List_Id="The news <news>") == REFUSED
    assert send(rig, who, X_Stream="receipts") == 250
    before = rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]["gate_late"]
    both = [who, "other@good.example"]
    replies = rig.send(both, content=message(both, X_Stream="news"))
    assert {code for code, _text in replies.values()} == {250}  # the other one gets its mail
    assert rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]["gate_late"] == before + 1
    rig.settle()
    assert rig.net.accepted("other@good.example")


def test_the_port_names_the_stream(rig):
    with Client(rig.postfix.login_port) as client:
        client.send("ported@good.example")
    rig.settle()
    wait_for(lambda: rig.suppressd.query("SELECT stream FROM sent JOIN sent_recipient ON sent = id"
                                         " WHERE key = 'ported@good.example' AND stream = 'app'"), "the stream")


def test_critical_mail_bypasses_the_gate_when_its_sender_has_logged_in(rig):
    who = "gone@bad.example"
    rig.suppressd.ctl("add", who)
    critical = message(who, X_Critical="yes")

    def login():
        return Client(rig.postfix.login_port).pretend(login="joe")

    with login() as client:
        assert client.send(who, content=critical)[None][0] == 250
    assert rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]["gate_bypassed"] == 1
    assert f"let <{who}> through" in rig.suppressd.stderr()
    with login() as client:
        assert client.send(who)[None][0] == REFUSED  # without the header
    with rig.client() as client:
        assert client.send(who, content=critical)[who][0] == REFUSED  # trusted, but nobody logged in


def test_shadow_mode_of_a_line_is_reported(rig):
    who = "moved@bad.example"
    rig.bad.answer("moved", Answer("551 5.1.6 The recipient has moved; please try <new@elsewhere.example>"))
    assert fail(rig, who) == "shadow"
    assert send(rig, who) == 250
    wait_for(lambda: [row for row in rig.suppressd.ctl_json("policy", "report") if row["messages"] == 1], "the report")
    row, = rig.suppressd.ctl_json("policy", "report")
    assert (row["state"], row["reason"], row["recipients"]) == ("shadow", "moved", 1)
    assert "would have been refused" in rig.suppressd.ctl("policy", "report").stdout


def test_policy_test_tells_from_the_history_what_would_follow(rig):
    who = "asked@bad.example"
    rig.bad.answer("asked", Answer(FULL))
    fail(rig, who)
    fail(rig, who)
    would, = rig.suppressd.ctl_json("policy", "test", who, FULL)
    assert (would["reason"], would["decision"]) == ("mailbox-full", "suppress")
    assert "failure 3" in would["sentence"] and "suppressd.conf:" in would["from"]
    assert rig.suppressd.ctl_json("policy", "test", who, BLAMED)[0]["decision"] == "none"
    assert who not in rig.suppressd.suppressed()  # it was only asked
    assert fail(rig, who) == would["decision"]
