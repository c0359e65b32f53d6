"""Beside a real Sendmail: the set-up, the gate, and a daemon in trouble."""
import re
import signal

import pytest

import sendmail
from beside_sendmail import BOUNCES, LIST, LIVE, NEWS, UNKNOWN, changed, codes
from beside_sendmail import rig, running  # pylint: disable=unused-import # fixtures
from internet import Answer
from mail import outcome, report
from postfix import free_ports
from waiting import wait_for


def test_the_gate_refuses_one_recipient_and_lets_the_others_pass(rig):
    rig.suppressd.ctl("add", "dead@good.example")
    replies = rig.send([LIVE, "dead@good.example", "other@good.example"])
    assert codes(replies) == {LIVE: 250, "dead@good.example": 550, "other@good.example": 250,
                              None: 250}
    assert "<dead@good.example> suppressed: recipient-suppressed since 20" in \
        replies["dead@good.example"][1]
    rig.settle()
    assert rig.net.accepted(LIVE) and rig.net.accepted("other@good.example")
    assert not rig.net.accepted("dead@good.example")
    assert not rig.suppressd.events("dead@good.example")


def test_setup_sees_what_a_configuration_lacks(rig):
    macros = rig.mta.config / "sendmail.mc"
    for name in ("sendmail.mc", "sendmail.cf"):
        done = rig.suppressd.ctl("setup", "sendmail", "--bounce-domain", BOUNCES, "--mc",
                                 str(rig.mta.config / name))
        assert (done.returncode, done.stdout) == (0, "nothing is missing\n"), done.stdout
    other = macros.with_name("other.mc")
    other.write_text(macros.read_text().replace("F=, T=", "F=T, T=")
                     + "define(`confLOG_LEVEL', `8')dnl\nFEATURE(`masquerade_envelope')dnl\n")
    done = rig.suppressd.ctl("setup", "sendmail", "--mc", str(other))
    assert done.returncode == 1
    for fault in ("with F=T all mail is put off", "confLOG_LEVEL 8", "masquerade_envelope"):
        assert fault in done.stdout


def test_setup_knows_where_sendmail_uses_no_socket(rig):
    folder = rig.suppressd.home
    folder.chmod(0o775)
    try:
        done = rig.suppressd.ctl("setup", "sendmail")
        assert done.returncode == 1 and f"problem: milter_socket: Sendmail does not start with a " \
            f"socket below {folder}, which its group may write to" in done.stdout
        with pytest.raises(RuntimeError, match="unsafe: Group writable directory"):
            rig.mta.restart()
    finally:
        folder.chmod(0o755)
        rig.mta.restart()


def test_percent_and_quotes_arrive_unmangled(rig):
    for address in ("100%sale%n@bad.example", '"a b%s"@bad.example'):
        rig.suppressd.ctl("add", address)
        code, text = rig.send(address)[address]
        assert code == 550 and f"<{address}> suppressed" in text, text


def test_mail_from_the_internet_is_never_refused(rig):
    rig.suppressd.ctl("add", "info@sender.example")
    with rig.client("127.0.0.2") as client:
        assert codes(client.send("info@sender.example"))["info@sender.example"] == 250
    assert codes(rig.send("info@sender.example"))["info@sender.example"] == 550


def test_users_who_logged_in_are_refused(rig):
    rig.suppressd.ctl("add", "roaming@good.example")
    with rig.client("127.0.0.2") as client:
        assert codes(client.send(LIVE))[LIVE] == 550  # Sendmail's own refusal: no relaying
        client.smtp.login(sendmail.USER, sendmail.PASSWORD)
        replies = client.send(["roaming@good.example", LIVE])
    assert codes(replies) == {"roaming@good.example": 550, LIVE: 250, None: 250}
    assert "suppressed: " in replies["roaming@good.example"][1]


def test_the_null_sender_is_never_refused(rig):
    rig.suppressd.ctl("add", "null@good.example")
    assert codes(rig.send("null@good.example", sender=""))["null@good.example"] == 250


