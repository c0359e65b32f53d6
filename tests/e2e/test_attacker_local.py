"""Attackers who have a foot in the door: users of the host, and hosts that we send to, whose
words Postfix writes into its log. Milter, LMTP with lmtp_trust = own, and the log are read.
"""
import re
import subprocess

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from mail import Client, message, outcome, report
from postfix import HOSTNAME
from waiting import wait_for

NEWS = "news@sender.example"
BOUNCES = "returns@bounces.example"
GONE = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
LINE = ("4XForged1z: to=<{0}>, relay=mx.good.example[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, "
        "status=bounced (host mx.good.example[192.0.2.7] said: 550 5.1.1 User unknown (in reply to RCPT TO command))")
SENDMAIL_LINE = ("sm-mta[7]: 7AOForged1: to=<{0}>, ctladdr=<n@sender.example>, delay=00:00:01, mailer=esmtp, pri=1, "
                 "relay=mx.good.example. [192.0.2.7], dsn=5.1.1, stat=User unknown")


@pytest.fixture(scope="module")
def rig(home):
    """Postfix is set up by nobody but "suppressctl setup postfix"."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    made.suppressd.configure(mail_log=made.postfix.log_path, mail_log_host=HOSTNAME, lmtp_trust="own",
                             lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_socket_mode="0666")
    made.postfix.settings["relay_domains"] = "sender.example bounces.example"
    made.postfix.unreachable["bounces.example"] = f"lmtp:unix:{home}/lmtp.sock"
    for name in ("smtpd_milters", "non_smtpd_milters", "internal_mail_filter_classes"):
        del made.postfix.settings[name]
    try:
        made.suppressd.start()
        made.postfix.start()
        made.postfix.stop()
        for answer in ("applied", "nothing to change"):
            done = made.suppressd.ctl("setup", "postfix", "--apply", "--config-dir", str(made.postfix.config))
            assert answer in done.stdout and not done.returncode, done.stdout
        made.postfix.run()
        yield made
    finally:
        made.stop()


def own_words(victim, queue_id="4cOWN0001z"):
    """A bounce as this host's Postfix words it."""
    return report(outcome(victim), mta=HOSTNAME, queue_id=queue_id)


OWN_FIELD = f"Received: by {HOSTNAME} (Postfix)\n\tid 4cOWN0001z; Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\n".encode()


def test_postfix_own_bounces_still_count(rig):
    rig.bad.answer("gone", Answer(GONE))
    rig.send("gone@bad.example")
    rig.settle()
    wait_for(lambda: rig.suppressd.events("gone@bad.example")[0]["witnesses"] == 2, "bounce and log")
    event, = rig.suppressd.events("gone@bad.example")
    assert (event["evidence"], event["decision"]) == ("local", "suppress")


def test_sendmail_bounces_of_a_user_count_too(rig):
    """What the user sent is returned to him by Postfix itself."""
    rig.bad.answer("typed", Answer(GONE))
    rig.postfix.sendmail("joe@sender.example", ["typed@bad.example"], b"Subject: x\n\nx\n")
    rig.settle()
    assert "typed@bad.example" in rig.suppressd.suppressed()


def test_and_by_lmtp(rig):
    rig.bad.answer("returned", Answer(GONE))
    with rig.client() as client:
        client.send("returned@bad.example", sender=BOUNCES)
    rig.settle()
    assert {event["evidence"] for event in rig.suppressd.events("returned@bad.example")} == {"local"}


# ------------------------------------------------------------------ a user of the host


def by_sendmail(rig, victim):
    rig.postfix.sendmail("", [NEWS], own_words(victim))


def by_sendmail_with_fields(rig, victim):
    """With Postfix's own fields in front, and the queue id of a message to the victim."""
    rig.send(victim)
    rig.settle()
    queue_id = re.findall(rf"(\w+): to=<{victim}>", rig.postfix.log())[-1]
    rig.postfix.sendmail("", [NEWS], OWN_FIELD + b"Return-Path: <>\n" + own_words(victim, queue_id))


def by_sendmail_to_lmtp(rig, victim):
    rig.postfix.sendmail("", [BOUNCES], OWN_FIELD + own_words(victim))


def on_the_loopback(rig, victim):
    with rig.client() as client:
        client.send(NEWS, sender="", content=OWN_FIELD + own_words(victim))


def on_the_loopback_to_lmtp(rig, victim):
    """His only trace is the field that shows the loopback."""
    with rig.client() as client:
        client.send(BOUNCES, sender="", content=OWN_FIELD + own_words(victim))


def after_logging_in(rig, victim):
    with Client(rig.postfix.login_port).pretend(login="joe", address="127.0.0.1", name="localhost") as client:
        client.send(BOUNCES, sender="", content=OWN_FIELD + own_words(victim))


USERS = [by_sendmail, by_sendmail_with_fields, by_sendmail_to_lmtp, on_the_loopback, on_the_loopback_to_lmtp,
         after_logging_in]


@pytest.mark.parametrize("attack", USERS, ids=lambda attack: attack.__name__)
def test_a_users_bounce_is_none_of_the_mtas(rig, attack):
    victim, known = f"victim.{attack.__name__}@good.example", set(rig.suppressd.suppressed())
    attack(rig, victim)
    rig.settle()
    events = [event for event in rig.suppressd.events(victim) if event["action"] == "failed"]
    assert {(event["evidence"], event["decision"]) for event in events} == {("unproven", "unproven")}
    assert set(rig.suppressd.suppressed()) == known and not rig.suppressd.bounces(victim)


