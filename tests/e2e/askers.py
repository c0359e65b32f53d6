"""Clients that ask every gate the same again and again, each in a process of its own, and hand
in bounces; what became of each question.

Asked is for a recipient that is suppressed, and each second time for one that is not: an
answer that lets the first pass was given by failing open.
"""
import collections
import contextlib
import multiprocessing
import smtplib
import socket
import struct
import time

from mail import outcome, report

DEAD, LIVE = "dead@known.example", "live@known.example"
Answers = collections.namedtuple("Answers", "seconds failed_open wrong")


class Socketmap:
    def __init__(self, place):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(place)

    def ask(self, recipient):
        """Is it refused?"""
        question = f"suppression {recipient}".encode()
        self.socket.sendall(b"%d:%b," % (len(question), question))
        said = self.socket.recv(1000)
        if not said.endswith(b",") or not (b":OK error:" in said or b":NOTFOUND " in said):
            raise ValueError(said)
        return b":OK " in said


class Policy(Socketmap):
    def ask(self, recipient):
        self.socket.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=news@sender.example\n"
                            f"recipient={recipient}\nclient_address=127.0.0.1\n\n".encode())
        said = self.socket.recv(1000)
        if not said.endswith(b"\n\n") or not said.startswith((b"action=550 ", b"action=DUNNO")):
            raise ValueError(said)
        return said.startswith(b"action=550")


class Milter(Socketmap):
    """An MTA that never gets beyond RCPT TO."""

    def __init__(self, place):
        super().__init__(place)
        self._say(b"O", struct.pack(">III", 6, 0, 0))
        self._say(b"C", b"client.example\x004" + struct.pack(">H", 4321) + b"127.0.0.1\0")

    def ask(self, recipient):
        self._say(b"M", b"<news@sender.example>\0")
        said = self._say(b"R", f"<{recipient}>\0".encode())
        self._send(b"A", b"")
        if said[:1] not in b"yc" or (said[:1] == b"y" and not said.startswith(b"y550 ")):
            raise ValueError(said)
        return said[:1] == b"y"

    def _send(self, command, content):
        self.socket.sendall(struct.pack(">I", len(content) + 1) + command + content)

    def _say(self, command, content):
        self._send(command, content)
        length, = struct.unpack(">I", self._take(4))
        return self._take(length)

    def _take(self, count):
        taken = b""
        while len(taken) < count:
            part = self.socket.recv(count - len(taken))
            if not part:
                raise ValueError("closed")
            taken += part
        return taken


class Bounces:
    """Hands in a bounce by LMTP, which is answered when it is on disk."""

    def __init__(self, place):
        self.client = smtplib.LMTP(place)
        self.number = 0

    def ask(self, _recipient):
        self.number += 1
        self.client.sendmail("", ["news@sender.example"], report(outcome(f"r{self.number}@remote.example"),
                                                                 queue_id=f"4dB{self.number}z"))
        return True


def _work(kind, place, pause, stop, out):
    """Questions until told to stop, with a pause between."""
    asker, seconds, failed_open, wrong = kind(place), [], 0, []
    for number in range(10 ** 9):
        if stop.is_set():
            break
        dead = kind is Bounces or number % 2 == 0
        began = time.monotonic()
        try:
            refused = asker.ask(DEAD if dead else LIVE)
            failed_open += dead and not refused
            if refused and not dead:
                wrong.append("refused a live one")
        except (OSError, ValueError, smtplib.SMTPException) as problem:
            wrong.append(repr(problem))
            with contextlib.suppress(OSError):
                asker = kind(place)
        seconds.append(time.monotonic() - began)
        time.sleep(pause)
    out.put(Answers(sorted(seconds), failed_open, wrong[:5]))


class Askers:
    """{name: Answers} in `answers`, after the with."""

    def __init__(self, places, pause=0.002):
        """places: {a class above: its socket}"""
        self.places = places
        self.pause = pause
        self.answers = {}

    def __enter__(self):
        fork = multiprocessing.get_context("fork")
        self.stop = fork.Event()
        self.work = []
        for kind, place in self.places.items():
            out = fork.SimpleQueue()
            process = fork.Process(target=_work, args=(kind, place, self.pause, self.stop, out), daemon=True)
            process.start()
            self.work.append((kind, process, out))
        return self

    def __exit__(self, *_exception):
        self.stop.set()
        for kind, process, out in self.work:
            self.answers[kind.__name__.lower()] = out.get()
            process.join(60)


def share(seconds, part):
    """A percentile of sorted numbers."""
    return seconds[min(len(seconds) - 1, int(len(seconds) * part))] if seconds else 0.0
