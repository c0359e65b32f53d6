"""New rules over old results: shown, applied as one, taken back; with the daemon and without."""
import os
import sqlite3
import subprocess
import time

import pytest

import suppressd as under_test
from mail import outcome, report
from postfix import HOSTNAME
from suppressd import CTL, Suppressd
from waiting import wait_for

OWN = (f"Return-Path: <>\nReceived: from localhost (localhost)\n\tby {HOSTNAME} (8.17.1.9/8.17.1.9)"
       " with internal id 5AN; Mon, 23 Nov 2026 10:00:00 +0000\n").encode()
RULES = """
rule local-zorked {
    pattern = {'has been zorked'}
    reason = 'no-such-user'
    examples = {'550 the box has been zorked'}
}
rule local-lies {
    pattern = {'no such person, we say'}
    reason = 'policy'
    examples = {'550 5.1.1 no such person, we say'}
}
"""


@pytest.fixture
def daemon(home):
    """Not started: the tests say when."""
    if under_test.missing():
        pytest.skip(under_test.missing())
    made = Suppressd(home / f"reclassify-{os.urandom(3).hex()}", mail_log_host=HOSTNAME)
    yield made
    assert made.stop() in (None, 0), made.stderr()[-2000:]


def bounce(name, words):
    status = "5.1.1" if "5.1.1" in words else "5.0.0"
    return OWN + report(outcome(f"{name}@bad.example", reply=words, status=status), queue_id=f"Q{name}",
                        mta=HOSTNAME)


def ingest(daemon, *messages):
    for i, message in enumerate(messages):
        path = daemon.home / f"message-{i}"
        path.write_bytes(message)
        daemon.ctl("ingest", "--own", str(path))


def new_rules(daemon):
    folder = daemon.home / "rules.d"
    folder.mkdir(exist_ok=True)
    (folder / "local.rules").write_text(RULES)


def table(daemon):
    return daemon.query("SELECT * FROM suppression ORDER BY key, stream")


def history(daemon):
    """Two that the old rules misread, one that they read well, two of which people have spoken."""
    ingest(daemon, bounce("zorked", "550 the box has been zorked"),
           bounce("alive", "550 5.1.1 no such person, we say"),
           bounce("dead", "550 5.1.1 user unknown"),
           bounce("released", "550 the box has been zorked"),
           bounce("manual", "550 5.1.1 no such person, we say"))
    assert set(daemon.suppressed()) == {f"{name}@bad.example" for name in ("alive", "dead", "manual")}
    daemon.ctl("add", "released@bad.example")
    daemon.ctl("remove", "released@bad.example")
    daemon.ctl("add", "--note", "asked for it", "manual@bad.example")


@pytest.mark.parametrize("running", [True, False])
def test_rules_are_run_over_history_and_taken_back(daemon, running):
    if running:
        daemon.start()
    history(daemon)
    new_rules(daemon)
    before = table(daemon)
    *found, summary = daemon.ctl_json("reclassify")
    assert {(row["what"], row["recipient"], row["was"], row["reason"]) for row in found} == {
        ("release", "alive@bad.example", "no-such-user", "policy"),
        ("suppress", "zorked@bad.example", "unclassified", "no-such-user")}
    assert summary["release"] == summary["suppress"] == 1
    assert table(daemon) == before, "it was only to look"

    done = daemon.ctl_json("reclassify", "--apply")[-1]
    assert (done["released"], done["suppressed"], done["left_alone"]) == (1, 1, 0)
    assert set(daemon.suppressed()) == {f"{name}@bad.example" for name in ("zorked", "dead", "manual")}
    row = daemon.suppressed()["zorked@bad.example"]
    assert row["origin"] == "automatic" and "local-zorked" in row["note"] and "zorked" in row["reply"]
    assert daemon.ctl("reclassify").returncode == 0, "there is nothing left to do"

    changes = daemon.ctl_json("history", "zorked@bad.example")
    assert [(row["what"], row["who"], row["change_set"]) for row in changes] == [("suppress", "root", done["change_set"])]
    assert "local-zorked" in changes[0]["note"] and "zorked" in changes[0]["reply"]

    undone, = daemon.ctl_json("undo", str(done["change_set"]))
    assert (undone["released"], undone["suppressed"], undone["left_alone"]) == (1, 1, 0)
    assert table(daemon) == before, "as if nothing had been"
    assert daemon.ctl("undo", str(done["change_set"]), check=False).returncode == 3


def test_what_happened_since_stays(daemon):
    daemon.start()
    history(daemon)
    new_rules(daemon)
    done = daemon.ctl_json("reclassify", "--apply")[-1]
    daemon.ctl("add", "--note", "he wrote to us", "alive@bad.example")
    *conflicts, undone = daemon.ctl_json("undo", str(done["change_set"]))
    assert [row["recipient"] for row in conflicts] == ["alive@bad.example"]
    assert undone["left_alone"] == 1
    now = daemon.suppressed()
    assert now["alive@bad.example"]["note"] == "he wrote to us" and "zorked@bad.example" not in now


def test_undo_without_a_number_takes_back_the_newest(daemon):
    daemon.ctl("add", "a@x.example")
    daemon.ctl("add", "b@x.example")
    daemon.ctl("remove", "a@x.example")
    seen = []
    for _ in range(3):
        daemon.ctl("undo")
        seen.append(sorted(daemon.suppressed()))
    assert seen == [["a@x.example", "b@x.example"], ["a@x.example"], []]
    assert daemon.ctl("undo").returncode == 1


