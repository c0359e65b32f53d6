"""The MTA's end of the milter protocol, so that a test can do what no MTA does: many
messages within milliseconds, and silence in the middle of one.

A packet is its length (4 bytes), a letter and data. Nothing is agreed on but the plain
protocol: each step is answered.
"""
import socket
import struct

CONTINUE, ACCEPT, TEMPFAIL, REPLY = b"c", b"a", b"t", b"y"


class Gone(OSError):
    """The other end has closed the connection."""


class Milter:
    """One connection. As Postfix speaks for mail of its own (internal), or for a client on
    127.0.0.1."""

    def __init__(self, path, internal=True, mta="mta.sender.example", timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(path))
            self.ask(b"O" + struct.pack("!III", 6, 0x1ff, 0))
            self.macros(b"C", j=mta)
            name, port = (b"localhost", 0) if internal else (b"client.example", 10025)
            self.ask(b"C" + name + b"\0" + b"4" + struct.pack("!H", port) + b"127.0.0.1\0")
        except OSError:
            self.close()
            raise

    def ask(self, packet):
        """Sends one step; the answer's letter and data."""
        self.send(packet)
        length, = struct.unpack("!I", self._read(4))
        answer = self._read(length)
        return answer[:1], answer[1:]

    def send(self, packet):
        self.socket.sendall(struct.pack("!I", len(packet)) + packet)

    def macros(self, step, **values):
        pairs = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in values.items())
        self.send(b"D" + step + pairs)

    def mail(self, sender):
        return self.ask(b"M" + f"<{sender}>".encode() + b"\0")[0]

    def rcpt(self, recipient):
        """The answer's letter and the reply that the client would get."""
        letter, text = self.ask(b"R" + f"<{recipient}>".encode() + b"\0")
        return letter, text.rstrip(b"\0").decode()

    def message(self, sender, recipient, content, queue_id):
        """A whole message; the letter of the last answer."""
        head, _blank, body = content.partition(b"\n\n")
        steps = [b"M" + f"<{sender}>".encode() + b"\0", b"R" + f"<{recipient}>".encode() + b"\0"]
        for line in head.split(b"\n"):
            name, _colon, value = line.partition(b":")
            steps.append(b"L" + name + b"\0" + value.strip() + b"\0")
        steps += [b"N", b"B" + body]
        for step in steps:
            letter, _text = self.ask(step)
            if letter != CONTINUE:
                return letter
        self.macros(b"E", i=queue_id)
        while True:  # changes of the message come before the answer
            letter, _text = self.ask(b"E")
            if letter in (CONTINUE, ACCEPT, TEMPFAIL, REPLY, b"r", b"d"):
                return letter

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.close()

    def _read(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise Gone("closed")
            got += more
        return got
