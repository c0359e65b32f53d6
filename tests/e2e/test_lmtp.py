"""A bounce domain that Postfix hands over by LMTP, and what the listener withstands."""
import contextlib
import pathlib
import resource
import smtplib
import socket
import threading

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from mail import outcome, report
from postfix import HOSTNAME
from waiting import wait_for

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "conf" / "postfix-transport"
BOUNCES = "bounce-7@bounces.example.com"
IDLE = 1000


@pytest.fixture(scope="module")
def rig(home):
    """Without a milter: all that is learned comes by LMTP, by the line of the sample."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    domain, transport = SAMPLE.read_text().splitlines()[-1].split()
    place = made.postfix.home / "queue" / transport.removeprefix("lmtp:unix:")
    place.parent.mkdir(parents=True)
    made.suppressd.configure(lmtp_socket=f"unix:{place}", lmtp_socket_mode="0666", lmtp_trust="own",
                             lmtp_connections_max=IDLE + 20, mail_log_host=HOSTNAME)
    made.postfix.settings = {"delay_warning_time": "0", "relay_domains": f"sender.example {domain}"}
    made.postfix.unreachable[domain] = transport
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def running(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()


def place(rig):
    return rig.suppressd.settings["lmtp_socket"].partition(":")[2]


def count(rig, name):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"][name]


def test_a_remote_bounce_is_on_record_and_unproven(rig):
    with rig.outsider() as client:
        sent = report(outcome("far@bad.example"), mta="mx.bad.example", queue_id="4c1FAR0001z")
        assert client.send(BOUNCES, sender="", content=sent)[None][0] == 250
    rig.settle()
    event, = rig.suppressd.events("far@bad.example")
    assert (event["source"], event["evidence"], event["decision"]) == ("lmtp", "unproven", "unproven")
    assert "far@bad.example" not in rig.suppressd.suppressed()


def test_postfixs_own_bounce_suppresses(rig):
    """Its sender's address lies in the bounce domain, as VERP has it."""
    rig.bad.answer("dead", Answer("550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"))
    with rig.client() as client:
        assert client.send("dead@bad.example", sender=BOUNCES)[None][0] == 250
    rig.settle()
    event, = rig.suppressd.events("dead@bad.example")
    assert (event["source"], event["evidence"], event["decision"]) == ("lmtp", "local", "suppress")
    assert rig.suppressd.suppressed()["dead@bad.example"]["reason"] == "no-such-user"


def test_a_forged_bounce_stays_unproven(rig):
    """In this host's name, with its Received field within, by somebody outside who says that
    he is localhost."""
    own = f"Received: by {HOSTNAME} (Postfix)\r\n\tid 4c1OWN0001z; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    forged = own.encode() + report(outcome("victim@good.example"), queue_id="4c1FORGED1z")
    for name in ("localhost", "[127.0.0.1]", HOSTNAME):
        with rig.outsider(name="localhost") as client:
            client.smtp.ehlo(name)
            assert client.send(BOUNCES, sender="", content=forged)[None][0] == 250
    rig.settle()
    event, = rig.suppressd.events("victim@good.example")
    assert event["witnesses"] == 3 and event["evidence"] == "unproven"
    assert "victim@good.example" not in rig.suppressd.suppressed()


def test_ordinary_mail_to_the_bounce_domain(rig):
    before, known = count(rig, "ordinary"), len(rig.suppressd.events())
    with rig.outsider() as client:
        assert client.send([BOUNCES, "other@bounces.example.com"], sender="friend@far.example")[None][0] == 250
    rig.settle()
    assert count(rig, "ordinary") == before + 1 and len(rig.suppressd.events()) == known


def test_postfix_keeps_what_cannot_be_recorded(rig):
    """The disk is full: 451, and Postfix comes again."""
    limit = rig.suppressd.database.stat().st_size
    old = resource.prlimit(rig.suppressd.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    assert limit
    try:
        with rig.outsider() as client:
            sent = report(outcome("full@bad.example"), mta="mx.bad.example", queue_id="4c1FULL001z")
            client.send(BOUNCES, sender="", content=sent)
        rig.postfix.wait_log(r"status=deferred .*451 4\.3\.0 Cannot be recorded now")
        assert not rig.suppressd.events("full@bad.example")
    finally:
        resource.prlimit(rig.suppressd.process.pid, resource.RLIMIT_FSIZE, old)
    rig.settle()
    assert len(rig.suppressd.events("full@bad.example")) == 1


def test_many_idle_connections_hold_up_nobody(rig):
    """And one more than is allowed is told to come again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    resource.prlimit(rig.suppressd.process.pid, resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.connect(place(rig))
                assert one.recv(3) == b"220"
            with rig.outsider() as client:
                sent = report(outcome("busy@bad.example"), mta="mx.bad.example", queue_id="4c1BUSY001z")
                client.send(BOUNCES, sender="", content=sent)
            wait_for(lambda: rig.suppressd.events("busy@bad.example"), "a bounce beside idle connections", 20)
            for _ in range(20):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.connect(place(rig))
            wait_for(lambda: busy(rig), "a refusal", 20)
            assert count(rig, "lmtp_connections_refused") >= 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def busy(rig):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(place(rig))
        return one.recv(100).startswith(b"421 4.3.2")


def hand_over(rig, names, told):
    """One message a name over one connection; those that were answered 250 go to told."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        client = smtplib.LMTP(place(rig), local_hostname="client.example", timeout=60)
        for name in names:
            sent = report(outcome(f"{name}@bad.example"), mta="mx.bad.example", queue_id=f"Q{name}")
            client.sendmail("", [BOUNCES], sent)
            told.append(f"{name}@bad.example")


def test_nothing_acknowledged_is_lost(rig):
    """Killed at random while messages are on their way."""
    for life in range(6):
        told = []
        threads = [threading.Thread(target=hand_over, args=(rig, [f"k{life}.{one}.{i}" for i in range(400)], told))
                   for one in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(told) > 40 + 60 * life, lambda: f"{len(told)} messages", 60, pause=0.001)
        rig.suppressd.kill()
        for thread in threads:
            thread.join()
        rig.suppressd.start()
        recorded = {event["recipient"] for event in rig.suppressd.events()}
        assert len(told) < 1600, "nothing was on its way when it was killed"
        assert not set(told) - recorded
    assert rig.suppressd.query("PRAGMA integrity_check")[0]["integrity_check"] == "ok"


def test_a_stop_answers_what_is_on_disk(rig):
    """SIGTERM: whoever is not answered 250 is not left without an answer."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        one.connect(place(rig))
        one.sendall(b"LHLO x\r\n")
        wait_for(lambda: b"250 SIZE" in one.recv(1000), "the listener's answer")
        assert rig.suppressd.stop() == 0
        assert one.recv(1000).startswith(b"421 4.3.2")