def postlog(rig, victim, *who):
    return subprocess.run([*who, "postlog", "-c", str(rig.postfix.config), "-t", "postfix/smtp", "-p", "info",
                           LINE.format(victim)], capture_output=True, text=True, check=False, timeout=60)


def test_postlog_takes_no_line_from_a_user(rig):
    """postlog(1) writes into the log for whom it runs as: Postfix's own users."""
    victim = "victim.postlog@good.example"
    postlog(rig, victim, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    probe(rig)
    assert not rig.suppressd.events(victim)
    assert postlog(rig, victim).returncode == 0
    probe(rig)
    assert [event["evidence"] for event in rig.suppressd.events(victim)] == ["local"]  # or nothing was tried
    rig.suppressd.ctl("remove", victim)


# ------------------------------------------------------------------ what others have written into the log


def probe(rig):
    """Everything before this in the log has been read."""
    probe.number += 1
    person = f"probe{probe.number}@bad.example"
    rig.bad.answer(f"probe{probe.number}", Answer(GONE))
    rig.send(person)
    rig.settle()
    wait_for(lambda: [event["witnesses"] for event in rig.suppressd.events(person)] == [2],
             lambda: f"{person}: {rig.suppressd.events(person)}")


probe.number = 0


def in_a_reply(rig, victim):
    """Our own MX's words for a subscriber of his own end with a line for somebody else."""
    rig.bad.answer("mallory1", Answer("550 5.1.1 gone) " + LINE.format(victim)))
    rig.send("mallory1@bad.example")


def in_a_reply_of_several_lines(rig, victim):
    rig.bad.answer("mallory2", Answer("550-5.1.1 gone\n550-" + LINE.format(victim) + "\n550 5.1.1 gone"))
    rig.send("mallory2@bad.example")


def in_a_temporary_reply(rig, victim):
    rig.bad.answer("mallory3", Answer("450 4.2.0 later), relay=x, dsn=5.1.1, status=bounced (550 5.1.1 <" + victim +
                                      "> User unknown"))
    rig.send("mallory3@bad.example")
    rig.postfix.wait_log("to=<mallory3@bad.example>.*status=deferred")
    rig.bad.answers.pop("mallory3")


def in_the_envelope_sender(rig, victim):
    """Of a message that is refused, and logged with its sender."""
    with rig.outsider() as client:
        assert client.smtp.docmd(f'MAIL FROM:<"x> {LINE.format(victim)}"@evil.example>')[0] == 250
        assert client.smtp.docmd("RCPT TO:<x@not.ours.example>")[0] == 554


def in_the_recipient(rig, victim):
    """Of a message that a trusted program sends: a sign-up form's address."""
    with rig.client() as client:
        client.smtp.docmd(f"MAIL FROM:<{NEWS}>")
        client.smtp.docmd(f'RCPT TO:<"x>, relay=none, dsn=5.1.1, status=bounced (to=<{victim}>)"@bad.example>')
        client.smtp.data(message("x@bad.example"))


def in_the_recipient_sendmails_way(rig, victim):
    with rig.client() as client:
        client.smtp.docmd(f"MAIL FROM:<{NEWS}>")
        client.smtp.docmd(f'RCPT TO:<"x, {SENDMAIL_LINE.format(victim)}"@bad.example>')
        client.smtp.data(message("x@bad.example"))


def in_the_greeting(rig, victim):
    with rig.outsider() as client:
        client.smtp.docmd("EHLO", f"to={victim},relay=x,dsn=5.1.1,status=bounced(550)")
        client.smtp.docmd("MAIL FROM:<x@evil.example>")
        assert client.smtp.docmd("RCPT TO:<x@not.ours.example>")[0] == 554


def in_subject_and_message_id(rig, victim):
    with rig.outsider() as client:
        client.send(NEWS, sender="x@evil.example", content=(
            f"From: x@evil.example\nSubject: {LINE.format(victim)}\nMessage-ID: {LINE.format(victim)}\n\nx\n").encode())


def with_a_line_of_its_own(rig, victim):
    """A bare CR, which ends no line of SMTP."""
    rig.bad.answer("mallory4", Answer("550 5.1.1 gone\rNov 24 10:00:00 mta postfix/smtp[7]: " + LINE.format(victim)))
    rig.send("mallory4@bad.example")


WORDS = [in_a_reply, in_a_reply_of_several_lines, in_a_temporary_reply, in_the_envelope_sender, in_the_recipient,
         in_the_recipient_sendmails_way, in_the_greeting, in_subject_and_message_id, with_a_line_of_its_own]


@pytest.mark.parametrize("attack", WORDS, ids=lambda attack: attack.__name__)
def test_words_in_the_log_are_no_lines(rig, attack):
    victim = f"victim.{attack.__name__}@good.example"
    attack(rig, victim)
    probe(rig)
    assert victim.partition("@")[0] in rig.postfix.log()
    assert not rig.suppressd.events(victim)
    assert victim not in rig.suppressd.suppressed()
    assert rig.send(victim)[victim][0] == 250
