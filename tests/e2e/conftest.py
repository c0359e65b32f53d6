"""Fixtures: the servers of a test, started before it and stopped after it, whatever happens."""
import contextlib
import os
import shutil
import tempfile
import pathlib

import pytest

import postfix
import suppressd
from internet import FakeInternet
from mail import Client
from postfix import Postfix
from suppressd import Suppressd


def pytest_collection_modifyitems(items):
    reason = postfix.missing()
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@contextlib.contextmanager
def folder(parent=None):
    """A short path (unix sockets) that the MTA's user may enter. With E2E_KEEP=1 in the
    environment it stays when the tests are over, with all logs."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="suppressd-", dir=parent))
    path.chmod(0o755)
    yield path
    if not os.environ.get("E2E_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def home():
    with folder() as path:
        yield path


class Rig:
    """A fake internet, a Postfix that sends into it, and a suppressd beside it."""

    def __init__(self, home, **settings):
        self.make_internet()
        self.postfix = self.mta = Postfix(home / "postfix", self.net)
        self.suppressd = Suppressd(home / "suppressd", **settings)
        self.postfix.milter(self.suppressd.milter_address)

    def make_internet(self):
        self.net = FakeInternet().start()
        self.inbox = self.net.host("home", ["sender.example"])
        self.good = self.net.host("good", ["good.example"])
        self.bad = self.net.host("bad", ["bad.example"])

    def client(self):
        """A client that Postfix trusts."""
        return Client(self.postfix.submission_port)

    def outsider(self, **who):
        """A client out on the internet."""
        return Client(self.postfix.internet_port).pretend(**who)

    def send(self, recipients, **how):
        with self.client() as client:
            return client.send(recipients, **how)

    def settle(self, seconds=60):
        """Waits until all mail is delivered or returned."""
        self.mta.wait_empty(seconds)

    def stop(self):
        with contextlib.ExitStack() as stack:
            stack.callback(self.net.stop)
            stack.callback(self.mta.stop)
            stack.callback(self.stop_daemon)

    def stop_daemon(self):
        """With TERM, so that a sanitizer can report leaks."""
        status = self.suppressd.stop()
        assert status in (None, 0), self.suppressd.stderr()[-4000:]


@pytest.fixture(scope="module")
def rig(home):
    """All three servers, running; one set for the tests of a file."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


COUNTS = []


@pytest.fixture(scope="session")
def tell():
    """Keeps a line of figures for the end of the run."""
    return COUNTS.append


def pytest_terminal_summary(terminalreporter):
    if COUNTS:
        terminalreporter.section("counts")
        for line in COUNTS:
            terminalreporter.write_line(line)


def pytest_runtest_makereport(item, call):
    """A failed test shows how the servers' logs end."""
    made = item.funcargs.get("rig") if hasattr(item, "funcargs") else None
    if call.excinfo and made:
        item.add_report_section(call.when, "suppressd", made.suppressd.stderr()[-1500:])
        item.add_report_section(call.when, "mta", made.mta.log()[-1500:])


os.environ["PATH"] += ":/usr/sbin:/sbin"
