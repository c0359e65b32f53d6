"""Storms of rotations of the mail log, by renaming and by copying, while suppressd reads and
while it is killed: each line counts once."""
import gzip
import os
import shutil

import pytest

import suppressd
from load import log_line, rotate
from suppressd import Suppressd
from waiting import wait_for

STORM = 10  # rotations without a pause between


@pytest.fixture(scope="module")
def daemon(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    log = home / "mail.log"
    log.touch()
    made = Suppressd(home / "log", mail_log=log)
    made.log = log
    made.lines = 0
    made.start()
    try:
        yield made
    finally:
        assert made.stop() in (None, 0), made.stderr()[-3000:]


def write(daemon, count):
    with open(daemon.log, "a", encoding="ascii") as file:
        for _ in range(count):
            file.write(log_line(daemon.lines))
            daemon.lines += 1


def rename(path):
    rotate(path, 40)


def copy_and_truncate(path, keep=40):
    """As logrotate does with copytruncate; nothing is written meanwhile."""
    for number in range(keep, 1, -1):
        if os.path.exists(f"{path}.{number - 1}"):
            os.rename(f"{path}.{number - 1}", f"{path}.{number}")
    shutil.copy(path, f"{path}.1")
    os.truncate(path, 0)


def compress(path):
    """All rotated files but the newest, as delaycompress leaves them."""
    for number in range(2, 100):
        name = f"{path}.{number}"
        if os.path.exists(name):
            with open(name, "rb") as plain, gzip.open(f"{name}.gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            os.unlink(name)


def counted(daemon):
    return daemon.query("SELECT coalesce(sum(attempts), 0) AS n FROM v_hourly WHERE domain = 'log.example'")[0]["n"]


def check(daemon):
    """All lines, each once, and no gap."""
    wait_for(lambda: counted(daemon) >= daemon.lines, lambda: f"{daemon.lines} lines, not {counted(daemon)}", 90)
    assert counted(daemon) == daemon.lines
    names = [row["recipient"] for row in daemon.events()]
    assert len(names) == len(set(names)) == daemon.lines // 2
    assert "missing" not in daemon.stderr() and "gap" not in daemon.stderr()


@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
@pytest.mark.parametrize("how", [rename, copy_and_truncate], ids=["renamed", "copied"])
def test_a_storm_of_rotations(daemon, how, killed, tell):
    before = daemon.lines
    write(daemon, 51)
    if killed:
        daemon.kill()
    for _ in range(STORM):
        write(daemon, 50)
        how(daemon.log)
        write(daemon, 7)
    if killed:
        daemon.start()
    check(daemon)
    compress(daemon.log)
    write(daemon, 20)
    check(daemon)
    tell(f"log: {STORM} rotations at once, {'killed' if killed else 'running'}, {how.__name__}: "
         f"{daemon.lines - before} lines, 0 lost, 0 twice")
