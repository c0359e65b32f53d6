"""Messages built to cost as much as they can, and many of them at once: memory stays within
what the settings say, and everybody else is served."""
import contextlib
import itertools
import pathlib
import socket
import threading

import pytest

import suppressd
from mail import outcome, report
from milter import ACCEPT, CONTINUE, MTAS_OWN, STRANGER, TEMPFAIL, Milter
from suppressd import Suppressd
from waiting import FACTOR, wait_for

HOST = "mta.sender.example"
MIB = 1 << 20
MEMORY, QUEUE, REPORT = 32 * MIB, 16 * MIB, 10 * MIB
CONNECTION = 256 << 10  # bytes that one may take: its share of a message, its buffers, its thread
RECIPIENTS, RECIPIENT = 10_000, 500  # report_recipients_max, and bytes that one takes
FLOOD = 50
DAEMON_BYTES = pathlib.Path(suppressd.DAEMON).read_bytes() if not suppressd.missing() else b""
DSN = (b"Content-Type", b'multipart/report; report-type=delivery-status; boundary="b0"')
STATUS = b"--b0\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.example\r\n\r\n"
SUPPRESSED = "dead@bad.example"


def many(times, piece):
    """piece(0), piece(1), ... in chunks that are worth sending."""
    numbers = iter(range(times))
    while some := list(itertools.islice(numbers, 1000)):
        yield b"".join(piece(number) for number in some)


def nested():
    return [DSN], many(10_000, lambda n: b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1))


def header():
    return [(b"X-Filler", b"x" * 50_000)] * 2000, [b"text\r\n"]


def recipients():
    return [DSN], itertools.chain(
        [STATUS],
        many(1_000_000, lambda n: b"Final-Recipient: rfc822; u%d@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" % n),
        [b"--b0--\r\n"])


def line():
    return [DSN], itertools.repeat(b"x" * MIB, 100)


def parts():
    return [DSN], many(1_000_000, lambda n: b"--b0\r\n\r\n")


# What each must strike; all are larger than report_size_max but the nested one.
BOMBS = {
    nested: ["depth_cut"],
    header: ["headers_cut", "reports_cut"],
    recipients: ["recipients_cut", "reports_cut", "aside"],
    line: ["reports_cut"],
    parts: ["parts_cut"],
}


class Lmtp:
    """One LMTP connection that gives bytes of any number."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120 * FACTOR)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        assert self.reply() == 220
        assert self.say(b"LHLO client.example") == 250

    def reply(self):
        text = self.lines.readline()
        while text[3:4] == b"-":
            text = self.lines.readline()
        return int(text[:3])

    def say(self, text):
        self.socket.sendall(text + b"\r\n")
        return self.reply()

    def give(self, fields, body):
        """The code of the answer."""
        assert self.say(b"MAIL FROM:<>") == 250
        assert self.say(b"RCPT TO:<news@sender.example>") == 250
        assert self.say(b"DATA") == 354
        for name, value in fields:
            self.socket.sendall(name + b": " + value + b"\r\n")
        self.socket.sendall(b"\r\n")
        for chunk in body:
            self.socket.sendall(chunk)
        return self.say(b"\r\n.")

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()


def taken(answer):
    """By LMTP or milter: it is on record, or says nothing."""
    assert answer in (250, 451, CONTINUE, ACCEPT, TEMPFAIL), answer
    return answer not in (451, TEMPFAIL)


class Asker:
    """A client of the socketmap."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60 * FACTOR)
        self.socket.connect(path)

    def ask(self, key):
        request = f"suppression {key}"
        self.socket.sendall(f"{len(request)}:{request},".encode())
        answer = b""
        while not answer.endswith(b","):
            answer += self.socket.recv(1000)
        return answer.decode()

    def close(self):
        self.socket.close()


