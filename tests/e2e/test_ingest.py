"""suppressctl ingest: with the daemon and without, interrupted, and on a terminal."""
import json
import os
import pty
import resource
import signal
import sqlite3
import subprocess

import pytest

import suppressd as under_test
from mail import outcome, report
from postfix import HOSTNAME
from suppressd import CTL, Suppressd
from waiting import wait_for

OWN = (f"Return-Path: <>\nReceived: from localhost (localhost)\n\tby {HOSTNAME} (8.17.1.9/8.17.1.9)"
       " with internal id 5AN; Mon, 23 Nov 2026 10:00:00 +0000\n").encode()
FORGED = (f"Return-Path: <>\nReceived: from localhost (evil [203.0.113.9])\n\tby {HOSTNAME} (8.17.1.9/8.17.1.9)"
          " with ESMTP id 5AN; Mon, 23 Nov 2026 10:00:00 +0000\n").encode() + OWN


@pytest.fixture
def daemon(home):
    """Not started: the tests say when."""
    if under_test.missing():
        pytest.skip(under_test.missing())
    made = Suppressd(home / f"ingest-{os.urandom(3).hex()}", mail_log_host=HOSTNAME)
    yield made
    assert made.stop() in (None, 0), made.stderr()[-2000:]


def bounce(name, head=OWN):
    return head + report(outcome(f"{name}@bad.example"), queue_id=f"Q{name}")


def mbox(*messages):
    lines = []
    for message in messages:
        lines.append(b"From MAILER-DAEMON Mon Nov 23 10:00:00 2026")
        lines += [b">" + line if line.lstrip(b">").startswith(b"From ") else line
                  for line in message.split(b"\n")]
        lines.append(b"")
    return b"\n".join(lines) + b"\n"


def write(daemon, content, name="box"):
    path = daemon.home / name
    path.write_bytes(content)
    return str(path)


def ingest(daemon, *arguments):
    done = daemon.ctl("--json", "ingest", *arguments, check=False)
    assert done.returncode in (0, 1), done.stderr
    counts = json.loads(done.stdout)
    return tuple(counts[name] for name in ("understood", "repeated", "aside", "ordinary")), done


MIXED = mbox(bounce("a"), bounce("b", FORGED), b"Subject: hi\n\nFrom me to you\n",
             OWN + report("Action failed\n").replace(b"Reporting-MTA: dns; ", b"Reporting "))


@pytest.mark.parametrize("running", [False, True])
def test_what_becomes_of_each_message(daemon, running):
    if running:
        daemon.start()
    box = write(daemon, MIXED)
    counts, done = ingest(daemon, box)
    assert counts == (2, 0, 1, 1) and done.returncode == 1
    assert {event["evidence"] for event in daemon.events()} == {"unproven"}
    assert not daemon.suppressed()
    counts, done = ingest(daemon, "--own", box)
    assert counts[:2] == (1, 1) and counts[3] == 1
    assert set(daemon.suppressed()) == {"a@bad.example"}
    assert {event["source"] for event in daemon.events()} == {"ingest"}
    said = daemon.ctl("ingest", box, check=False)
    assert said.stderr == "" or not running
    assert said.stdout.startswith("4 messages: 0 understood, 2 repeated, ")


@pytest.mark.parametrize("running", [False, True])
def test_shapes_of_mailboxes(daemon, running):
    if running:
        daemon.start()
    for folder in ("maildir/new", "maildir/cur", "maildir/tmp", "mh"):
        (daemon.home / folder).mkdir(parents=True)
    write(daemon, bounce("m1"), "maildir/new/1.host")
    write(daemon, bounce("m2"), "maildir/cur/2.host:2,S")
    write(daemon, bounce("no"), "maildir/tmp/3.host")
    write(daemon, bounce("h1"), "mh/1")
    write(daemon, bounce("no"), "mh/1.bak")
    boxes = [str(daemon.home / "maildir"), str(daemon.home / "mh"), write(daemon, bounce("single"), "one.eml")]
    assert ingest(daemon, *boxes)[0] == (4, 0, 0, 0)
    assert {event["recipient"] for event in daemon.events()} == {
        f"{name}@bad.example" for name in ("m1", "m2", "h1", "single")}
    assert daemon.ctl("ingest", text=mbox(bounce("piped")).decode()).stdout == \
        "1 messages: 1 understood, 0 repeated, 0 kept aside, 0 ordinary\n"


def test_one_faulty_mailbox_keeps_nobody_from_the_others(daemon):
    done = daemon.ctl("ingest", "/nonexistent", write(daemon, mbox(bounce("a"))), check=False)
    assert done.returncode == 3
    assert done.stderr == "suppressctl ingest: /nonexistent: No such file or directory\n"
    assert done.stdout.startswith("1 messages: 1 understood")


@pytest.mark.parametrize("killed", ["suppressctl", "daemon", "both in one"])
def test_an_interrupted_import_counts_nothing_twice(daemon, killed):
    """Killed in the middle, several times, and run again to the end."""
    total = 3000
    box = write(daemon, mbox(*(bounce(f"x{i}", OWN) for i in range(total))))
    if killed != "both in one":
        daemon.start()
    for part in (1, 2, 3):
        before = known(daemon)
        run = subprocess.Popen([CTL, "-c", str(daemon.config), "ingest", "--own", box],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: known(daemon) > before + 200 or run.poll() is not None, "a part of the import", pause=0.001)
        if killed == "daemon":
            daemon.kill()
            daemon.start()
        else:
            run.send_signal(signal.SIGKILL)
        run.stderr.read()
        run.wait()
    assert 0 < known(daemon) < total
    before = known(daemon)  # and what the daemon still had in hand of a client that was killed
    understood, repeated, aside, ordinary = ingest(daemon, "--own", box)[0]
    assert understood + repeated == total and repeated >= before and not aside and not ordinary
    assert known(daemon) == len(daemon.suppressed()) == total
    assert {(row["hard"], row["other"]) for row in daemon.bounces()} == {(1, 0)}


def known(daemon):
    try:
        return daemon.query("SELECT count(*) AS n FROM event")[0]["n"]
    except sqlite3.OperationalError:  # no database yet
        return 0


def test_a_progress_line_on_a_terminal_only(daemon):
    box = write(daemon, mbox(*(bounce(f"p{i}") for i in range(4000))))
    reader, writer = pty.openpty()
    done = subprocess.run([CTL, "-c", str(daemon.config), "ingest", box], stdout=subprocess.PIPE,
                          stderr=writer, text=True, check=True, timeout=60)
    os.close(writer)
    shown = os.read(reader, 100000).decode()
    os.close(reader)
    assert "%" in shown and "messages" in shown and "left" in shown
    assert shown.endswith("\r\x1b[K")
    assert done.stdout.startswith("4000 messages: 4000 understood")
    again = subprocess.run([CTL, "-c", str(daemon.config), "ingest", box], capture_output=True,
                           text=True, check=True, timeout=60)
    assert again.stderr == "" and again.stdout.startswith("4000 messages: 0 understood, 4000 repeated")


def test_a_full_disk_ends_the_import_and_loses_nothing(daemon):
    daemon.start()
    box = write(daemon, mbox(*(bounce(f"f{i}") for i in range(100))))
    old = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        done = daemon.ctl("ingest", box, check=False)
        assert done.returncode == 3 and done.stderr.startswith("suppressctl ingest: ")
        assert "0 understood" in done.stdout
    finally:
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, old)
    counts = ingest(daemon, box)[0]  # the daemon may have had some in hand when the disk came back
    assert counts[0] + counts[1] == 100 and len(daemon.events()) == 100
