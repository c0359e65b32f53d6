"""suppressctl import, export and scrub beside a running daemon, and interrupted."""
import json
import os
import signal
import subprocess

import pytest

import suppressd as under_test
from suppressd import CTL, Suppressd
from waiting import wait_for

ENTRIES = 5000  # several requests


@pytest.fixture
def daemon(home):
    if under_test.missing():
        pytest.skip(under_test.missing())
    made = Suppressd(home / f"lists-{os.urandom(3).hex()}")
    made.start()
    yield made
    assert made.stop() in (None, 0), made.stderr()[-2000:]


def dump(daemon, count=ENTRIES):
    path = daemon.home / "dump.json"
    path.write_text(json.dumps({"Suppressions": [
        {"EmailAddress": f"Reader{i}@example.com", "SuppressionReason": "HardBounce", "Origin": "Recipient",
         "CreatedAt": "2019-12-17T08:58:33-05:00"} for i in range(count)]}))
    return str(path)


def counts(done):
    told = json.loads(done.stdout)
    return told["entries"], told["added"], told["there"]


def test_by_way_of_the_daemon(daemon):
    path = dump(daemon)
    assert counts(daemon.ctl("--json", "import", path)) == (ENTRIES, ENTRIES, 0)
    assert counts(daemon.ctl("--json", "import", path)) == (ENTRIES, 0, ENTRIES)
    changes = daemon.query("SELECT count(*) AS n, count(DISTINCT note) AS notes, min(who) AS who, min(note) AS note"
                           " FROM change WHERE what = 'suppress'")
    row = dict(changes[0])
    assert row["n"] == ENTRIES and row["notes"] == 1 and row["who"] == "root"
    assert row["note"].startswith(f"import {path} 20")
    out = daemon.ctl("export", "--format", "postmark")
    assert len(json.loads(out.stdout)["Suppressions"]) == ENTRIES
    listed = "id,email\n1,reader7@EXAMPLE.com\n2,other@example.com\n"
    done = daemon.ctl("scrub", text=listed)
    assert done.returncode == 0 and done.stdout == "id,email\n2,other@example.com\n"
    assert "1 suppressed (1 recipient-suppressed)" in done.stderr


def test_what_was_killed_half_way_is_finished_by_the_next(daemon):
    path = dump(daemon, 20 * ENTRIES)
    running = subprocess.Popen([CTL, "-c", str(daemon.config), "import", path], stdout=subprocess.DEVNULL)
    wait_for(lambda: daemon.suppressed(), "the first entries")
    running.send_signal(signal.SIGKILL)
    running.wait()
    daemon.kill()
    kept = len(daemon.suppressed())
    done = daemon.ctl("--json", "import", path)  # no daemon runs now
    assert counts(done) == (20 * ENTRIES, 20 * ENTRIES - kept, kept)
    daemon.start()
    assert len(daemon.suppressed()) == 20 * ENTRIES


@pytest.mark.parametrize("request_text, answer", [
    ('{"command":"import"}', "there are no entries"),
    ('{"command":"import","entries":[]}', "there are no entries"),
    ('{"command":"import","entries":[7]}', "no recipient given"),
    ('{"command":"import","entries":[{"recipient":"a@b.example"},{"recipient":"nobody"}]}', "has no @"),
    ('{"command":"import","entries":[{"recipient":"a@b.example","reason":"hunger"}]}', "no reason 'hunger'"),
])
def test_a_bad_request_changes_nothing(daemon, request_text, answer):
    import socket
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(daemon.settings["control_socket"]))
        client.sendall(request_text.encode() + b"\n")
        told = json.loads(client.makefile().readline())
    assert not told["ok"] and answer in told["error"]
    assert not daemon.suppressed()
