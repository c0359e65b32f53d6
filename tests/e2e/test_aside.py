"""Reports that nobody understands: through the real Postfix into the aside, and out again."""
import sqlite3
import time

import pytest

from mail import outcome, report
from waiting import wait_for

NEWS = "news@sender.example"


def garbage(mark):
    """A report without a word of use."""
    return report(f"Opinion: {mark}\n", queue_id=f"4c1{mark}").replace(b"Reporting-MTA: dns; ", b"Reporting ")


def bring(rig, content):
    """Hands it in and waits for it; its row of the list."""
    before = {row["id"] for row in rig.suppressd.ctl_json("aside")}
    rig.postfix.sendmail("", [NEWS], content)
    rig.settle()
    row, = [row for row in rig.suppressd.ctl_json("aside") if row["id"] not in before]
    return row


def put(rig, content, evidence="unproven"):
    """What an older version did not understand and this one does. There is no such message
    to be brought in: it goes into the table, behind the daemon's back. Its number."""
    connection = sqlite3.connect(rig.suppressd.database, timeout=30)
    with connection:
        number = connection.execute(
            "INSERT INTO aside (time, last, source, evidence, problem, sender, queue_id, size, bytes)"
            " VALUES (1700000000, 1700000000, 'milter', ?, 'an older one', '', 'OLD1', ?, ?)",
            (evidence, len(content), content)).lastrowid
    connection.close()
    return number


def test_garbage_is_listed_shown_and_counted(rig):
    row = bring(rig, garbage("TURTLE"))
    assert row["problem"] == "the delivery status names no recipient and action"
    assert (row["count"], row["evidence"], row["sender"]) == (1, "unproven", "")
    assert row["stored"] < row["size"] and abs(row["last"] - time.time()) < 3600
    shown = rig.suppressd.ctl("aside", "show", str(row["id"])).stdout
    assert "Opinion: TURTLE" in shown and shown.endswith("--=b=--\n")
    listed = rig.suppressd.ctl("aside").stdout
    assert f"{row['id']}\t" in listed and "names no recipient and action" in listed

    rig.postfix.sendmail("", [NEWS], garbage("TURTLE"))
    rig.settle()
    again, = [other for other in rig.suppressd.ctl_json("aside") if other["id"] == row["id"]]
    assert again["count"] == 2 and len(rig.suppressd.ctl_json("aside")) == rig.suppressd.ctl_json(
        "status")[0]["database"]["aside"]


def test_retry_leaves_what_is_still_not_understood(rig):
    row = bring(rig, garbage("HARE"))
    done = rig.suppressd.ctl("--json", "aside", "retry", str(row["id"]))
    assert done.returncode == 1 and '"outcome":"kept"' in done.stdout
    assert [other["id"] for other in rig.suppressd.ctl_json("aside") if other["id"] == row["id"]]


@pytest.mark.parametrize("running", [True, False])
def test_retry_records_what_is_understood_by_now(rig, running):
    name = f"aside.{running}".lower()
    ours = put(rig, report(outcome(f"{name}1@bad.example"), queue_id=f"4c1A{running}"), evidence="local")
    theirs = put(rig, report(outcome(f"{name}2@bad.example"), queue_id=f"4c1B{running}"))
    if not running:
        rig.suppressd.stop()
    try:
        done = rig.suppressd.ctl("aside", "retry", str(ours), str(theirs))
    finally:
        if not running:
            rig.suppressd.start()
    assert done.stdout == f"{ours}\tunderstood\n{theirs}\tunderstood\n", done.stderr
    proven, = rig.suppressd.events(f"{name}1@bad.example")
    claimed, = rig.suppressd.events(f"{name}2@bad.example")
    assert (proven["evidence"], proven["recorded"], proven["decision"]) == ("local", 1700000000, "suppress")
    assert (claimed["evidence"], claimed["decision"]) == ("unproven", "unproven")
    assert f"{name}1@bad.example" in rig.suppressd.suppressed()
    assert f"{name}2@bad.example" not in rig.suppressd.suppressed()
    assert not {ours, theirs} & {row["id"] for row in rig.suppressd.ctl_json("aside")}


def test_drop_by_number_and_by_date(rig):
    new = bring(rig, garbage("SNAIL"))
    old = [put(rig, garbage(f"OLD{number}")) for number in range(45)]
    done = rig.suppressd.ctl("aside", "drop", str(old[0]))
    assert done.stdout == f"{old[0]}\tdropped\n"
    assert rig.suppressd.ctl("aside", "drop", str(old[0])).returncode == 1
    done = rig.suppressd.ctl("aside", "drop", "--before", "2024-01-01")
    assert done.returncode == 0 and done.stdout.count("dropped") == 44
    kept = {row["id"] for row in rig.suppressd.ctl_json("aside")}
    assert new["id"] in kept and not kept & set(old)


def test_wrong_calls_say_what_is_wrong(rig):
    for arguments, words in [(["drop"], "--before DATE"), (["show", "x"], "one number"),
                             (["drop", "--before", "soon"], "2027-01-31"), (["sing"], "none of"),
                             (["retry", "7x"], "'7x' is no number")]:
        done = rig.suppressd.ctl("aside", *arguments, check=False)
        assert done.returncode == 2 and words in done.stderr, (arguments, done.stderr)


def test_what_is_kept_stays_within_its_bound(rig):
    rig.suppressd.configure(aside_bytes_max="8k")
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded")
    try:
        for number in range(40):
            noise = "".join(f"{number * 7919 + i * 104729:x}" for i in range(300))
            rig.postfix.sendmail("", [NEWS], garbage(f"N{number}").replace(b"Opinion", b"X-" + noise.encode()[:900]))
        rig.settle()
        wait_for(lambda: rig.suppressd.query("SELECT sum(length(bytes)) AS n FROM aside")[0]["n"] <= 8192,
                 "the bound to hold")
        assert rig.suppressd.query("SELECT count(*) AS n FROM aside")[0]["n"] >= 2
    finally:
        rig.suppressd.configure(aside_bytes_max="64M")
        rig.suppressd.hup()
