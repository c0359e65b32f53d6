"""HUP reloads, TERM and INT stop cleanly. libmilter wants all three signals for itself."""
import os
import signal

import pytest

from internet import Answer
from suppressd import Suppressd
from waiting import wait_for

NEWS = "news@sender.example"


@pytest.fixture(autouse=True)
def running(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()


def hup(rig, answer="reloaded "):
    seen = rig.suppressd.stderr().count(answer)
    rig.suppressd.hup()
    rig.suppressd.wait_stderr(answer, seen + 1)


def wal_bytes(daemon):
    path = str(daemon.database) + "-wal"
    return os.path.getsize(path) if os.path.exists(path) else 0


def test_hup_reloads_and_does_not_stop(rig):
    rig.suppressd.ctl("add", "hup@good.example")
    process = rig.suppressd.process
    with rig.client() as client:  # one milter connection all the while
        assert client.send("hup@good.example")["hup@good.example"][0] == 550
        rig.suppressd.configure(gate_mode="off")
        hup(rig)
        assert rig.suppressd.process is process and rig.suppressd.alive()
        assert client.send("other@good.example")[None][0] == 250
    assert rig.send("hup@good.example")["hup@good.example"][0] == 250
    rig.suppressd.configure(gate_mode="enforce")
    for _ in range(5):
        hup(rig)
    assert rig.send("hup@good.example")["hup@good.example"][0] == 550


@pytest.mark.parametrize("line", ["gate_mode = \"sometimes\"\n", "no_such_setting = 1\n", "{{{\n"])
def test_hup_with_bad_settings_changes_nothing(rig, line):
    rig.suppressd.ctl("add", "bad.hup@good.example")
    rig.suppressd.configure()
    good = rig.suppressd.config.read_text()
    try:
        rig.suppressd.config.write_text(good + line)
        hup(rig, "everything stays as it was")
        rig.suppressd.config.write_text(good)
        assert rig.send("bad.hup@good.example")["bad.hup@good.example"][0] == 550
        assert rig.suppressd.ctl_json("status")[0]["daemon"]["reload_error"]
        assert "FAILED" in rig.suppressd.ctl("status").stdout
    finally:
        rig.suppressd.config.write_text(good)
    hup(rig)
    assert not rig.suppressd.ctl_json("status")[0]["daemon"]["reload_error"]


def rule(name, pattern, example):
    return (f"rule {name} {{\n    pattern = {{'{pattern}'}}\n    reason = 'moved'\n"
            f"    examples = {{'{example}'}}\n}}\n")


LOST = rule("local-lantern", "lantern is lost", "550 5.0.0 The lantern is lost")


@pytest.mark.parametrize("line, problem", [
    ("this is no rule\n", "broken.rules:1:"),
    (rule("broken", "(lamp", "550 (lamp"), "broken.rules:1: rule \"broken\": bad pattern"),
    (rule("broken", "lamp", "550 light"), "broken.rules:1: rule \"broken\" misses its example"),
    (LOST, "rule \"local-lantern\" exists already"),
])
def test_hup_with_a_bad_rule_keeps_the_old_rules(rig, line, problem):
    """In force, in the log, in the status and in the counter; a local rule of before goes on deciding."""
    folder = rig.suppressd.settings["local_rules_dir"]
    folder.mkdir(exist_ok=True)
    (folder / "a.rules").write_text(LOST)
    person = f"lantern{abs(hash(problem))}@bad.example"
    rig.bad.answer(person.split("@")[0], Answer("550 5.0.0 <{rcpt}>: the lantern is lost"))
    try:
        hup(rig)
        before = rig.suppressd.ctl_json("status")[0]["daemon"]
        (folder / "broken.rules").write_text(line)
        hup(rig, "everything stays as it was")
        status = rig.suppressd.ctl_json("status")[0]["daemon"]
        assert status["rules_version"] == before["rules_version"]
        assert problem in status["reload_error"] and problem in rig.suppressd.stderr()
        assert problem in rig.suppressd.ctl("status").stdout
        assert status["counters"]["reloads_failed"] == before["counters"]["reloads_failed"] + 1
        rig.send(person)
        rig.settle()
        assert rig.suppressd.suppressed()[person]["rule"] == "local-lantern"
    finally:
        (folder / "broken.rules").unlink(missing_ok=True)
        (folder / "a.rules").unlink()
    hup(rig)
    assert not rig.suppressd.ctl_json("status")[0]["daemon"]["reload_error"]


def test_a_storm_of_hups(rig):
    """libmilter would take one that comes while another is on its way, and stop."""
    for _ in range(200):
        rig.suppressd.hup()
    hup(rig)
    assert rig.suppressd.alive()
    assert "libmilter has ended" not in rig.suppressd.stderr()
    assert rig.suppressd.ctl("status").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_clean(rig, number):
    name = f"stop{int(number)}"
    rig.bad.answer(name, Answer("550 5.1.1 no such user"))
    rig.send(f"{name}@bad.example")
    rig.settle()
    with rig.client() as client:  # a connection that stays open does not hold it up
        client.send("open@good.example")
        process = rig.suppressd.process
        process.send_signal(number)
        assert rig.suppressd.stop() == 0
    assert wal_bytes(rig.suppressd) == 0
    assert not os.path.exists(rig.suppressd.milter_address.partition(":")[2])
    assert rig.suppressd.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    assert f"{name}@bad.example" in rig.suppressd.suppressed()


def test_stop_in_the_middle_of_bounces(rig):
    """Each bounce that Postfix has delivered is on disk; each other comes again."""
    people = [f"mid{number}@bad.example" for number in range(100)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], Answer("550 5.1.1 no such user"))
    with rig.client() as client:
        for person in people:
            client.send(person)
    wait_for(lambda: len(rig.suppressd.events()) >= 20, "20 bounces recorded", pause=0.001)
    assert rig.suppressd.stop() == 0
    assert wal_bytes(rig.suppressd) == 0
    recorded = {row["recipient"] for row in rig.suppressd.events()}
    returned = b"".join(got.content for got in list(rig.inbox.accepted_by(NEWS)))
    assert not [who for who in people
                if f"rfc822; {who}\r".encode() in returned and who not in recorded]
    rig.suppressd.start()
    rig.settle()
    assert {row["recipient"] for row in rig.suppressd.events()} >= set(people)


def test_a_second_daemon_does_not_take_over(rig, home):
    second = Suppressd(home / "second", database=rig.suppressd.database,
                       control_socket=rig.suppressd.settings["control_socket"])
    status, said = second.start_failing()
    assert status != 0 and "cannot start" in said
    rig.suppressd.ctl("add", "still@good.example")
    assert rig.send("still@good.example")["still@good.example"][0] == 550


def test_started_with_bad_settings_it_says_where(rig, home):
    bad = Suppressd(home / "bad", gate_mode="sometimes")
    status, said = bad.start_failing()
    assert status != 0 and "gate_mode" in said and str(bad.config) in said
    assert rig.suppressd.alive()
