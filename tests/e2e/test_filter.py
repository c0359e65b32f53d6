"""What the log tells of mail that goes through a content filter, is only tried, or expires.

The milter is out of the way, so that the log alone is the witness.
"""
import subprocess

import pytest

import suppressd
from conftest import Rig
from content_filter import ContentFilter
from internet import Answer
from mail import message
from postfix import HOSTNAME, free_ports
from waiting import wait_for

UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
BACK = """\
127.0.0.1:{port} inet n - n - - smtpd
    -o syslog_name={name}/back
    -o content_filter=
{transport} unix - - n - - {agent}
"""


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    for name in ("smtpd_milters", "non_smtpd_milters"):
        made.postfix.settings.pop(name)
    try:
        made.suppressd.configure(mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME)
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def send(rig, recipient, subject):
    rig.send(recipient, content=message(recipient, subject))


def counted(rig, domain):
    """{action: attempts} of a domain."""
    rows = rig.suppressd.query("SELECT action, sum(attempts) AS n FROM rollup WHERE domain = ? GROUP BY action", domain)
    return {row["action"]: row["n"] for row in rows}


@pytest.mark.parametrize("agent, transport, by_file", [("smtp", "scan", False), ("lmtp", "scan", True),
                                                       ("smtp", "smtp-amavis", False)])
def test_mail_through_a_filter_counts_once(rig, agent, transport, by_file):
    port, = free_ports(1)
    number = f"{agent}{transport[-4:]}"
    filtering = ContentFilter(port, rig.postfix.home / "filter.sock" if by_file else None).start()
    rig.net.host(f"good-{number}", [f"good-{number}.example"])
    rig.net.host(f"bad-{number}", [f"bad-{number}.example"]).answer("gone", Answer(UNKNOWN))
    rig.postfix.services = BACK.format(port=port, name=rig.postfix.name, transport=transport, agent=agent)
    rig.postfix.restart(content_filter=f"{transport}:{filtering.place}")
    try:
        rig.send([f"fine@good-{number}.example", f"gone@bad-{number}.example"])
        send(rig, f"fine@good-{number}.example", "discard this")
        rig.settle()
        wait_for(lambda: counted(rig, f"good-{number}.example").get("relayed") == 2,
                 lambda: f"{counted(rig, f'good-{number}.example')} {rig.postfix.log()[-3000:]}")
        wait_for(lambda: rig.suppressd.events(f"gone@bad-{number}.example"), "the failure")
        assert filtering.taken == 2
        assert counted(rig, f"bad-{number}.example")["failed"] == 1
        assert len(rig.suppressd.events(f"gone@bad-{number}.example")) == 1
        assert counted(rig, f"good-{number}.example")["delivered"] == 1
    finally:
        rig.postfix.services = ""
        rig.postfix.restart(content_filter="")
        filtering.stop()


def test_what_the_own_filter_refuses_is_not_the_recipients_fault(rig):
    port, = free_ports(1)
    filtering = ContentFilter(port).start()
    rig.postfix.services = BACK.format(port=port, name=rig.postfix.name, transport="scan", agent="smtp")
    rig.postfix.restart(content_filter=f"scan:{filtering.place}")
    try:
        send(rig, "refused@good.example", "spam")
        rig.settle()
        wait_for(lambda: rig.suppressd.events("refused@good.example"), "the event")
        assert "refused@good.example" not in rig.suppressd.suppressed()
    finally:
        rig.postfix.services = ""
        rig.postfix.restart(content_filter="")
        filtering.stop()


def test_a_probe_is_an_event_only_when_it_fails(rig):
    rig.bad.answer("unknown", Answer(UNKNOWN))
    subprocess.run(rig.postfix._command("sendmail", "-bv", "-f", "news@sender.example", "unknown@bad.example",
                                        "known@good.example"), check=True, input=b"", timeout=60)
    rig.postfix.wait_log("to=<unknown@bad.example>.* status=undeliverable")
    rig.postfix.wait_log("to=<known@good.example>.* status=deliverable")
    wait_for(lambda: rig.suppressd.events("unknown@bad.example"), "the event")
    event, = rig.suppressd.events("unknown@bad.example")
    assert event["reason"] == "no-such-user" and event["evidence"] == "local"
    assert not rig.suppressd.events("known@good.example")
    assert "known" not in str(counted(rig, "good.example"))


def test_an_expired_message_has_failed_for_who_was_deferred(rig):
    """maximal_queue_lifetime = 0: one attempt, and the message goes back."""
    rig.bad.answer("busy", Answer("450 4.2.1 <{rcpt}>: mailbox busy, try again later"))
    rig.postfix.restart(maximal_queue_lifetime="0")
    try:
        rig.send(["busy@bad.example", "now@good.example"])
        rig.postfix.wait_log("status=expired, returned to sender")
        wait_for(lambda: rig.suppressd.events("busy@bad.example"), lambda: rig.postfix.log()[-2000:])
        event, = rig.suppressd.events("busy@bad.example")
        assert (event["action"], event["status"]) == ("failed", "4.2.1") and "mailbox busy" in event["reply_text"]
        assert not rig.suppressd.events("now@good.example")
        assert "busy@bad.example" not in rig.suppressd.suppressed()
    finally:
        rig.postfix.restart(maximal_queue_lifetime="1d")
