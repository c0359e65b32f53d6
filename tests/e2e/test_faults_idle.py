"""Clients that stall in the middle of something, a thousand that say nothing at each socket at
once, and more than there are descriptors for: mail flows, gates answer, bounces are recorded."""
import contextlib
import resource
import socket
import statistics
import time

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from load import BOUNCES, DEAD, LIVE, socketmap
from mail import outcome, report
from milter import Milter
from postfix import HOSTNAME
from waiting import wait_for

IDLE = 1000
STALLED = 100
SOCKETS = ("milter_socket", "lmtp_socket", "socketmap_socket", "policy_socket")


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * len(SOCKETS) * IDLE:
        pytest.skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    made = Rig(home)
    made.suppressd.configure(lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_trust="own", mail_log_host=HOSTNAME,
                             socketmap_socket=f"unix:{home}/socketmap.sock", policy_socket=f"unix:{home}/policy.sock",
                             lmtp_connections_max=IDLE + 100, gate_connections_max=IDLE + 100)
    try:
        made.suppressd.start()
        made.suppressd.ctl("add", DEAD)
        made.postfix.start()
        yield made
    finally:
        made.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def path(rig, name):
    return rig.suppressd.settings[name].partition(":")[2]


def connect(rig, name):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(30)
    one.connect(path(rig, name))
    return one


def policy(client, recipient):
    client.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=127.0.0.1\n"
                   f"sender=news@sender.example\nrecipient={recipient}\n\n".encode())
    got = b""
    while not got.endswith(b"\n\n"):
        more = client.recv(1000)
        assert more, got
        got += more
    return got.decode()


def gates_answer(rig, times=20):
    """By socketmap and policy, right and at once: milliseconds, the median and the worst."""
    took = []
    with connect(rig, "socketmap_socket") as map_client, connect(rig, "policy_socket") as policy_client:
        for _ in range(times):
            begun = time.monotonic()
            assert socketmap(map_client, DEAD).startswith("OK error:")
            assert socketmap(map_client, LIVE) == "NOTFOUND "
            assert "5.1.1" in policy(policy_client, DEAD) and "DUNNO" in policy(policy_client, LIVE)
            took.append((time.monotonic() - begun) * 1000)
    return statistics.median(took), max(took)


def all_is_well(rig, name):
    """A message arrives, a dead recipient is refused and another is learned of, by both ways."""
    rig.bad.answer(name, Answer("550 5.1.1 no such user"))
    replies = rig.send([f"{name}@bad.example", f"{name}@good.example", DEAD])
    assert replies[DEAD][0] == 550 and replies[None][0] == 250
    with connect(rig, "lmtp_socket") as client:
        content = report(outcome(f"{name}.lmtp@bad.example"), mta=HOSTNAME, queue_id=f"Q{name}").replace(b"\n", b"\r\n")
        file = client.makefile("rb")
        said = [file.readline()[:3]]
        for line in (b"LHLO x", b"MAIL FROM:<>", f"RCPT TO:<{BOUNCES}>".encode(), b"DATA", content + b"\r\n."):
            client.sendall(line + b"\r\n")
            answer = file.readline()
            while answer[3:4] == b"-":
                answer = file.readline()
            said.append(answer[:3])
        assert said == [b"220", b"250", b"250", b"250", b"354", b"250"]
    rig.settle()
    assert rig.net.accepted(f"{name}@good.example")
    recorded = [row["recipient"] for row in rig.suppressd.events()]
    assert recorded.count(f"{name}@bad.example") == 1 and recorded.count(f"{name}.lmtp@bad.example") == 1


def test_a_thousand_idle_connections_at_each_socket(rig, tell):
    all_is_well(rig, "before")
    alone = gates_answer(rig)
    with contextlib.ExitStack() as stack:
        for number in range(IDLE):
            for name in SOCKETS:
                if name == "milter_socket" and number % 2:
                    stack.enter_context(Milter(path(rig, name)))
                else:
                    stack.enter_context(connect(rig, name))
        begun = time.monotonic()
        all_is_well(rig, "beside")
        took = time.monotonic() - begun
        beside = gates_answer(rig)
        counters = rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]
        assert not counters["gate_connections_refused"] and not counters["lmtp_connections_refused"]
        assert counters["lmtp_connections"] >= IDLE and counters["gate_connections"] >= 2 * IDLE
    all_is_well(rig, "after")
    tell(f"{IDLE} idle connections at each of {len(SOCKETS)} sockets: mail, bounces and gates go on, {took:.1f} s; four "
         f"gate answers {alone[0]:.1f} ms alone, {beside[0]:.1f} ms beside them (worst {beside[1]:.1f} ms)")


def test_milter_clients_that_stall(rig, tell):
    """Within a packet, within a message, and without taking the last answer."""
    content = report(outcome("stalled@bad.example"), queue_id="Qstalled")
    with contextlib.ExitStack() as stack:
        for number in range(STALLED):
            one = stack.enter_context(Milter(path(rig, "milter_socket"), mta=HOSTNAME))
            if number % 3 == 0:
                one.socket.sendall(b"\0\0\1")
                continue
            one.mail()
            one.rcpt()
            if number % 3 == 1:
                continue
            for line in content.partition(b"\n\n")[0].split(b"\n"):
                name, _colon, value = line.partition(b":")
                one.header(name, value.strip())
            one.end_of_headers()
            one.body([content.partition(b"\n\n")[2]])
            one.put(b"E")
        all_is_well(rig, "stall")
        gates_answer(rig)
        recorded = [row["recipient"] for row in rig.suppressd.events()]
        assert recorded.count("stalled@bad.example") == 1  # all have told of the same
        assert rig.suppressd.stop() == 0
    rig.suppressd.start()
    all_is_well(rig, "stalled.after")
    tell(f"{STALLED} milter clients that stall within packet, message and answer: mail, bounces and gates go on, and so "
         "does the stop")


def test_more_connections_than_descriptors(rig, tell):
    """Mail flows as if suppressd were not there; when there is room all that waits arrives."""
    pid = rig.suppressd.process.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (200, old[1]))
    rig.bad.answer("scarce", Answer("550 5.1.1 no such user"))
    rig.postfix.restart(milter_connect_timeout="1s", milter_command_timeout="1s", milter_content_timeout="1s")
    try:
        with contextlib.ExitStack() as stack:
            for number in range(300):
                one = socket.socket(socket.AF_UNIX)
                one.setblocking(False)
                stack.enter_context(one)
                with contextlib.suppress(OSError):  # the backlog is full
                    one.connect(path(rig, SOCKETS[number % 4]))
            begun = time.monotonic()
            while time.monotonic() < begun + 20:
                assert rig.send(["scarce@bad.example", "scarce@good.example"])[None][0] == 250
            wait_for(lambda: rig.net.accepted("scarce@good.example"), "delivery without a descriptor")
            assert rig.suppressd.alive()
    finally:
        if rig.suppressd.alive():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
        rig.postfix.restart(milter_connect_timeout="5s", milter_command_timeout="30s", milter_content_timeout="30s")
    rig.settle()
    assert "scarce@bad.example" in rig.suppressd.suppressed()
    all_is_well(rig, "scarce.after")
    tell("300 connections and 200 descriptors for 20 s: mail flowed, the bounces came when there was room")
