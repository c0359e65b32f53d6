"""A broken suppressd never stops the mail, and no accepted bounce is ever lost."""
import os
import pwd
import re
import resource
import signal
import sqlite3

import pytest

from internet import Answer
from waiting import wait_for

NEWS = "news@sender.example"
UNKNOWN = Answer("550 5.1.1 no such user")


@pytest.fixture(autouse=True)
def running(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()
    rig.settle()


def returned(rig):
    """The failed recipients that the bounces in the sender's mailbox name."""
    content = b"".join(got.content for got in list(rig.inbox.accepted_by(NEWS)))
    return {name.decode() for name in re.findall(rb"Final-Recipient: rfc822; (\S+)", content)}


def recorded(rig):
    return {row["recipient"] for row in rig.suppressd.events()}


def make_dead(rig, prefix, count):
    people = [f"{prefix}{number}@bad.example" for number in range(count)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], UNKNOWN)
    return people


def send_each(rig, people):
    with rig.client() as client:
        for person in people:
            assert client.send(person)[None][0] == 250


def test_daemon_absent_mail_flows_and_bounces_wait(rig):
    people = make_dead(rig, "absent", 5)
    rig.suppressd.ctl("add", "absent@good.example")
    rig.suppressd.stop()
    replies = rig.send(["absent@good.example", "present@good.example"])
    assert {code for code, _text in replies.values()} == {250}
    send_each(rig, people)
    wait_for(lambda: rig.net.accepted("present@good.example"), "delivery without suppressd")
    rig.postfix.wait_log(r"absent4@bad\.example>.*status=bounced")
    assert not returned(rig) & set(people)
    rig.suppressd.start()
    rig.settle()
    assert recorded(rig) >= set(people)
    assert returned(rig) >= set(people)


def test_daemon_dies_within_a_dialogue(rig):
    with rig.client() as client:
        assert client.smtp.mail(NEWS)[0] == 250
        assert client.smtp.rcpt("orphan@good.example")[0] == 250
        rig.suppressd.kill()
        assert client.smtp.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
    rig.settle()
    assert rig.net.accepted("orphan@good.example")


def test_daemon_hangs(rig):
    """Postfix waits as long as its timeouts say, then goes on without."""
    people = make_dead(rig, "hung", 2)
    rig.postfix.restart(milter_command_timeout="1s", milter_content_timeout="1s")
    rig.suppressd.process.send_signal(signal.SIGSTOP)
    try:
        send_each(rig, ["patient@good.example", *people])
        wait_for(lambda: rig.net.accepted("patient@good.example"), "delivery beside a hung daemon")
        assert not returned(rig) & set(people)
    finally:
        rig.suppressd.process.send_signal(signal.SIGCONT)
        rig.postfix.restart(milter_command_timeout="30s", milter_content_timeout="30s")
    rig.settle()
    assert recorded(rig) >= set(people)


def test_killed_in_the_middle_of_500_bounces(rig):
    people = make_dead(rig, "crash", 500)
    before = len(rig.suppressd.events())
    send_each(rig, people)
    for share in (50, 200, 350):
        wait_for(lambda: len(rig.suppressd.events()) - before >= share,
                 lambda: f"{share} bounces, not {len(rig.suppressd.events()) - before}",
                 60, pause=0.001)
        rig.suppressd.kill()
        lost = returned(rig) & set(people) - recorded(rig)
        assert not lost, f"accepted and not on disk: {sorted(lost)}"
        rig.suppressd.start()
    rig.settle(120)
    assert recorded(rig) >= set(people)
    assert len([row for row in rig.suppressd.events() if row["recipient"].startswith("crash")]) == 500
    assert set(rig.suppressd.suppressed()) >= set(people)
    assert rig.suppressd.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"


