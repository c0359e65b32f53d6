"""The database damaged, locked and out of room: nothing that was acknowledged is lost, nothing
is written over, and mail flows."""
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import time

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from load import DEAD, Load
from postfix import HOSTNAME
from waiting import wait_for

NEWS = "news@sender.example"
PAGE = 4096


@pytest.fixture(scope="module")
def rig(home):
    """With all ways in."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    made.suppressd.configure(lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_trust="own", mail_log_host=HOSTNAME,
                             socketmap_socket=f"unix:{home}/socketmap.sock", mail_log=home / "mail.log")
    (home / "mail.log").touch()
    try:
        made.suppressd.start()
        made.suppressd.ctl("add", DEAD)
        made.postfix.start()
        yield made
    finally:
        made.stop()


def make_dead(rig, prefix, count):
    people = [f"{prefix}{number}@bad.example" for number in range(count)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], Answer("550 5.1.1 no such user"))
    return people


def send_each(rig, people):
    with rig.client() as client:
        for person in people:
            assert client.send(person)[None][0] == 250


def recorded(rig):
    return [row["recipient"] for row in rig.suppressd.events()]


def flows(rig, name):
    """An ordinary message arrives."""
    assert rig.send(f"{name}@good.example")[None][0] == 250
    wait_for(lambda: rig.net.accepted(f"{name}@good.example"), "delivery of ordinary mail")


def digests(database):
    found = {}
    for suffix in ("", "-wal"):
        path = f"{database}{suffix}"
        if os.path.exists(path):
            with open(path, "rb") as file:
                found[suffix] = hashlib.sha256(file.read()).hexdigest()
    return found


def scribble(path, at, length, chance=random.Random(11)):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(chance.randbytes(length))


def bits_in_the_schema(database):
    scribble(database, 100, PAGE - 100)


def a_garbage_header(database):
    scribble(database, 0, 100)


def cut_short(database):
    os.truncate(database, os.path.getsize(database) // 2)


def a_garbage_wal(database):
    with open(f"{database}-wal", "wb") as file:
        file.write(random.Random(12).randbytes(20000))


def emptied(database):
    os.truncate(database, 0)


def daemon_counter(rig, name):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"].get(name, 0)


@pytest.mark.parametrize("damage", [bits_in_the_schema, a_garbage_header, cut_short, a_garbage_wal, emptied])
def test_a_start_with_a_damaged_database(rig, damage, tell):
    """It says what to do and writes nothing; mail flows; repair brings back what can be read."""
    people = make_dead(rig, damage.__name__, 5)
    send_each(rig, people[:3])
    rig.settle()
    before = len(recorded(rig))
    database = rig.suppressd.database
    assert rig.suppressd.stop() == 0
    backup = database.with_suffix(".backup")
    shutil.copy(database, backup)
    damage(database)
    damaged = digests(database)
    status, said = rig.suppressd.start_failing()
    assert status != 0 and "cannot start" in said and str(database) in said, said
    assert ("suppressctl repair" in said) != (damage is emptied), said
    assert digests(database) == damaged
    send_each(rig, people[3:])
    flows(rig, damage.__name__)
    rig.postfix.wait_log(rf"{people[4]}>.*status=bounced")

    done = rig.suppressd.ctl("repair", check=False)
    if damage is emptied:
        assert done.returncode == 3 and "not one page" in done.stderr
        os.rename(backup, database)
    else:
        assert done.returncode in (0, 1), done.stderr
        kept, = [line for line in done.stdout.splitlines() if line.startswith(f"{database}.damaged-")]
        assert digests(kept) == damaged
        assert (database.stat().st_mode, database.stat().st_uid) == (backup.stat().st_mode, backup.stat().st_uid)
        os.unlink(backup)
    assert rig.suppressd.ctl("repair", "--check").returncode == 0
    rig.suppressd.start()
    back = len(recorded(rig))
    rig.settle()
    assert set(recorded(rig)) >= set(people[3:])
    if damage is not cut_short:
        assert back == before and DEAD in rig.suppressd.suppressed()
    tell(f"damaged at the start, {damage.__name__}: {back} of {before} events are back, 2 bounces waited, mail flowed")


def test_damage_that_is_met_at_work(rig, tell):
    """The writer stops writing; bounces wait in the queue."""
    people = make_dead(rig, "met", 8)
    send_each(rig, people[:5])
    rig.settle()
    before = recorded(rig)
    database = rig.suppressd.database
    assert rig.suppressd.stop() == 0
    pages = [row["pageno"] for row in rig.suppressd.query("SELECT pageno FROM dbstat WHERE name = 'event_once'")]
    for page in pages:
        scribble(database, (page - 1) * PAGE, PAGE)
    rig.suppressd.start()
    send_each(rig, people[5:])
    rig.suppressd.wait_stderr("bounces are put off")
    said = rig.suppressd.stderr()[rig.suppressd.stderr().rindex("bounces are put off"):]
    assert f"{database} is damaged" in said and "suppressctl repair" in said
    flows(rig, "met")
    assert rig.send(DEAD)[DEAD][0] == 550  # what can be read still refuses
    wait_for(lambda: daemon_counter(rig, "reports_tempfailed") >= 3, "3 bounces put off")
    done = rig.suppressd.ctl("repair", check=False)
    assert done.returncode == 3 and "a suppressd is running" in done.stderr
    assert rig.suppressd.stop() == 0
    done = rig.suppressd.ctl("repair", check=False)
    assert done.returncode in (0, 1), done.stderr
    rig.suppressd.start()
    assert recorded(rig) == before
    rig.settle()
    assert sorted(recorded(rig)) == sorted(before + people[5:])
    tell(f"damaged at work: {len(pages)} pages of an index overwritten, {len(before)} of {len(before)} events are back, "
         "3 bounces waited, mail flowed")


def check_once(rig, load):
    """All that was handed in is on record, once."""
    names = recorded(rig)
    assert len(names) == len(set(names))
    assert not set(load.handed_in) - set(names)
    lines = [name for name in names if name.endswith("@log.example")]
    wait_for(lambda: len([name for name in recorded(rig) if name.endswith("@log.example")]) == load.lines // 2,
             lambda: f"{load.lines // 2} failures of the log, not {len(lines)}", 60)


def fresh(rig):
    """A database without what the tests before have left, and the load that may come."""
    rig.suppressd.stop()
    for path in rig.suppressd.database.parent.iterdir():
        path.unlink()
    with open(rig.suppressd.settings["mail_log"], "w", encoding="ascii"):
        pass
    rig.suppressd.start()
    rig.suppressd.ctl("add", DEAD)
    return Load(rig.suppressd, rig.suppressd.settings["mail_log"], pause=0.05)


def test_locked_for_thirty_seconds(rig, tell):
    load = fresh(rig).start()
    people = make_dead(rig, "locked", 3)
    other = sqlite3.connect(rig.suppressd.database, isolation_level=None, timeout=30)
    sent = 0
    try:
        wait_for(lambda: len(load.acknowledged) > 20, "some bounces")
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        taken = len(load.acknowledged)
        send_each(rig, people)
        while time.monotonic() < begun + 30:
            flows(rig, f"meanwhile{sent}")
            sent += 1
            assert rig.send(DEAD)[DEAD][0] == 550
        assert len(load.acknowledged) <= taken + 3, "acknowledged and not on disk"  # three were under way
        put_off = daemon_counter(rig, "reports_tempfailed")
        assert put_off
        other.execute("ROLLBACK")
        wait_for(lambda: len(load.acknowledged) > taken + 20, "bounces again", 60)
    finally:
        other.close()
        load.stop()
    rig.settle()
    check_once(rig, load)
    assert set(recorded(rig)) >= set(people)
    tell(f"locked for 30 s: {sent} ordinary messages arrived meanwhile, {put_off} bounces put off; {len(load.handed_in)} "
         f"handed in and {load.lines} log lines, 0 lost, 0 twice; gates: {load.answers}")
    assert not load.answers["wrong"] and not load.answers["unchecked"]


def mount(*arguments):
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


def test_disk_full(rig, home, tell):
    """A file system of 2 MB with nothing else on it; then there is room again."""
    small = home / "small"
    small.mkdir()
    done = mount("-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", str(small))
    if done.returncode:
        pytest.skip(f"no tmpfs: {done.stderr}")
    old = rig.suppressd.database
    try:
        rig.suppressd.stop()
        rig.suppressd.configure(database=small / "suppressd.db")
        rig.suppressd.start()
        load = fresh(rig)
        load.pause = 0
        load.start()
        people = make_dead(rig, "full", 3)
        try:
            rig.suppressd.wait_stderr("the database cannot be written", 1 + rig.suppressd.stderr().count(
                "the database cannot be written"), 120)
            send_each(rig, people)
            taken = len(load.acknowledged)
            for number in range(5):
                flows(rig, f"full{number}")
                assert rig.send(DEAD)[DEAD][0] == 550
            rig.postfix.wait_log(r"full2@bad\.example>.*status=bounced")
            assert rig.suppressd.alive()
            assert not set(load.acknowledged[:taken]) - set(recorded(rig))
            done = mount("-o", "remount,size=200m", str(small))
            assert not done.returncode, done.stderr
            rig.suppressd.wait_stderr("the database can be written again", 1)
            wait_for(lambda: len(load.acknowledged) > taken + 50, "bounces again", 60)
        finally:
            load.stop()
        rig.settle()
        check_once(rig, load)
        assert set(recorded(rig)) >= set(people)
        assert rig.suppressd.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
        tell(f"disk full: {taken} bounces taken before, {len(load.handed_in)} in all, {load.lines} log lines, 0 lost, "
             f"0 twice; gates: {load.answers}")
        assert not load.answers["wrong"]
    finally:
        rig.suppressd.stop()
        subprocess.run(["umount", "-l", str(small)], check=False)
        rig.suppressd.configure(database=old)
        rig.suppressd.start()
