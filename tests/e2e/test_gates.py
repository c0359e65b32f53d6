"""The gates beside the milter: socketmap and policy delegation, asked by the real Postfix,
by the lines of the sample; and what becomes of mail while suppressd is gone."""
import contextlib
import pathlib
import re
import socket

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from mail import Client
from postfix import HOSTNAME, free_ports
from waiting import wait_for

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "conf" / "postfix-gates"
DEAD, LIVE = "dead@good.example", "live@good.example"
OURS = "info@sender.example"
BANNED = "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"
UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
NOT_NOW = "450 4.1.1 <{rcpt}>: Recipient address rejected: User unknown"


def sample(name):
    """The value that the sample has for a parameter, commented out or not."""
    text = re.sub(r"^#(?! )", "", SAMPLE.read_text(), flags=re.M)
    text = re.sub(r"\n#? {4}(?=\S)", " ", text)
    return re.findall(rf"^{name} = *(.*)$", text, re.M)


@pytest.fixture(scope="module")
def rig(home):
    """No milter before the clients: the other gates are alone. Bounces and the log are read."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    sockets = made.postfix.home / "queue" / "suppressd"
    sockets.mkdir(parents=True)
    made.suppressd.configure(socketmap_socket=f"unix:{sockets}/socketmap.sock", socketmap_socket_mode="0666",
                             policy_socket=f"unix:{sockets}/policy.sock", policy_socket_mode="0666",
                             status_retry="ip-reputation, rate-limited", status_return="no-such-user",
                             mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME)
    policy, access = sample("smtpd_recipient_restrictions")
    made.policy, made.access = policy, access
    made.transport = sample("transport_maps")[0]
    made.plain = {"transport_maps": f"texthash:{made.postfix.home}/transport",
                  "smtpd_recipient_restrictions": policy, "smtpd_milters": "",
                  "default_delivery_status_filter": sample("default_delivery_status_filter")[0]}
    made.postfix.milter(made.suppressd.milter_address, bounces="accept")
    made.postfix.settings.update(made.plain)
    try:
        made.suppressd.start()
        made.postfix.start()
        for address in (DEAD, OURS):
            made.suppressd.ctl("add", address)
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def as_before(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()
    if rig.postfix.services or any(rig.postfix.settings[name] != value for name, value in rig.plain.items()):
        rig.postfix.services = ""
        rig.postfix.restart(**rig.plain)


def with_suppression(rig):
    """transport_maps of the sample, with this Postfix's own routes behind."""
    return {"transport_maps": rig.transport.replace("regexp:/etc/postfix/own-domains,", "").replace(
        "hash:/etc/postfix/transport", f"texthash:{rig.postfix.home}/transport")}


def codes(replies):
    return {recipient: code for recipient, (code, _text) in replies.items()}


def counter(rig, name):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"][name]


def got(rig, recipient, text):
    """What this recipient got with this text in it."""
    return [one for one in rig.net.accepted(recipient) if text in one.content]


def event_of(rig, recipient, count=1):
    """The events of a recipient, when there are so many and nothing waits any more."""
    wait_for(lambda: len(rig.suppressd.events(recipient)) >= count,
             lambda: f"an event of {recipient}:\n{rig.postfix.log()[-2000:]}")
    events = rig.suppressd.events(recipient)
    assert len(events) == count
    return events[-1]


def delivery(rig, recipient, status):
    """The last delivery line of a recipient with this status, once it is there."""
    def found():
        return [one for one in rig.postfix.deliveries() if one["to"] == recipient and one["status"] == status]

    wait_for(found, lambda: f"{status} of {recipient}:\n{rig.postfix.log()[-2000:]}")
    return found()[-1]


def test_policy_refuses_what_is_sent_from_here(rig):
    asked = counter(rig, "policy_requests")
    with rig.client() as client:
        code, text = client.send([DEAD, LIVE])[DEAD]
        assert code == 550 and "suppressed: recipient-suppressed since" in text, text
        assert client.send(DEAD, sender="")[DEAD][0] == 250
    with Client(rig.postfix.login_port).pretend(login="joe") as client:
        assert codes(client.send([DEAD, LIVE])) == {DEAD: 550, LIVE: 250, None: 250}
    with rig.outsider() as client:
        assert client.send(OURS, sender="joe@elsewhere.example")[OURS][0] == 250
    assert counter(rig, "policy_requests") == asked + 6
    assert counter(rig, "gate_faults") == 0