def many(daemon, count):
    """A history of zorked boxes, put into the table behind the daemon's back."""
    ingest(daemon, bounce("zorked", "550 the box has been zorked"))
    db = sqlite3.connect(daemon.database, timeout=30)
    with db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(event)") if row[1] not in ("id", "address", "message_key")]
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO address"
                   " (key, given, domain) SELECT 'z' || i || '@bad.example', 'z' || i || '@bad.example', 'bad.example' FROM n",
                   (count,))
        db.execute(f"INSERT INTO event (address, message_key, {', '.join(columns)})"
                   f" SELECT a.id, 'M' || a.id, {', '.join('e.' + name for name in columns)}"
                   " FROM address a, event e WHERE a.key LIKE 'z%' AND a.id <> e.address")
    db.close()


def staged(daemon):
    return daemon.query("SELECT count(*) AS n FROM staged")[0]["n"]


def test_killed_while_it_applies_all_or_nothing_is_done(daemon):
    """SIGKILL for both, while parts are handed over and when the last one is and it is being
    done: the set is whole or not there at all, and can be done anew."""
    many(daemon, 5000)
    new_rules(daemon)
    whole = 5001
    for share in (0.1, 0.6, 1, 1):
        daemon.start()
        before = staged(daemon)
        process = subprocess.Popen([CTL, "-c", str(daemon.config), "reclassify", "--apply"], stdout=subprocess.DEVNULL)
        wait_for(lambda: staged(daemon) >= before + share * whole or process.poll() is not None, "parts")
        daemon.kill()
        process.kill()  # it would go on by itself
        process.wait()
        count = len(table(daemon))
        sets = daemon.query("SELECT count(*) AS n FROM change_set")[0]["n"]
        assert (count, sets) in ((0, 0), (whole, 1))
        assert share == 1 or not count, "only staged"
        if count:
            break
    daemon.start()
    if not count:
        assert daemon.ctl_json("reclassify", "--apply")[-1]["suppressed"] == whole
    assert daemon.ctl_json("undo")[-1]["released"] == whole
    assert not table(daemon)


def test_intake_goes_on_meanwhile(daemon):
    """Recording is never held up for long by a set of five thousand."""
    many(daemon, 5000)
    new_rules(daemon)
    daemon.start()
    process = subprocess.Popen([CTL, "-c", str(daemon.config), "reclassify", "--apply"], stdout=subprocess.DEVNULL)
    slowest = 0
    while process.poll() is None:
        begun = time.monotonic()
        daemon.ctl("add", "meanwhile@x.example")
        slowest = max(slowest, time.monotonic() - begun)
    assert process.returncode == 0
    assert len(table(daemon)) == 5002
    assert slowest < 10, slowest


@pytest.mark.parametrize("running", [True, False])
def test_an_import_is_one_change_set(daemon, running):
    """Thousands go in as many requests, are one set in history, and are taken back as one."""
    if running:
        daemon.start()
    daemon.ctl("add", "--note", "mine", "i7@x.example")
    before = table(daemon)
    listed = daemon.home / "list.csv"
    listed.write_text("email\n" + "".join(f"i{i}@x.example\n" for i in range(5000)))
    daemon.ctl("import", "--reason", "no-such-user", str(listed))
    assert len(table(daemon)) == 5000
    sets = daemon.query("SELECT s.id, s.who, count(*) AS parts, sum(p.suppressed) AS added FROM change_set s"
                        " JOIN change_part p ON p.change_set = s.id WHERE s.what = 'import' GROUP BY s.id")
    assert [(row["who"], row["added"]) for row in sets] == [("root", 4999)] and sets[0]["parts"] > 1
    change, = daemon.ctl_json("history", "i42@x.example")
    assert change["change_set"] == sets[0]["id"]
    undone, = daemon.ctl_json("undo")
    assert (undone["undoes"], undone["released"], undone["left_alone"]) == (sets[0]["id"], 4999, 0)
    assert table(daemon) == before


def test_a_policy_is_run_over_history(daemon):
    """A policy line that is taken into use later: on record, and applied to what was."""
    daemon.start()
    ingest(daemon, bounce("dead", "550 5.1.1 user unknown"))
    assert set(daemon.suppressed()) == {"dead@bad.example"}
    daemon.policy = '\npolicy "no-such-user" {\n    action = none\n}\n'
    daemon.configure()
    daemon.hup()
    said = "SELECT who, note FROM v_changes WHERE what = 'policy' ORDER BY change"
    wait_for(lambda: daemon.ctl("add", "other@x.example") and len(daemon.query(said)) > 1, "the policy on record")
    first, then = daemon.query(said)
    assert (first["who"], then["who"]) == ("settings", "settings")
    assert "no-such-user: none\n" in then["note"] and "no-such-user: none" not in first["note"]
    found = daemon.ctl_json("reclassify", "--apply")[0]
    assert (found["what"], found["recipient"]) == ("release", "dead@bad.example") and "policy does nothing" in found["note"]
    assert set(daemon.suppressed()) == {"other@x.example"}
    daemon.ctl("undo")
    assert set(daemon.suppressed()) == {"dead@bad.example", "other@x.example"}
