"""suppressctl ingest --log: old logs into the records, each line once."""
import bz2
import gzip
import lzma
import os
import pty
import shutil
import subprocess
import time

import pytest

import suppressd
from suppressd import CTL, Suppressd
from waiting import wait_for

DAY = 86400
LINES = 60  # a file; each tenth is a failure


def line(number, when):
    recipient = f"to{number}@example.net"
    result = "dsn=2.0.0, status=sent (250 ok)" if number % 10 else \
        "dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown)"
    stamp = time.strftime("%b %e %H:%M:%S", time.localtime(when))
    return (f"{stamp} mail postfix/smtp[7]: 4Xyz{number:06}: to=<{recipient}>, relay=mx.example.net[192.0.2.7]:25, "
            f"delay=1, {result}\n")


class Logs:
    """A folder with mail.log and what rotation has left; file n of the past is n days old."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        self.written = 0
        self.now = int(time.time()) - 1000

    def path(self, name="mail.log"):
        return self.folder / name

    def text(self, days, count=LINES):
        numbers = range(self.written, self.written + count)
        self.written += count
        return "".join(line(number, self.now - days * DAY + number % LINES) for number in numbers)

    def write(self, name, days, opener=open):
        with opener(self.path(name), "wt") as out:
            out.write(self.text(days))
        os.utime(self.path(name), (self.now - days * DAY + LINES,) * 2)

    def append(self, count):
        with open(self.path(), "a") as out:
            out.write(self.text(0, count))

    def all(self):
        return [str(path) for path in self.folder.iterdir()]


@pytest.fixture
def rig(home, request):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    name = str(abs(hash(request.node.name)))[:8]
    logs = Logs(home / f"{name}.log")
    daemon = Suppressd(home / name)
    daemon.log_settings = {"mail_log": logs.path()}
    yield daemon, logs
    daemon.kill()


def past(logs):
    logs.write("mail.log.4.bz2", 4, bz2.open)
    logs.write("mail.log.3.gz", 3, gzip.open)
    logs.write("mail.log.2.xz", 2, lzma.open)
    logs.write("mail.log.1", 1)
    logs.write("mail.log", 0)
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", "--rm", logs.path("mail.log.1")], check=True)


def ingest(daemon, *arguments):
    """What it says of each file, and of all."""
    said = daemon.ctl_json("ingest", "--log", *map(str, arguments))
    files = [one for one in said if not one["total"]]
    return {os.path.basename(one["file"]): one for one in files}, said[-1]


def failures(daemon):
    return len(daemon.events()), sum(event["witnesses"] for event in daemon.events())


@pytest.mark.parametrize("running", [False, True])
def test_each_line_counts_once_and_in_the_order_of_time(rig, running):
    daemon, logs = rig
    past(logs)
    if running:
        daemon.start()
    files, total = ingest(daemon, *sorted(logs.all(), reverse=True))
    assert [name[:10] for name in files] == ["mail.log.4", "mail.log.3", "mail.log.2", "mail.log.1", "mail.log"]
    assert (total["lines"], total["delivered"], total["failed"]) == (300, 270, 30)
    assert total["events"] == 30 and failures(daemon) == (30, 30)
    times = [event["time"] for event in daemon.events()]
    assert times == sorted(times) and times[0] == logs.now - 4 * DAY
    files, total = ingest(daemon, *logs.all())
    assert (total["lines"], total["read_before"], total["events"]) == (0, 300, 0)
    assert failures(daemon) == (30, 30)


def test_a_file_is_known_again_by_its_content(rig):
    daemon, logs = rig
    logs.write("mail.log.1", 1)
    ingest(daemon, logs.path("mail.log.1"))
    with open(logs.path("mail.log.1"), "rb") as plain, gzip.open(logs.path("mail.log.2.gz"), "wb") as packed:
        shutil.copyfileobj(plain, packed)
    _, total = ingest(daemon, logs.path("mail.log.2.gz"), logs.path("mail.log.1"))
    assert (total["lines"], total["read_before"]) == (0, 2 * LINES)


def test_a_file_that_has_grown_is_read_on(rig):
    daemon, logs = rig
    logs.write("mail.log", 0)
    ingest(daemon, logs.path())
    logs.append(30)
    _, total = ingest(daemon, logs.path())
    assert (total["lines"], total["read_before"], total["events"]) == (30, LINES, 3)


def saved(daemon):
    return daemon.query("SELECT * FROM follow")


def test_what_is_followed_is_left_to_the_daemon(rig):
    """It began in the middle of mail.log: what stands before is ingested, what comes is not."""
    daemon, logs = rig
    past(logs)
    daemon.configure(**daemon.log_settings)
    daemon.start()
    wait_for(lambda: saved(daemon), "a first position")
    logs.append(30)
    wait_for(lambda: failures(daemon) == (3, 3), lambda: str(failures(daemon)))
    files, total = ingest(daemon, *logs.all())
    assert files["mail.log"]["left"] and files["mail.log"]["lines"] == LINES
    assert (total["lines"], total["events"]) == (300, 30)
    logs.append(30)
    wait_for(lambda: failures(daemon) == (36, 36), lambda: str(failures(daemon)))
    os.rename(logs.path(), logs.path("mail.log.0"))
    logs.append(30)
    wait_for(lambda: failures(daemon) == (39, 39), lambda: str(failures(daemon)))
    daemon.stop()
    logs.append(10)
    files, total = ingest(daemon, *logs.all())
    assert total["lines"] == 0 and files["mail.log"]["left"] and failures(daemon) == (39, 39)
    daemon.start()
    wait_for(lambda: failures(daemon) == (40, 40), lambda: str(failures(daemon)))


def test_a_log_that_was_ingested_first_is_followed_from_there(rig):
    daemon, logs = rig
    daemon.configure(**daemon.log_settings)
    logs.write("mail.log", 0)
    ingest(daemon, logs.path())
    logs.append(30)
    daemon.start()
    wait_for(lambda: failures(daemon) == (9, 9), lambda: str(failures(daemon)))
    logs.append(10)
    wait_for(lambda: failures(daemon) == (10, 10), lambda: str(failures(daemon)))


def test_the_rest_of_a_file_that_was_compressed_meanwhile(rig):
    """The daemon was away: it tells of the gap, and ingest fills just that."""
    daemon, logs = rig
    logs.write("mail.log", 0)
    daemon.configure(**daemon.log_settings)
    daemon.start()
    wait_for(lambda: saved(daemon), "a first position")
    logs.append(30)
    wait_for(lambda: failures(daemon) == (3, 3), lambda: str(failures(daemon)))
    daemon.stop()
    logs.append(20)
    with open(logs.path(), "rb") as plain, gzip.open(logs.path("mail.log.2.gz"), "wb") as packed:
        shutil.copyfileobj(plain, packed)
    os.unlink(logs.path())
    logs.append(10)
    daemon.start()
    daemon.wait_stderr("suppressctl ingest --log reads what is left")
    wait_for(lambda: failures(daemon) == (4, 4), lambda: str(failures(daemon)))
    _, total = ingest(daemon, logs.path("mail.log.2.gz"))
    assert (total["lines"], total["read_before"], total["events"]) == (LINES + 20, 30, 8)
    assert failures(daemon) == (12, 12)


def test_a_damaged_file_gives_what_stands_before_the_damage(rig):
    daemon, logs = rig
    for _ in range(300):
        logs.append(100)
    with gzip.open(logs.path("mail.log.1.gz"), "wb") as packed:
        packed.write(logs.path().read_bytes())
    whole = logs.path("mail.log.1.gz").read_bytes()
    logs.path("mail.log.2.gz").write_bytes(whole[:len(whole) // 2])
    done = daemon.ctl("ingest", "--log", str(logs.path("mail.log.2.gz")), str(logs.path("nowhere")), check=False)
    assert done.returncode == 3
    assert "mail.log.2.gz: " in done.stderr and "nowhere: No such file" in done.stderr
    some = len(daemon.events())
    assert 0 < some < 3000
    ingest(daemon, logs.path("mail.log.1.gz"))
    assert failures(daemon) == (3000, 3000)


def test_an_import_that_is_killed_goes_on_where_it_was(rig):
    daemon, logs = rig
    for _ in range(400):
        logs.append(100)
    command = [CTL, "-c", str(daemon.config), "ingest", "--log", str(logs.path())]
    for after in range(1, 4):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            wait_for(lambda: process.poll() is not None or (daemon.database.exists() and counted(daemon) >= after * 500),
                     "some events")
            process.kill()
    ingest(daemon, logs.path())
    assert failures(daemon) == (4000, 4000)


def counted(daemon):
    try:
        return len(daemon.query("SELECT id FROM event"))
    except Exception:  # the database is just being made
        return 0


def test_standard_input_and_another_host(rig):
    daemon, logs = rig
    text = logs.text(0)
    done = daemon.ctl("ingest", "--log", "--host", "mta.example.org", "-", text=text)
    assert done.returncode == 0 and "60 lines, 54 delivered, 0 deferred, 6 failed" in done.stdout
    assert {event["reporting_mta"] for event in daemon.events()} == {"mta.example.org"}


def test_the_year_is_that_of_the_file(rig):
    daemon, logs = rig
    logs.now -= 500 * DAY
    logs.write("mail.log.9.gz", 0, gzip.open)
    ingest(daemon, logs.path("mail.log.9.gz"))
    assert {event["time"] // DAY for event in daemon.events()} <= {logs.now // DAY, (logs.now + LINES) // DAY}


def test_a_terminal_shows_how_far_it_is(rig):
    daemon, logs = rig
    for _ in range(1500):
        logs.append(100)
    master, slave = pty.openpty()
    command = [CTL, "-c", str(daemon.config), "ingest", "--log", str(logs.path())]
    with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL) as process:
        os.close(slave)
        shown = os.read(master, 1000)
        process.kill()
    os.close(master)
    assert b"%" in shown and b"lines" in shown


def test_calls_that_make_no_sense(rig):
    daemon, _ = rig
    for arguments in (["--own", "--log", "x"], ["--host", "h", "x"], ["--nonsense"]):
        assert daemon.ctl("ingest", *arguments, check=False).returncode == 2