def test_without_the_policy_server_mail_flows(rig):
    rig.suppressd.kill()
    assert codes(rig.send([DEAD, "flows@good.example"])) == {DEAD: 250, "flows@good.example": 250, None: 250}
    rig.settle()
    assert rig.net.accepted("flows@good.example")
    rig.suppressd.start()
    assert rig.send(DEAD)[DEAD][0] == 550


def test_recipient_access_refuses_whoever_asks(rig):
    rig.postfix.restart(smtpd_recipient_restrictions=rig.access)
    with rig.client() as client:
        assert codes(client.send([DEAD, LIVE])) == {DEAD: 550, LIVE: 250, None: 250}
    with rig.outsider() as client:
        assert codes(client.send([OURS, "joe@sender.example"], sender="joe@elsewhere.example")) == {
            OURS: 550, "joe@sender.example": 250, None: 250}
    rig.suppressd.kill()
    assert rig.send(LIVE)[LIVE][0] == 451
    rig.suppressd.start()
    assert rig.send(LIVE)[LIVE][0] == 250


def test_a_transport_covers_sendmail(rig):
    """The dead recipient is returned to the sender, the live one gets the message; and our
    refusal is no evidence against anybody."""
    rig.postfix.restart(**with_suppression(rig))
    known = rig.suppressd.suppressed()
    rig.postfix.sendmail("root@sender.example", ["cron@good.example", DEAD], b"Subject: cron\n\nreport\n")
    rig.settle()
    assert rig.net.accepted("cron@good.example") and not got(rig, DEAD, b"cron")
    line = delivery(rig, DEAD, "bounced")
    assert line["dsn"] == "5.1.1" and "suppressed: recipient-suppressed since" in line["text"]
    assert "(suppressd:" not in line["text"]
    assert got(rig, "root@sender.example", b"suppressed: recipient-suppressed")
    event = event_of(rig, DEAD)
    assert (event["reason"], event["decision"]) == ("recipient-suppressed", "none")
    assert rig.suppressd.suppressed() == known


def test_without_the_transport_map_mail_waits(rig):
    """Postfix cannot be told to let it pass; nothing is lost."""
    rig.postfix.restart(**with_suppression(rig))
    rig.suppressd.kill()
    rig.postfix.sendmail("root@sender.example", ["waits@good.example"], b"Subject: waits\n\nreport\n")
    rig.postfix.wait_log(r"table socketmap:.* lookup error", 60)
    assert not rig.net.accepted("waits@good.example")
    rig.suppressd.start()
    wait_for(lambda: rig.net.accepted("waits@good.example"), lambda: rig.postfix.log()[-3000:], 120)
    rig.settle()


def test_pickup_by_smtp_covers_sendmail_and_fails_open(rig):
    """master.cf of the sample: sendmail(1)'s mail goes through the policy service too."""
    port, = free_ports(1)
    lines = re.findall(r"^#( {6,}.*)$", SAMPLE.read_text(), re.M)
    rig.postfix.services = "".join(f"{line[6:]}\n" for line in lines).replace("10587", str(port)).replace(
        "inet n - y", "inet n - n").replace("unix n - y 60", "unix n - n 1")
    rig.postfix.restart()
    rig.postfix.sendmail("root@sender.example", ["nightly@good.example", DEAD], b"Subject: nightly\n\nreport\n")
    rig.settle()
    assert rig.net.accepted("nightly@good.example") and not got(rig, DEAD, b"nightly")
    assert "(suppressd)" in delivery(rig, DEAD, "bounced")["text"]
    rig.suppressd.kill()
    rig.postfix.sendmail("root@sender.example", ["open@good.example"], b"Subject: open\n\nreport\n")
    rig.settle()
    assert rig.net.accepted("open@good.example")


def test_the_reason_is_logged_and_read_as_one_event(rig):
    rig.bad.answer("reason", Answer(UNKNOWN))
    rig.send("reason@bad.example")
    rig.settle()
    line = delivery(rig, "reason@bad.example", "bounced")
    assert line["dsn"] == "5.1.1" and line["text"].endswith("(in reply to RCPT TO command) (suppressd: no-such-user)")
    wait_for(lambda: event_of(rig, "reason@bad.example")["witnesses"] == 2, "log and bounce")
    event = event_of(rig, "reason@bad.example")
    assert (event["reason"], event["action"], event["decision"]) == ("no-such-user", "failed", "suppress")
    assert "User unknown" in event["reply_text"]


