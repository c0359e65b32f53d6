"""A provider that takes live users for dead: a real Postfix, its log, and suppressd."""
import pytest

import suppressd
from conftest import Rig
from internet import Answer
from postfix import HOSTNAME
from waiting import wait_for

UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
PEOPLE = [f"u{number}@good.example" for number in range(40)]


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    program = home / "tell"
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{home}/told\n", encoding="ascii")
    program.chmod(0o755)
    (home / "told").write_text("", encoding="ascii")
    (home / "told").chmod(0o666)
    made = Rig(home)
    made.told = home / "told"
    try:
        made.suppressd.configure(mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME,
                                 incident_program=str(program))
        made.postfix.start()
        made.suppressd.start()
        yield made
    finally:
        made.stop()


def wait(rig, condition):
    wait_for(condition, lambda: f"{incidents(rig)} {rig.told.read_text()}")


def incidents(rig):
    return rig.suppressd.ctl_json("incident", "list", "--all")


def test_an_outage_suppresses_nobody(rig):
    rig.send(PEOPLE)
    rig.settle()
    wait(rig, lambda: rig.suppressd.query("SELECT count(*) AS people FROM taken") == [{"people": len(PEOPLE)}])
    rig.good.answer("*", Answer(UNKNOWN))
    rig.send(PEOPLE)
    rig.settle()
    wait(rig, lambda: incidents(rig) and incidents(rig)[0]["held"] == len(PEOPLE))
    [incident] = incidents(rig)
    assert (incident["kind"], incident["name"]) == ("provider-outage", "good.example")
    assert not rig.suppressd.suppressed()
    assert "held by incident 1" in rig.suppressd.ctl("show", PEOPLE[0]).stdout
    wait(rig, lambda: rig.told.read_text() == "open 1 provider-outage domain good.example\n")


def test_who_takes_mail_again_is_let_go(rig):
    rig.good.answers.clear()
    rig.good.answer("u0", Answer(UNKNOWN))
    assert {code for code, _text in rig.send(PEOPLE).values()} == {250}
    rig.settle()
    wait(rig, lambda: incidents(rig)[0]["dropped"] == len(PEOPLE) - 1)
    rig.suppressd.ctl("incident", "close", "1")
    wait(rig, lambda: rig.told.read_text().endswith("close 1 provider-outage domain good.example\n"))
    rig.send(PEOPLE[0])
    rig.settle()
    wait(rig, lambda: rig.suppressd.suppressed())
    assert rig.suppressd.query("SELECT state FROM held WHERE key = ?", PEOPLE[0]) == [{"state": "confirmed"}]
    assert set(rig.suppressd.suppressed()) == {PEOPLE[0]}
    assert rig.send(PEOPLE[0])[PEOPLE[0]][0] == 550


def test_rollback_takes_it_back(rig):
    rig.suppressd.ctl("incident", "rollback", "1")
    assert rig.suppressd.query("SELECT DISTINCT state FROM held") == [{"state": "dropped"}]
