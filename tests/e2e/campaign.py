"""The campaign of the demonstration: one message to every person of providers.py.

Holds the three servers and what became of each message. `demo.py` shows it,
`test_campaign.py` judges it.
"""
import contextlib
import dataclasses

from internet import FakeInternet
from mail import Client, message
from postfix import Postfix
from providers import people, populate
from suppressd import Suppressd

# Long enough for a second attempt at a greylister; what is put off for longer comes back.
LIFETIME = "8s"
SETTLED = 120  # seconds


@dataclasses.dataclass
class Outcome:
    """What became of one person's message."""

    person: object
    delivered: bool
    reply: str
    reason: str
    subject: str
    suppressed: bool

    def right(self):
        return self.reason == self.person.reason and self.suppressed == self.person.dead


class Campaign:
    def __init__(self, home):
        self.people = people()
        self.net = FakeInternet().start()
        self.postfix = Postfix(home / "postfix", self.net, lifetime=LIFETIME)
        self.suppressd = Suppressd(home / "suppressd")
        self.postfix.milter(self.suppressd.milter_address)

    def start(self):
        populate(self.net, self.postfix)
        self.suppressd.start()
        self.postfix.start()
        return self

    def stop(self):
        with contextlib.ExitStack() as stack:
            stack.callback(self.net.stop)
            stack.callback(self.suppressd.stop)
            stack.callback(self.postfix.stop)

    def send(self):
        """One message to each; {address: (code, text)} of the RCPT replies."""
        replies = {}
        with Client(self.postfix.submission_port) as client:
            for person in self.people:
                content = message(person.address, List_Id="News <news.sender.example>")
                replies.update(client.send(person.address, content=content))
        replies.pop(None, None)
        return replies

    def settle(self):
        """Waits until every message has been delivered or returned."""
        self.postfix.wait_empty(SETTLED)

    def outcomes(self):
        """One Outcome a person, by what the fake internet accepted and suppressd knows."""
        known = {row["recipient"]: row for row in self.suppressd.query(
            "SELECT b.*, r.subject FROM v_bounces b JOIN reason r ON r.name = b.last_reason")}
        suppressed = self.suppressd.suppressed()
        return [self._outcome(person, known.get(person.address), suppressed)
                for person in self.people]

    def _outcome(self, person, bounce, suppressed):
        delivered = bool(self.net.accepted(person.address))
        reply, reason, subject = "(nothing known)", "", ""
        if delivered:
            reply, reason, subject = "250 accepted", "delivered", "none"
        if bounce:
            reply, reason, subject = (bounce[name] or "" for name in
                                      ("last_reply", "last_reason", "subject"))
        return Outcome(person, delivered, reply, reason, subject, person.address in suppressed)