def test_a_bad_name_is_tried_again(rig):
    """550 for the sender's reputation: kept, tried again, delivered; no failure for anybody."""
    rig.bad.answer("patient", Answer(BANNED, times=1))
    rig.send("patient@bad.example")
    line = delivery(rig, "patient@bad.example", "deferred")
    assert line["dsn"].startswith("4.7.") and "said: 550 5.7.606" in line["text"]
    assert line["text"].endswith("(suppressd: ip-reputation, was 5.7.606)")
    rig.settle()
    assert rig.net.accepted("patient@bad.example")
    delivery(rig, "patient@bad.example", "sent")
    assert counter(rig, "status_retried") >= 1
    assert not rig.suppressd.events("patient@bad.example")
    assert not got(rig, "news@sender.example", b"patient@bad.example")
    wait_for(lambda: rig.suppressd.query(
        "SELECT 1 FROM v_daily WHERE action = 'delayed' AND reason = 'ip-reputation'"), "a deferral counted")


def test_our_own_impatience_suppresses_nobody(rig):
    """450 for a mailbox that never was: returned at once, and yet no word of the server's."""
    rig.bad.answer("never", Answer(NOT_NOW))
    rig.send("never@bad.example")
    rig.settle()
    line = delivery(rig, "never@bad.example", "bounced")
    assert line["dsn"] == "5.1.1" and line["text"].endswith("(suppressd: no-such-user, was 4.1.1)")
    wait_for(lambda: event_of(rig, "never@bad.example")["witnesses"] == 2, "log and bounce")
    event = event_of(rig, "never@bad.example")
    assert (event["reason"], event["decision"]) == ("no-such-user", "none"), event["sentence"]
    assert "never@bad.example" not in rig.suppressd.suppressed()
    assert counter(rig, "status_returned") >= 1


def test_without_the_filter_results_stay_as_they_are(rig):
    rig.bad.answer("plain", Answer(BANNED))
    rig.suppressd.kill()
    rig.send(["plain@bad.example", "fine@good.example"])
    assert delivery(rig, "plain@bad.example", "bounced")["text"].endswith("(in reply to RCPT TO command)")
    wait_for(lambda: rig.net.accepted("fine@good.example"), "mail without a filter")


def test_rules_and_reasons_are_reloaded(rig):
    """What the new rule and status_retry say holds for the next result."""
    rig.bad.answer("local", Answer("554 5.0.0 zork is cross", times=2))
    rules = pathlib.Path(rig.suppressd.settings["local_rules_dir"])
    rules.mkdir(exist_ok=True)
    (rules / "zork.rules").write_text("rule zork {\n pattern = {'zork is cross'}\n reason = 'greylisted'\n"
                                      " examples = {'554 zork is cross'}\n}\n")
    reloads = rig.suppressd.stderr().count("reloaded ")
    rig.suppressd.configure(status_retry="greylisted")
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded ", reloads + 1)
    try:
        rig.send("local@bad.example")
        rig.settle()
        assert rig.net.accepted("local@bad.example")
        assert "(suppressd: greylisted, was 5.0.0)" in delivery(rig, "local@bad.example", "deferred")["text"]
    finally:
        (rules / "zork.rules").unlink()
        rig.suppressd.configure(status_retry="ip-reputation, rate-limited")
        rig.suppressd.hup()
        rig.suppressd.wait_stderr("reloaded ", reloads + 2)


def test_idle_connections_hold_up_nobody(rig):
    """And one that says what is no request is hung up."""
    place = rig.suppressd.settings["socketmap_socket"].partition(":")[2]
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(place)
            one.send(b"27:suppr")
        wild = stack.enter_context(socket.socket(socket.AF_UNIX))
        wild.connect(place)
        wild.send(b"GET / HTTP/1.1\r\n\r\n")
        assert wild.recv(100) == b""
        asker = stack.enter_context(socket.socket(socket.AF_UNIX))
        asker.connect(place)
        asker.send(b"29:suppression dead@good.example,")
        assert asker.recv(1000).split(b":", 1)[1].startswith(b"OK error:5.1.1 <dead@good.example> suppressed")