@pytest.fixture(scope="module")
def daemon(home):
    """No MTA: its clients are ours."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Suppressd(home / "limits", report_size_max=f"{REPORT >> 20}M", messages_memory_max=f"{MEMORY >> 20}M",
                     queue_bytes_max=f"{QUEUE >> 20}M", gate_deadline=int(1000 * FACTOR),
                     ack_timeout=f"{int(60 * FACTOR)}s", mail_log_host=HOST,
                     lmtp_socket=f"unix:{home}/lmtp.sock", socketmap_socket=f"unix:{home}/map.sock")
    try:
        made.start()
        made.ctl("add", SUPPRESSED)
        yield made
        assert made.stop() == 0, made.stderr()[-4000:]
    finally:
        made.kill()


def place(daemon, name):
    return daemon.settings[name].partition(":")[2]


def lmtp(daemon):
    return Lmtp(place(daemon, "lmtp_socket"))


def milter(daemon, client=STRANGER):
    return Milter(place(daemon, "milter_socket"), client, HOST)


def counters(daemon):
    return daemon.ctl_json("status")[0]["daemon"]["counters"]


def peak(daemon):
    """The most memory that was ever resident, in bytes."""
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def forget_peak(daemon):
    pathlib.Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")
    return peak(daemon)


def fields_of(text):
    """(name, value) pairs, and the body in one piece with the line ends of the wire."""
    head, _, body = text.partition(b"\n\n")
    fields = [tuple(field.split(b": ", 1)) for field in head.split(b"\n")]
    return fields, [body.replace(b"\n", b"\r\n")]


class Others:
    """Who goes about his business meanwhile: reports by LMTP and milter, and lookups."""

    def __init__(self, daemon, name):
        self.daemon = daemon
        self.name = name
        self.told, self.answers, self.faults = [], [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in (self.report, self.look_up)]

    def run(self, work):
        try:
            work()
        except Exception as fault:  # pylint: disable=broad-except
            self.faults.append(repr(fault))

    def report(self):
        with lmtp(self.daemon) as one, milter(self.daemon, MTAS_OWN) as other:
            for number in itertools.count():
                for way, client in (("lmtp", one), ("milter", other)):
                    who = f"{self.name}.{way}.{number}@bad.example"
                    fields, body = fields_of(report(outcome(who), mta=HOST, queue_id=f"Q{self.name}{way}{number}"))
                    assert taken(client.give(fields, body)), f"{way} put off {who}"
                    self.told.append(who)
                if self.over.is_set():
                    return

    def look_up(self):
        with contextlib.closing(Asker(place(self.daemon, "socketmap_socket"))) as asker:
            while not self.over.is_set():
                self.answers.append(asker.ask(SUPPRESSED))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for(lambda: self.faults or (len(self.told) > 5 and len(self.answers) > 5), "the others to begin")
        return self

    def __exit__(self, *_exception):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.faults
        assert not [answer for answer in self.answers if "suppressed: " not in answer]
        recorded = {row["recipient"] for row in self.daemon.events()}
        assert not set(self.told) - recorded


def bounded(used, bound):
    """A sanitizer takes memory of its own."""
    return used <= bound or b"__asan_init" in DAEMON_BYTES or b"__tsan_init" in DAEMON_BYTES


@pytest.mark.parametrize("way", [lmtp, milter])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_harms_nobody(daemon, bomb, way):
    before, memory = counters(daemon), forget_peak(daemon)
    with Others(daemon, f"{bomb.__name__}.{way.__name__}") as others, way(daemon) as client:
        done = len(others.told), len(others.answers)
        assert taken(client.give(*bomb()))
        wait_for(lambda: others.faults or (len(others.told) > done[0] and len(others.answers) > done[1]),
                 "the others to go on", 60)
    after = counters(daemon)
    assert [name for name in BOMBS[bomb] if after[name] <= before[name]] == []
    used = peak(daemon) - memory
    print(f"{bomb.__name__} by {way.__name__}: {used >> 10} KB, {len(others.told)} reports, {len(others.answers)} lookups")
    assert bounded(used, 2 * REPORT + RECIPIENTS * RECIPIENT + 4 * CONNECTION)


def flood(number):
    """A report that understands itself, with a large message behind it."""
    fields, body = fields_of(report(outcome(f"flood{number}@bad.example"), mta="mx.far.example", queue_id=f"F{number}"))
    end = body[0].index(b"\r\n--=b=--")
    filler = b"".join(b"X-Filler: %d %s\r\n" % (number, b"y" * 900) for _ in range(REPORT // 920))
    return fields, [body[0][:end], b"\r\n", filler, body[0][end:]]


def test_many_large_reports_at_once(daemon):
    """Those that find no room are put off, come again and are recorded: none is lost."""
    before, memory = counters(daemon), forget_peak(daemon)
    ready = threading.Barrier(FLOOD)
    put_off = []

    def give(number):
        fields, body = flood(number)
        with (lmtp if number % 2 else milter)(daemon) as client:
            ready.wait()
            if not taken(client.give(fields, body)):
                put_off.append(number)

    with Others(daemon, "flood") as others:
        threads = [threading.Thread(target=give, args=(number,)) for number in range(FLOOD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number in put_off:
            with lmtp(daemon) as client:
                assert taken(client.give(*flood(number)))
    after = counters(daemon)
    used = peak(daemon) - memory
    print(f"{FLOOD} of {REPORT >> 20} MB: {used >> 10} KB, put off {len(put_off)} times, "
          f"{len(others.told)} reports, {len(others.answers)} lookups")
    assert put_off and after["messages_crowded"] - before["messages_crowded"] == len(put_off)
    assert after["reports_tempfailed"] - before["reports_tempfailed"] == len(put_off)
    assert {f"flood{number}@bad.example" for number in range(FLOOD)} <= {row["recipient"] for row in daemon.events()}
    assert bounded(used, MEMORY + QUEUE + (FLOOD + 4) * CONNECTION)


def test_milter_connections_beyond_the_limit(daemon):
    """Mail passes, nobody is looked up, a report must come again; nobody within it notices."""
    daemon.configure(milter_connections_max="2")
    daemon.hup()
    daemon.wait_stderr("reloaded")
    try:
        with milter(daemon) as one, milter(daemon) as two, milter(daemon, MTAS_OWN) as three:
            fields, body = fields_of(report(outcome("crowd@bad.example"), mta=HOST))
            assert three.give(fields, body) == TEMPFAIL
            assert three.mail("friend@far.example") == CONTINUE and three.rcpt()[0] == CONTINUE
            assert three.end_of_headers() == ACCEPT
            assert taken(two.give(fields, body)) and taken(one.give(fields, body))
        wait_for(lambda: admits(daemon, fields, body), "room for another connection")
        assert counters(daemon)["sessions_crowded"] >= 1
    finally:
        daemon.configure(milter_connections_max="1000")
        daemon.hup()
        daemon.wait_stderr("reloaded", 2)


def admits(daemon, fields, body):
    with milter(daemon, MTAS_OWN) as again:
        return taken(again.give(fields, body))
