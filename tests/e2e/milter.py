"""An MTA's side of the milter protocol, as far as these tests speak it.

For what a real MTA would not send, or not fast enough; everything else is tested with one.
"""
import socket
import struct

from waiting import FACTOR

VERSION = 6
NO_HELO, NO_UNKNOWN, NO_DATA, NO_HEADER_REPLY, SKIP = 0x2, 0x100, 0x200, 0x80, 0x400
STEPS = NO_HELO | NO_UNKNOWN | NO_DATA | NO_HEADER_REPLY | SKIP
BODY = 60000  # bytes of a body that go in one piece


class Milter:
    """One connection; a client out there unless internal: then it is the MTA's own mail."""

    def __init__(self, path, internal=False, host="mta.sender.example"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120 * FACTOR)
        self.socket.connect(path)
        self.put(b"O", struct.pack("!III", VERSION, 0x1ff, STEPS))
        kind, data = self.get()
        assert kind == b"O", kind
        self.steps = struct.unpack("!III", data[:12])[2]
        name, port, address = (b"localhost", 0, b"127.0.0.1") if internal else (b"mx.far.example", 25, b"203.0.113.9")
        self.put(b"D", b"Cj\0" + host.encode() + b"\0")
        assert self.ask(b"C", name + b"\0" + b"4" + struct.pack("!H", port) + address + b"\0") == b"c"

    def put(self, kind, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + kind + data)

    def get(self):
        length, = struct.unpack("!I", self.exactly(4))
        packet = self.exactly(length)
        return packet[:1], packet[1:]

    def exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise EOFError("the filter hung up")
            data += more
        return data

    def ask(self, kind, data=b""):
        self.put(kind, data)
        return self.get()[0]

    def begin(self, sender="", recipient="news@sender.example"):
        """The answer to RCPT."""
        assert self.ask(b"M", f"<{sender}>".encode() + b"\0") == b"c"
        return self.ask(b"R", f"<{recipient}>".encode() + b"\0")

    def header(self, name, value):
        self.put(b"L", name + b"\0" + value + b"\0")
        if not self.steps & NO_HEADER_REPLY:
            assert self.get()[0] == b"c"

    def end_of_headers(self):
        return self.ask(b"N")

    def body(self, chunks):
        """Gives the body for as long as it is wanted."""
        for chunk in chunks:
            for start in range(0, len(chunk), BODY):
                answer = self.ask(b"B", chunk[start:start + BODY])
                if answer != b"c":
                    return answer
        return b"c"

    def end(self):
        """b"c" or b"a": it was taken; b"t": it is to come again."""
        return self.ask(b"E")

    def give(self, fields, body):
        """A report, its header as (name, value) pairs, its body in pieces: the last answer."""
        assert self.begin() == b"c"
        for name, value in fields:
            self.header(name, value)
        if self.end_of_headers() == b"a":
            return b"a"
        self.body(body)
        return self.end()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()