def test_what_a_program_hands_in_passes_the_gate(rig):
    """sendmail(1) speaks SMTP with the server: one recipient is refused, and returned to
    the sender. The refusal is in the log, but is nothing new about the recipient."""
    rig.suppressd.ctl("add", "--reason", "no-such-user", "handed@good.example")
    assert rig.mta.sendmail(NEWS, [LIVE, "handed@good.example"], b"Subject: cron\n\nx\n") == 67
    rig.settle()
    assert [got for got in rig.net.accepted(LIVE) if b"cron" in got.content]
    assert not rig.net.accepted("handed@good.example")
    assert [got for got in rig.inbox.accepted_by(NEWS) if b"handed@good.example" in got.content]
    wait_for(lambda: "local" in {event["evidence"] for event in
                                 rig.suppressd.events("handed@good.example")}, "the log's line")
    events = rig.suppressd.events("handed@good.example")
    assert {event["reason"] for event in events} == {"recipient-suppressed"}
    assert "suppress" not in {event["decision"] for event in events}
    row, = rig.suppressd.bounces("handed@good.example")
    assert row["hard"] == 0


def test_submitted_mail_is_remembered(rig):
    rig.send("sent@good.example")
    query = """SELECT s.* FROM sent s JOIN sent_recipient r ON r.sent = s.id
               WHERE r.key = 'sent@good.example'"""
    wait_for(lambda: rig.suppressd.query(query), "the message in the journal")
    row, = rig.suppressd.query(query)
    assert row["stream"] == "sender.example" and f"{row['queue_id']}: to=<sent@good.example>" in \
        rig.mta.wait_log(r".*to=<sent@good\.example>.*")[0]


def test_inet_sockets(rig):
    before = dict(rig.suppressd.settings)
    gate, lmtp = free_ports(2)
    rig.suppressd.stop()
    rig.suppressd.configure(milter_socket=f"inet:{gate}@127.0.0.1",
                            lmtp_socket=f"inet:{lmtp}@127.0.0.1")
    rig.suppressd.start()
    rig.bad.answer("inet", Answer(UNKNOWN))
    try:
        with changed(rig.mta, lines=rig.lines()):
            rig.send("inet@bad.example", sender=LIST)
            assert rig.event("inet@bad.example", witnesses=2)["evidence"] == "local"
            assert codes(rig.send("inet@bad.example"))["inet@bad.example"] == 550
    finally:
        rig.suppressd.stop()
        rig.suppressd.configure(**before)
        rig.suppressd.start()


def test_without_the_daemon_mail_flows(rig):
    rig.suppressd.ctl("add", "absent@good.example")
    rig.suppressd.stop()
    rig.mta.restart()  # it starts without the socket, too
    assert codes(rig.send(["absent@good.example", "present@good.example"])) == {
        "absent@good.example": 250, "present@good.example": 250, None: 250}
    wait_for(lambda: rig.net.accepted("present@good.example"), "delivery without suppressd")


def test_daemon_hangs(rig):
    """Sendmail waits as long as T= says, then goes on without."""
    impatient = rig.mta.lines.replace("S:10s;R:10s", "S:1s;R:1s")
    assert impatient != rig.mta.lines
    with changed(rig.mta, lines=impatient):
        rig.suppressd.process.send_signal(signal.SIGSTOP)
        try:
            assert codes(rig.send("patient@good.example"))["patient@good.example"] == 250
            wait_for(lambda: rig.net.accepted("patient@good.example"), "delivery meanwhile")
        finally:
            rig.suppressd.process.send_signal(signal.SIGCONT)


def test_daemon_dies_within_a_dialogue(rig):
    with rig.client() as client:
        assert client.smtp.mail(NEWS)[0] == 250
        assert client.smtp.rcpt("orphan@good.example")[0] == 250
        rig.suppressd.kill()
        assert client.smtp.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
    rig.settle()
    assert rig.net.accepted("orphan@good.example")


def test_a_signed_sender_proves_and_comes_back_without_its_tag(rig):
    rig.suppressd.configure(tag_domains="sender.example", tag_key_file=rig.suppressd.home / "tag.key")
    rig.suppressd.stop()
    rig.suppressd.start()
    try:
        rig.send("signed@good.example")
        rig.settle()
        sender = rig.net.accepted("signed@good.example")[-1].sender
        assert re.fullmatch(r"news\+p0[a-z2-7]{18}@sender\.example", sender)
        with rig.client("127.0.0.2") as client:
            sent = report(outcome("signed@good.example"), mta="mx.good.example", queue_id="4dSIGNED1z")
            assert client.send(sender, sender="", content=sent)[None][0] == 250
        rig.settle()
        event, = rig.suppressd.events("signed@good.example")
        assert (event["evidence"], event["decision"]) == ("proved", "suppress")
        assert b"signed@good.example" in rig.inbox.accepted_by(NEWS)[-1].content
        assert not [got for got in rig.inbox.accepted if "+p0" in got.recipient]
    finally:
        rig.suppressd.configure(tag_domains="")
        rig.suppressd.stop()
        rig.suppressd.start()
