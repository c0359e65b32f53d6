"""The fake internet: small SMTP servers that answer as the world's providers do.

FakeInternet runs one asyncio loop in a thread of its own. Each Host listens on a
port of 127.0.0.1 and holds Answers: what it says of one recipient, and at which
step of the dialogue. `routes()` tells an MTA which domain goes to which port.

    net = FakeInternet().start()
    host = net.host("mail", ["example.net"])
    host.answer("gone", Answer("550 5.1.1 no such user"))
    ...
    net.stop()

An Answer's reply is one text; a line break in it makes a multi-line reply. Tests
may change answers while the servers run. What was accepted is kept in
`host.accepted`, one Received a recipient.
"""
import asyncio
import dataclasses
import socket
import threading

# The steps of the dialogue at which a host can refuse.
CONNECT, MAIL, RCPT, DATA = "connect", "mail", "rcpt", "data"
LINE_MAX = 2 * 1024 * 1024


@dataclasses.dataclass
class Answer:
    """What a host says of one recipient. An empty reply accepts."""

    reply: str = ""
    stage: str = RCPT
    times: int = 0  # answers so this often, then accepts; 0: always


@dataclasses.dataclass
class Received:
    """One message as one recipient got it."""

    sender: str
    recipient: str
    content: bytes


class Host:
    """One provider's mail server."""

    def __init__(self, name, domains, greeting, silent=False):
        self.name = name
        self.domains = list(domains)
        self.greeting = greeting  # a refusal when it starts with 4 or 5
        self.silent = silent      # accepts the connection and never speaks
        self.port = 0
        self.answers = {}         # local part, or "*" for every other one
        self.sender_answer = ""   # a refusal of every MAIL command
        self.accepted = []
        self.seen = {}            # recipient -> how often it was tried

    def answer(self, local, answer):
        self.answers[local.lower()] = answer

    def accepted_by(self, recipient):
        return [got for got in self.accepted if got.recipient.lower() == recipient.lower()]

    def refusal(self, recipient, stage):
        """The reply that this recipient gets at this stage; empty to go on."""
        local = recipient.rpartition("@")[0].lower()
        answer = self.answers.get(local, self.answers.get("*"))
        if answer is None or answer.stage != stage or not answer.reply:
            return ""
        key = recipient.lower()
        if answer.times and self.seen.get(key, 0) >= answer.times:
            return ""
        self.seen[key] = self.seen.get(key, 0) + 1
        return answer.reply.replace("{rcpt}", recipient)


class Dialogue:
    """One SMTP session with one client."""

    def __init__(self, host, reader, writer):
        self.host = host
        self.reader = reader
        self.writer = writer
        self.sender = None
        self.recipients = []

    async def say(self, reply):
        """Sends a reply; every line but the last gets its hyphen after the code."""
        lines = reply.split("\n")
        code = lines[0][:3]
        for index, line in enumerate(lines):
            text = line[4:] if line[:3] == code and line[3:4] in (" ", "-", "") else line
            mark = "-" if index < len(lines) - 1 else " " if text or len(line) > 3 else ""
            self.writer.write(f"{code}{mark}{text}\r\n".encode())
        await self.writer.drain()

    async def run(self):
        if self.host.silent:
            await self.reader.read()
            return
        await self.say(self.host.greeting)
        if self.host.greeting[0] in "45":
            return
        while True:
            line = await self.reader.readline()
            if not line:
                return
            verb, _, rest = line.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(" ")
            command = getattr(self, "do_" + verb.lower(), None)
            if command is None:
                await self.say("500 5.5.1 Command unknown")
            elif not await command(rest):
                return

    async def do_ehlo(self, _rest):
        await self.say(f"250-{self.host.domains[0]}\n250-PIPELINING\n250-8BITMIME\n"
                       "250-SMTPUTF8\n250-ENHANCEDSTATUSCODES\n250 SIZE 52428800")
        return True

    async def do_helo(self, _rest):
        await self.say(f"250 {self.host.domains[0]}")
        return True

    async def do_mail(self, rest):
        if self.host.sender_answer:
            await self.say(self.host.sender_answer)
            return True
        self.sender, self.recipients = between(rest), []
        await self.say("250 2.1.0 OK")
        return True

    async def do_rcpt(self, rest):
        recipient = between(rest)
        refusal = self.host.refusal(recipient, RCPT)
        if not refusal:
            self.recipients.append(recipient)
        await self.say(refusal or "250 2.1.5 OK")
        return True

    async def do_data(self, _rest):
        if not self.recipients:
            await self.say("554 5.5.1 No valid recipients")
            return True
        await self.say("354 Go ahead")
        content = bytearray()
        while (line := await self.reader.readline()) not in (b".\r\n", b""):
            content += line[1:] if line.startswith(b".") else line
        if not line:
            return False
        refusals = [self.host.refusal(who, DATA) for who in self.recipients]
        refusal = next(filter(None, refusals), "")
        if not refusal:
            self.host.accepted += [Received(self.sender, who, bytes(content))
                                   for who in self.recipients]
        await self.say(refusal or "250 2.0.0 OK: queued")
        return True

    async def do_rset(self, _rest):
        self.recipients = []
        await self.say("250 2.0.0 OK")
        return True

    async def do_noop(self, _rest):
        await self.say("250 2.0.0 OK")
        return True

    async def do_quit(self, _rest):
        await self.say("221 2.0.0 Bye")
        return False


def between(text):
    """The address between the angle brackets of MAIL or RCPT, unquoted."""
    address = text[text.index("<") + 1:text.rindex(">")]
    if address.startswith('"'):
        local, _, domain = address.rpartition("@")
        address = local[1:-1].replace("\\", "") + "@" + domain
    return address


class FakeInternet:
    def __init__(self):
        self.hosts = {}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.servers = []
        self.sessions = set()

    def start(self):
        self.thread.start()
        return self

    def host(self, name, domains, greeting=None, silent=False):
        """A new server for these domains, listening at once."""
        host = Host(name, domains, greeting or f"220 {domains[0]} ESMTP", silent)
        self.hosts[name] = host
        asyncio.run_coroutine_threadsafe(self._listen(host), self.loop).result(10)
        return host

    def closed_host(self, name, domains):
        """A host that answers no connection: a port where nobody listens."""
        host = Host(name, domains, "")
        self.hosts[name] = host
        self._reserved = getattr(self, "_reserved", [])
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        self._reserved.append(taken)
        host.port = taken.getsockname()[1]
        return host

    def routes(self):
        """{domain: port} for an MTA's transport table."""
        return {domain: host.port for host in self.hosts.values() for domain in host.domains}

    def accepted(self, recipient):
        """All messages that arrived for this recipient anywhere."""
        return [got for host in self.hosts.values() for got in host.accepted_by(recipient)]

    def stop(self):
        if self.thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(10)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
        self.loop.close()
        for taken in getattr(self, "_reserved", []):
            taken.close()

    async def _listen(self, host):
        async def serve(reader, writer):
            task = asyncio.current_task()
            self.sessions.add(task)
            try:
                await Dialogue(host, reader, writer).run()
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                self.sessions.discard(task)
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LINE_MAX)
        host.port = server.sockets[0].getsockname()[1]
        self.servers.append(server)

    async def _close(self):
        for server in self.servers:
            server.close()
        tasks = list(self.sessions)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
