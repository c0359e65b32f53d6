"""A daemon under load, without an MTA that would set the pace.

Threads hand in results by all ways at once (bounces over milter and LMTP, lines of a mail
log that is being rotated) and ask the gates. What was answered as taken is remembered; what
was not is handed in again under the same name, as an MTA does. So at the end each name must
be on record, and at any time each that was acknowledged, exactly once.
"""
import os
import smtplib
import socket
import threading
import time

from mail import outcome, report
from milter import ACCEPT, CONTINUE, REPLY, SUBMITTER, Milter
from postfix import HOSTNAME

DEAD, LIVE = "dead@good.example", "live@good.example"
BOUNCES = "bounce-7@bounces.example.com"


class Load:
    """Workers that go on whatever becomes of the daemon, until stop."""

    def __init__(self, daemon, log_path, milters=2, lmtps=1, gates=1, pause=0.0):
        self.daemon = daemon
        self.log_path = log_path
        self.pause = pause
        self.acknowledged = []  # recipients, appended to by the workers
        self.handed_in = []     # all that were begun
        self.lines = 0          # written to the log
        self.answers = {"refused": 0, "passed": 0, "unchecked": 0, "wrong": 0}
        self.rotations = 0
        self._stop = threading.Event()
        work = [self._milter] * milters + [self._lmtp] * lmtps + [self._gate, self._socketmap] * gates + [self._log]
        self._threads = [threading.Thread(target=one, args=(number,)) for number, one in enumerate(work)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        """Everything begun is acknowledged when it returns; the daemon must run."""
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a worker that does not come to an end"

    def _path(self, setting):
        return self.daemon.settings[setting].partition(":")[2]

    def _hand_in(self, way, hand_over):
        """Names one after the other, each until it is taken."""
        number = 0
        while not self._stop.is_set():
            recipient = f"{way}{number}@{way.rstrip('0123456789-')}.example"
            self.handed_in.append(recipient)
            while not hand_over(recipient, f"Q{way}{number}"):
                time.sleep(0.005)
            self.acknowledged.append(recipient)
            number += 1
            time.sleep(self.pause)

    def _milter(self, worker):
        connection = None

        def hand_over(recipient, queue_id):
            nonlocal connection
            try:
                connection = connection or Milter(self._path("milter_socket"), mta=HOSTNAME)
                content = report(outcome(recipient), queue_id=queue_id)
                if connection.message(content, queue_id) in (ACCEPT, CONTINUE):
                    return True
            except OSError:
                if connection:
                    connection.close()
                connection = None
            return False

        self._hand_in(f"milter{worker}-", hand_over)

    def _lmtp(self, worker):
        client = None

        def hand_over(recipient, queue_id):
            nonlocal client
            try:
                client = client or smtplib.LMTP(self._path("lmtp_socket"), local_hostname="client.example", timeout=60)
                client.sendmail("", [BOUNCES], report(outcome(recipient), mta=HOSTNAME, queue_id=queue_id))
                return True
            except (smtplib.SMTPException, OSError):
                if client:
                    client.close()
                client = None
            return False

        self._hand_in(f"lmtp{worker}-", hand_over)

    def _gate(self, _worker):
        connection = None
        while not self._stop.is_set():
            try:
                connection = connection or Milter(self._path("milter_socket"), SUBMITTER)
                connection.mail("news@sender.example")
                self._count(connection.rcpt(DEAD)[0] == REPLY, connection.rcpt(LIVE)[0] == REPLY)
                connection.abort()
            except OSError:
                if connection:
                    connection.close()
                connection = None
            time.sleep(0.01)

    def _socketmap(self, _worker):
        while not self._stop.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(60)
                    client.connect(self._path("socketmap_socket"))
                    self._count(*(socketmap(client, one).startswith("OK") for one in (DEAD, LIVE)))
            except (OSError, ValueError):
                pass
            time.sleep(0.01)

    def _count(self, dead_refused, live_refused):
        """Whoever has nothing to say lets mail pass; whoever refuses must be right."""
        self.answers["refused" if dead_refused else "unchecked"] += 1
        self.answers["wrong" if live_refused else "passed"] += 1

    def _log(self, _worker):
        """The log is renamed now and then: a renamed file is left after two visits, a second
        apart, for which a daemon that is killed twice a second has no time."""
        number = 0
        while not self._stop.is_set():
            with open(self.log_path, "a", encoding="ascii") as log:
                for _ in range(10):
                    log.write(log_line(number))
                    number += 1
            self.lines = number
            if number % 3000 == 0:
                rotate(self.log_path, 500)  # however slow the run: none goes away unread
                self.rotations += 1
            time.sleep(0.02)


def log_line(number):
    """A delivery of its own: odd ones failed."""
    stamp = time.strftime("%b %e %H:%M:%S")
    how = ("dsn=5.1.1, status=bounced (host mx.log.example[192.0.2.1] said: 550 5.1.1 no such user here "
           "(in reply to RCPT TO command))" if number % 2 else "dsn=2.0.0, status=sent (250 2.0.0 Ok)")
    return (f"{stamp} mta postfix/smtp[99]: 4cLOG{number}z: to=<log{number}@log.example>, "
            f"relay=mx.log.example[192.0.2.1]:25, delay=0.1, delays=0/0/0/0.1, {how}\n")


def rotate(path, keep=20):
    """As logrotate does with create."""
    for number in range(keep, 0, -1):
        old = f"{path}.{number - 1}" if number > 1 else path
        if os.path.exists(old):
            os.rename(old, f"{path}.{number}")
    with open(path, "a", encoding="ascii"):
        pass


def socketmap(client, address):
    """The answer of the map suppression to one address."""
    request = f"suppression {address}".encode()
    client.sendall(b"%d:%s," % (len(request), request))
    got = b""
    while b":" not in got:
        got += _more(client)
    length, _colon, data = got.partition(b":")
    while len(data) <= int(length):
        data += _more(client)
    return data[:-1].decode()


def _more(client):
    got = client.recv(4096)
    if not got:
        raise ConnectionError("closed")
    return got
