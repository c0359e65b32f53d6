"""SIGKILL at 200 random moments under load, once without an MTA, which would set the pace, and
once with a real Postfix: what has been acknowledged is on record, once.

FAULTS_SEED in the environment repeats the moments of a run (not the threads' order).
"""
import os
import random
import time

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from load import DEAD, LIVE, Load
from postfix import HOSTNAME
from suppressd import Suppressd
from waiting import FACTOR, wait_for

KILLS, KILLS_BESIDE_POSTFIX = 180, 20
NEWS = "news@sender.example"


@pytest.fixture(scope="module")
def chance(tell):
    seed = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(1 << 32)))
    tell(f"kill: FAULTS_SEED={seed}")
    return random.Random(seed)


def repeated_and_missing(daemon, recipients):
    """What is on record more than once, of all, and not at all, of these."""
    times = {row["key"]: row["n"] for row in daemon.query(
        "SELECT a.key, count(*) AS n FROM event e JOIN address a ON a.id = e.address GROUP BY 1")}
    return {key: n for key, n in times.items() if n > 1}, set(recipients) - set(times)


def check(daemon, recipients):
    """The database as a killed daemon leaves it."""
    assert daemon.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    assert not daemon.query("PRAGMA foreign_key_check")
    repeated, missing = repeated_and_missing(daemon, recipients)
    assert not repeated, f"on record more than once: {repeated}"
    assert not missing, f"acknowledged and not on record: {sorted(missing)[:20]}"


def attempts(daemon, domain):
    """Results counted for a recipient's domain."""
    return sum(row["n"] for row in daemon.query(
        "SELECT coalesce(sum(attempts), 0) AS n FROM v_hourly WHERE domain = ?", domain))


def kill_somewhere(daemon, chance):
    """Within the start, or some moment after it. Whether it had started."""
    if chance.random() < 0.15:
        daemon.launch()
        time.sleep(chance.random() * 0.15 * FACTOR)
        ready = False
    else:
        daemon.start()
        time.sleep(chance.random() * 0.3)
        ready = True
    daemon.kill()
    return ready


def test_killed_at_random_moments(home, chance, tell):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    log = home / "mail.log"
    log.touch()
    daemon = Suppressd(home / "killed", lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_trust="own",
                       socketmap_socket=f"unix:{home}/socketmap.sock", mail_log=log, mail_log_host=HOSTNAME)
    load = Load(daemon, log, pause=0.002)
    ready = 0
    daemon.start()
    daemon.ctl("add", DEAD)
    load.start()
    try:
        for _ in range(KILLS):
            daemon.kill()
            told = list(load.acknowledged)
            check(daemon, told)
            ready += kill_somewhere(daemon, chance)
        daemon.start()
    finally:
        if not daemon.alive():
            daemon.start()
        load.stop()
    wait_for(lambda: attempts(daemon, "log.example") >= load.lines,
             lambda: f"{load.lines} lines counted, not {attempts(daemon, 'log.example')}", 60)
    check(daemon, load.handed_in + [f"log{number}@log.example" for number in range(1, load.lines, 2)])
    assert attempts(daemon, "log.example") == load.lines
    assert not load.answers["wrong"] and load.answers["refused"]
    assert LIVE not in daemon.suppressed() and DEAD in daemon.suppressed()
    assert len(daemon.events()) == len(load.handed_in) + load.lines // 2
    assert daemon.stop() == 0
    tell(f"kill: {KILLS} SIGKILLs, {ready} of a daemon that was ready: {len(load.acknowledged)} bounces acknowledged by "
         f"milter and LMTP, {load.lines} log lines over {load.rotations} rotations, 0 lost, 0 twice; gates: {load.answers}")


def test_killed_at_random_moments_beside_postfix(home, chance, tell):
    rig = Rig(home / "beside")
    people = [f"crash{number}@bad.example" for number in range(10 * KILLS_BESIDE_POSTFIX)]
    for person in people:
        rig.bad.answer(person.partition("@")[0], Answer("550 5.1.1 no such user"))
    try:
        rig.suppressd.configure(mail_log=str(rig.postfix.log_path), mail_log_host=HOSTNAME)
        rig.suppressd.start()
        rig.postfix.start()
        for number in range(KILLS_BESIDE_POSTFIX):
            with rig.client() as client:
                for person in people[10 * number:10 * number + 10]:
                    assert client.send([person, f"fine{number}@good.example"])[None][0] == 250
            time.sleep(chance.random() * 0.3)
            rig.suppressd.kill()
            returned = b"".join(got.content for got in list(rig.inbox.accepted_by(NEWS)))
            check(rig.suppressd, [who for who in people if f"rfc822; {who}\r".encode() in returned])
            rig.suppressd.start()
        rig.settle(120)
        wait_for(lambda: len(rig.suppressd.suppressed()) == len(people), "all dead suppressed", 60)
        check(rig.suppressd, people)
        for number in range(KILLS_BESIDE_POSTFIX):
            assert len(rig.net.accepted(f"fine{number}@good.example")) == 10
    finally:
        rig.stop()
    tell(f"kill: {KILLS_BESIDE_POSTFIX} SIGKILLs beside Postfix: {len(people)} bounces, 0 lost, 0 twice; "
         f"{10 * KILLS_BESIDE_POSTFIX} other recipients got their mail")
