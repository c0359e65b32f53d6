"""The clock is set ahead and back while the daemon works (leap.c; the clock that nobody sets
goes on)."""
import datetime
import pathlib
import shutil
import smtplib
import struct
import subprocess

import pytest

import suppressd
from load import BOUNCES, DEAD, Load
from mail import outcome, report
from milter import ACCEPT, CONTINUE, MTAS_OWN, REPLY, SUBMITTER, Milter
from postfix import HOSTNAME
from suppressd import Suppressd
from waiting import wait_for

SOURCE = pathlib.Path(__file__).with_name("leap.c")
LEAPS = [11, 400, -30, 3650, -3650, 0]  # days from the right time


def leap_to(daemon, days):
    """In place: the daemon has the file in memory."""
    with open(daemon.clock, "r+b") as file:
        file.write(struct.pack("=q", days * 86400))


@pytest.fixture(scope="module")
def daemon(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(home / "leap.so"), str(SOURCE)], check=True)
    (home / "mail.log").touch()
    made = Suppressd(home / "clock", lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_trust="own", mail_log_host=HOSTNAME,
                     socketmap_socket=f"unix:{home}/socketmap.sock", mail_log=home / "mail.log")
    made.clock = home / "leap"
    made.clock.write_bytes(bytes(8))
    made.environment = {"LD_PRELOAD": str(home / "leap.so"), "LEAP_FILE": str(made.clock),
                        "ASAN_OPTIONS": "verify_asan_link_order=0"}
    made.start()
    try:
        yield made
    finally:
        assert made.stop() in (None, 0), made.stderr()[-3000:]


def milter(daemon, client=MTAS_OWN):
    return Milter(daemon.settings["milter_socket"].partition(":")[2], client, HOSTNAME)


def hand_in(connection, name):
    content = report(outcome(f"{name}@bad.example"), queue_id=f"Q{name}")
    return connection.message(content, f"Q{name}") in (ACCEPT, CONTINUE)


def is_refused(connection, recipient):
    connection.mail("news@sender.example")
    answer = connection.rcpt(recipient)[0]
    connection.abort()
    return answer == REPLY


def test_leaps_under_load(daemon, home, tell):
    """Each result is recorded once and its recipient suppressed, gates answer, and an LMTP
    connection that was open before goes on; nothing is put off. (libmilter closes the
    connections that wait when the clock leaps ahead; an MTA opens another.)"""
    daemon.ctl("add", DEAD)
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=10)).strftime("%Y-%m-%d")
    daemon.ctl("add", "--until", until, "tenday@good.example")
    load = Load(daemon, home / "mail.log", pause=0.02).start()
    lmtp = smtplib.LMTP(daemon.settings["lmtp_socket"].partition(":")[2], local_hostname="client.example", timeout=30)
    try:
        for number, leap in enumerate(LEAPS):
            taken = len(load.acknowledged)
            leap_to(daemon, leap)
            wait_for(lambda: len(load.acknowledged) > taken + 20, f"results after a leap to {leap} days")
            with milter(daemon) as connection, milter(daemon, SUBMITTER) as gate:
                assert hand_in(connection, f"leap{number}")
                lmtp.sendmail("", [BOUNCES], report(outcome(f"lmtp{number}@bad.example"), mta=HOSTNAME,
                                                    queue_id=f"Qleap{number}"))
                assert is_refused(gate, f"leap{number}@bad.example") and is_refused(gate, DEAD)
                assert is_refused(gate, "tenday@good.example") == (leap < 10)
                assert not is_refused(gate, "live@good.example")
    finally:
        load.stop()
        lmtp.close()
    wait_for(lambda: sum(row["n"] for row in daemon.query(
        "SELECT coalesce(sum(attempts), 0) AS n FROM v_hourly WHERE domain = 'log.example'")) >= load.lines, "all lines", 60)
    names = [row["recipient"] for row in daemon.events()]
    assert len(names) == len(set(names)) and not set(load.handed_in) - set(names)
    lines = sum(row["n"] for row in daemon.query(
        "SELECT sum(attempts) AS n FROM v_hourly WHERE domain = 'log.example'"))
    counters = daemon.ctl_json("status")[0]["daemon"]["counters"]
    assert lines == load.lines
    assert not counters.get("reports_tempfailed") and not counters.get("gate_trouble") and not counters.get("lmtp_idle")
    assert not load.answers["wrong"] and not load.answers["unchecked"]
    assert daemon.stderr().count("the clock was set ahead") == 4 and daemon.stderr().count("the clock was set back") == 2
    tell(f"clock: {len(LEAPS)} leaps of up to ten years, {len(load.handed_in)} bounces and {load.lines} log lines, 0 lost, "
         f"0 twice, 0 put off; gates: {load.answers}")


@pytest.mark.parametrize("leap", [400, -400, 0])
def test_a_start_with_another_clock(daemon, leap):
    """What was recorded by the right clock holds."""
    assert daemon.stop() == 0
    leap_to(daemon, leap)
    daemon.start()
    with milter(daemon) as connection, milter(daemon, SUBMITTER) as gate:
        assert is_refused(gate, DEAD) and not is_refused(gate, "live@good.example")
        assert hand_in(connection, f"start{leap + 500}")
        assert is_refused(gate, f"start{leap + 500}@bad.example")
    assert daemon.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
