"""What the tests beside a real Sendmail share: the three servers, and how to change them."""
import contextlib
import socket

import pytest

import sendmail
import suppressd
from conftest import Rig, folder
from mail import Client
from sendmail import HOSTNAME, Sendmail
from suppressd import Suppressd
from waiting import wait_for

NEWS = "news@sender.example"
UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
LIVE = "live@good.example"
BOUNCES = "bounces.example"  # what is returned to it goes to suppressd
# suppressd asks for the macros that it needs: what the configuration sends does not matter.
NO_MACROS = "".join(f"define(`confMILTER_MACROS_{step}', `')dnl\n"
                    for step in ("CONNECT", "ENVFROM", "ENVRCPT", "EOM"))
LIST = f"list@{BOUNCES}"


class Beside(Rig):
    """A fake internet, a Sendmail that sends into it, and a suppressd beside it, put there by
    the lines that suppressctl prints."""

    def __init__(self, home):  # pylint: disable=super-init-not-called
        self.make_internet()
        self.mta = Sendmail(home / "sendmail", self.net)
        self.suppressd = Suppressd(home / "suppressd", mail_log=self.mta.log_path,
                                   mail_log_host=HOSTNAME, lmtp_trust="own",
                                   lmtp_socket=f"unix:{home}/suppressd/lmtp.sock")

    def start(self):
        self.mta.lines = self.lines()
        self.mta.mailertable[BOUNCES] = "suppressd:localhost"
        self.suppressd.start()
        self.mta.start()

    def lines(self):
        """Of sendmail.mc, as suppressctl prints them."""
        done = self.suppressd.ctl("setup", "sendmail", "--bounce-domain", BOUNCES)
        return done.stdout + NO_MACROS

    def client(self, address="127.0.0.1"):
        return Client(self.mta.port, address)

    def event(self, recipient, witnesses=1):
        """The one event of a recipient, once so many have told of it."""
        wait_for(lambda: [event for event in self.suppressd.events(recipient)
                          if event["witnesses"] >= witnesses],
                 lambda: f"{witnesses} witnesses: {self.suppressd.events(recipient)}")
        event, = self.suppressd.events(recipient)
        return event


@pytest.fixture(scope="module")
def rig():
    """Below /run: Sendmail uses no socket or map below a folder that all may write to."""
    if suppressd.missing() or sendmail.missing():
        pytest.skip(suppressd.missing() or sendmail.missing())
    with folder("/run") as home:
        made = Beside(home)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture(autouse=True)
def running(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()
    rig.settle()


@contextlib.contextmanager
def changed(mta, **attributes):
    """A server with these other attributes, for a while."""
    before = {name: getattr(mta, name) for name in attributes}
    try:
        vars(mta).update(attributes)
        mta.restart()
        yield
    finally:
        vars(mta).update(before)
        mta.restart()


@pytest.fixture
def by_log_alone(rig):
    """No bounce reaches suppressd."""
    with changed(rig.mta, lines=rig.mta.lines + "define(`confCOPY_ERRORS_TO', `')dnl\n"):
        yield


def outside_address():
    """Of this machine, and not the loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
        return one.getsockname()[0]


def codes(replies):
    return {recipient: code for recipient, (code, _text) in replies.items()}
