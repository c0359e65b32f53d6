"""The MTA's end of the milter protocol, so that a test can do what no MTA does: many
messages within milliseconds, headers of 100 MB, and silence in the middle of a message.

A packet is its length (4 bytes), a letter and data.
"""
import socket
import struct

from waiting import FACTOR

CONTINUE, ACCEPT, TEMPFAIL, REJECT, DISCARD, REPLY, SKIP = b"c", b"a", b"t", b"r", b"d", b"y", b"s"
VERSION = 6
NO_HELO, NO_UNKNOWN, NO_DATA, NO_HEADER_REPLY, MAY_SKIP = 0x2, 0x100, 0x200, 0x80, 0x400
STEPS = NO_HELO | NO_UNKNOWN | NO_DATA | NO_HEADER_REPLY | MAY_SKIP
BODY = 60000  # bytes of a body that go in one piece

# Whose message it is: name, port and address of the MTA's client.
MTAS_OWN = (b"localhost", 0, b"127.0.0.1")
SUBMITTER = (b"client.example", 10025, b"127.0.0.1")
STRANGER = (b"mx.far.example", 25, b"203.0.113.9")


class Gone(OSError):
    """The other end has closed the connection."""


class Milter:
    """One connection."""

    def __init__(self, path, client=MTAS_OWN, mta="mta.sender.example"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120 * FACTOR)
        try:
            self.socket.connect(str(path))
            kind, data = self.ask(b"O", struct.pack("!III", VERSION, 0x1ff, STEPS))
            assert kind == b"O", kind
            self.steps = struct.unpack("!III", data[:12])[2]
            self.macros(b"C", j=mta)
            name, port, address = client
            self.ask(b"C", name + b"\0" + b"4" + struct.pack("!H", port) + address + b"\0")
        except OSError:
            self.close()
            raise

    def put(self, kind, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + kind + data)

    def get(self):
        """An answer's letter and data."""
        length, = struct.unpack("!I", self._read(4))
        packet = self._read(length)
        return packet[:1], packet[1:]

    def ask(self, kind, data=b""):
        self.put(kind, data)
        return self.get()

    def macros(self, step, **values):
        pairs = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in values.items())
        self.put(b"D", step + pairs)

    def mail(self, sender=""):
        return self.ask(b"M", f"<{sender}>".encode() + b"\0")[0]

    def rcpt(self, recipient="news@sender.example"):
        """The answer's letter, and the reply that the client would get."""
        letter, text = self.ask(b"R", f"<{recipient}>".encode() + b"\0")
        return letter, text.rstrip(b"\0").decode()

    def header(self, name, value):
        self.put(b"L", name + b"\0" + value + b"\0")
        return CONTINUE if self.steps & NO_HEADER_REPLY else self.get()[0]

    def end_of_headers(self):
        return self.ask(b"N")[0]

    def body(self, chunks):
        """Gives the body for as long as it is wanted: CONTINUE, SKIP, or what ends the message."""
        for chunk in chunks:
            for start in range(0, len(chunk), BODY):
                letter, _data = self.ask(b"B", chunk[start:start + BODY])
                if letter != CONTINUE:
                    return letter
        return CONTINUE

    def end(self, queue_id=None):
        """The last answer: CONTINUE or ACCEPT, it was taken; TEMPFAIL, it is to come again."""
        if queue_id:
            self.macros(b"E", i=queue_id)
        letter, _data = self.ask(b"E")
        while letter not in (CONTINUE, ACCEPT, TEMPFAIL, REJECT, DISCARD, REPLY):  # changes of the message
            letter, _data = self.get()
        return letter

    def abort(self):
        self.put(b"A")

    def give(self, fields, body, queue_id=None, sender=""):
        """A whole message, its header as (name, value) pairs, its body in pieces: the last answer."""
        for letter in self._steps(fields, body, queue_id, sender):
            if letter not in (CONTINUE, SKIP):
                break
        return letter

    def message(self, content, queue_id):
        """The same of a report as its bytes are."""
        head, _blank, body = content.partition(b"\n\n")
        fields = [(name, value.strip()) for name, _colon, value in (line.partition(b":") for line in head.split(b"\n"))]
        return self.give(fields, [body], queue_id)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.close()

    def _steps(self, fields, body, queue_id, sender):
        yield self.mail(sender)
        yield self.rcpt()[0]
        for name, value in fields:
            yield self.header(name, value)
        yield self.end_of_headers()
        yield self.body(body)
        yield self.end(queue_id)

    def _read(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise Gone("closed")
            got += more
        return got