def test_killed_while_bounces_wait_for_the_disk(rig):
    """Nobody has been told that they were taken, so they all come again."""
    people = make_dead(rig, "waiting", 20)
    other = sqlite3.connect(rig.suppressd.database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        send_each(rig, people)
        wait_for(lambda: rig.suppressd.ctl_json("status")[0]["daemon"]["queued"], "a queue")
        rig.suppressd.kill()
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert not (returned(rig) & set(people)) - recorded(rig)
    rig.suppressd.start()
    rig.settle()
    assert recorded(rig) >= set(people)


def test_disk_full(rig):
    """Bounces are put off until there is room; mail goes on."""
    people = make_dead(rig, "full", 20)
    limit = os.path.getsize(rig.suppressd.database)  # no file of the daemon's may grow beyond it
    old = resource.prlimit(rig.suppressd.process.pid, resource.RLIMIT_FSIZE,
                           (1, resource.RLIM_INFINITY))
    assert limit
    try:
        send_each(rig, people)
        assert rig.send("flows@good.example")[None][0] == 250
        wait_for(lambda: rig.net.accepted("flows@good.example"), "delivery with a full disk")
        rig.postfix.wait_log(r"full19@bad\.example>.*status=bounced")
        wait_for(lambda: rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]
                 .get("reports_tempfailed", 0) >= 20, "20 bounces put off")
        assert not returned(rig) & set(people)
        assert rig.suppressd.alive()
    finally:
        resource.prlimit(rig.suppressd.process.pid, resource.RLIMIT_FSIZE, old)
    rig.settle()
    assert recorded(rig) >= set(people)


def test_database_locked_by_somebody(rig):
    people = make_dead(rig, "locked", 3)
    rig.suppressd.stop()
    rig.suppressd.configure(ack_timeout="1s")
    rig.suppressd.start()
    rig.suppressd.ctl("add", "still.refused@good.example")
    other = sqlite3.connect(rig.suppressd.database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        send_each(rig, people)
        assert rig.send("unlocked@good.example")[None][0] == 250
        wait_for(lambda: rig.net.accepted("unlocked@good.example"), "delivery meanwhile")
        assert rig.send("still.refused@good.example")["still.refused@good.example"][0] == 550
        wait_for(lambda: rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]
                 .get("reports_tempfailed", 0) >= 3, "3 bounces put off")
        assert not returned(rig) & set(people)
        other.execute("ROLLBACK")
    finally:
        other.close()
    rig.settle()
    for person in people:
        assert len(rig.suppressd.events(person)) == 1
    rig.suppressd.configure(ack_timeout="20s")


def test_read_only_database_folder(rig):
    """It does not start, says why, and the mail does not care."""
    people = make_dead(rig, "readonly", 3)
    rig.suppressd.stop()
    folder = rig.suppressd.database.parent
    user = pwd.getpwnam("nobody")
    owners = [folder, *folder.iterdir()]
    try:
        for path in owners:
            path.chmod(0o555 if path == folder else 0o444)
        rig.suppressd.user = user.pw_name
        status, said = rig.suppressd.start_failing()
        assert status != 0 and "cannot start" in said and str(rig.suppressd.database) in said
        send_each(rig, people)
        assert rig.send("calm@good.example")[None][0] == 250
        wait_for(lambda: rig.net.accepted("calm@good.example"), "delivery without a database")
        assert not returned(rig) & set(people)
    finally:
        for path in owners:
            path.chmod(0o755 if path == folder else 0o644)
        rig.suppressd.user = None
    rig.suppressd.start()
    rig.settle()
    assert recorded(rig) >= set(people)


def test_gate_without_a_database_lets_mail_pass(rig):
    rig.suppressd.ctl("add", "hidden@good.example")
    assert rig.send("hidden@good.example")["hidden@good.example"][0] == 550
    away = rig.suppressd.database.with_suffix(".away")
    rig.suppressd.stop()
    rig.suppressd.start()  # no reader has the file open yet
    os.rename(rig.suppressd.database, away)
    try:
        assert rig.send("hidden@good.example")["hidden@good.example"][0] == 250
    finally:
        os.rename(away, rig.suppressd.database)
    assert rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]["gate_trouble"] >= 1
    assert "recipients pass unchecked" in rig.suppressd.stderr()
