"""addresses = hashed: all ways in, all gates, and then no file of the database names anybody."""
import contextlib
import os
import subprocess

import pytest

import suppressd
from conftest import Rig, folder
from internet import Answer
from mail import report
from postfix import HOSTNAME
from suppressd import CTL, Suppressd
from test_gates import sample
from waiting import wait_for

UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
ALONE = "550 5.1.1 wombat: no such user, see https://help.example/?who=wombat%40bad.example"
BOUNCES = "wallaby-7@bounces.example.com"
HERD = [f"possum{number}@good.example" for number in range(40)]
# Whom the gates must refuse, and who must pass, in the end.
REFUSED = ["quokka@bad.example", "wombat@bad.example", "numbat@bad.example", "bandicoot@good.example",
           "dunnart@good.example", "anybody@closed.example"]
LET_THROUGH = ["bilby@good.example", "bettong@good.example", "potoroo@bad.example", "quokka@good.example", *HERD[:3]]
NAMES = ["quokka", "wombat", "numbat", "bandicoot", "dunnart", "bilby", "bettong", "potoroo", "possum", "wallaby",
         "echidna", "kangaroo"]


@pytest.fixture(scope="module")
def rig(home):
    """Bounces by the milter and by LMTP, the log, and the three gates."""
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    sockets = made.postfix.home / "queue" / "suppressd"
    sockets.mkdir(parents=True)
    made.suppressd.configure(
        addresses="hashed", mail_log=str(made.postfix.log_path), mail_log_host=HOSTNAME, lmtp_trust="own",
        lmtp_socket=f"unix:{sockets}/lmtp.sock", lmtp_socket_mode="0666",
        socketmap_socket=f"unix:{sockets}/socketmap.sock", socketmap_socket_mode="0666",
        policy_socket=f"unix:{sockets}/policy.sock", policy_socket_mode="0666")
    made.postfix.settings.update({"delay_warning_time": "0", "relay_domains": "sender.example bounces.example.com"})
    made.postfix.unreachable["bounces.example.com"] = "lmtp:unix:suppressd/lmtp.sock"
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def named(daemon):
    """(file, name) of all that the database's files say of anybody."""
    found = []
    for path in daemon.database.parent.iterdir():
        content = path.read_bytes().lower()
        found += [(path.name, name) for name in NAMES if name.encode() in content]
    return found


def events(rig, address):
    answer, = rig.suppressd.ctl_json("show", address)
    return answer["events"]


def event_of(rig, address, witnesses):
    """The one event of an address, when so many have told of it."""
    wait_for(lambda: events(rig, address) and events(rig, address)[0]["witnesses"] >= witnesses,
             lambda: f"{witnesses} witnesses: {events(rig, address)}")
    event, = events(rig, address)
    return event


def is_suppressed(rig, address):
    return rig.suppressd.ctl("check", address).returncode == 1


def test_bounce_and_log_are_one_event_that_names_nobody(rig):
    rig.bad.answer("quokka", Answer(UNKNOWN))
    rig.bad.answer("wombat", Answer(ALONE))
    rig.send(["Quokka@bad.example", "wombat@bad.example"], sender="echidna@sender.example")
    rig.settle()
    for address in ("quokka@bad.example", "WOMBAT@bad.example"):
        event = event_of(rig, address, 2)
        assert (event["reason"], event["decision"], event["evidence"]) == ("no-such-user", "suppress", "local")
        assert event["reply"].startswith("550 5.1.1 ") and event["sender"].endswith("@sender.example")
        assert is_suppressed(rig, address)
    assert "@bad.example>: Recipient address rejected: User unknown" in events(rig, "quokka@bad.example")[0]["reply"]
    assert not is_suppressed(rig, "quokka@good.example")


def test_what_comes_by_lmtp_too(rig):
    rig.bad.answer("numbat", Answer(UNKNOWN))
    rig.send("numbat@bad.example", sender=BOUNCES)
    rig.settle()
    event = event_of(rig, "numbat@bad.example", 2)
    assert "lmtp/" in event["told_by"] and is_suppressed(rig, "numbat@bad.example")


def test_by_hand_and_by_lists(rig, tmp_path):
    ctl = rig.suppressd.ctl
    table = tmp_path / "list.csv"
    table.write_text("email,reason\nBandicoot@good.example,no-such-user\nbettong@good.example,complaint\n")
    assert "2 suppressed, 0 were already" in ctl("import", str(table)).stdout
    assert "0 suppressed, 2 were already" in ctl("import", str(table)).stdout
    ctl("add", "--note", "asked by kangaroo@good.example", "dunnart@good.example", "bilby@good.example", "@closed.example")
    ctl("allow", "add", "--note", "the boss", "bilby@good.example")
    assert ctl("remove", "bettong@good.example").returncode == 0
    assert ctl("remove", "bettong@good.example").returncode == 1
    assert "asked by" in ctl("show", "dunnart@good.example").stdout
    done = ctl("scrub", text="email\nbandicoot@good.example\nbettong@good.example\n")
    assert done.stdout == "email\nbettong@good.example\n"
    exported = ctl("export")
    assert "tokens" in exported.stderr and not [name for name in NAMES if name in exported.stdout]
    table.write_text(exported.stdout)
    before = rig.suppressd.query("SELECT count(*) AS n FROM suppression")
    ctl("import", str(table))
    assert rig.suppressd.query("SELECT count(*) AS n FROM suppression") == before
    token = rig.suppressd.query("SELECT key FROM suppression WHERE key LIKE '%@good.example'"
                                 " AND key NOT IN (SELECT key FROM allow)")[0]["key"]
    assert is_suppressed(rig, token)
    would = ctl("policy", "test", "potoroo@bad.example", "550 5.1.1 user unknown").stdout
    assert "suppress" in would


def test_an_outage_is_seen_by_tokens(rig):
    rig.send(HERD)
    rig.settle()
    wait_for(lambda: rig.suppressd.query("SELECT count(*) AS n FROM taken")[0]["n"] >= len(HERD),
             lambda: rig.suppressd.query("SELECT count(*) FROM taken"))
    rig.good.answer("*", Answer(UNKNOWN))
    rig.send(HERD)
    rig.settle()
    rig.good.answers.clear()

    def held():
        return [one["held"] for one in rig.suppressd.ctl_json("incident", "list", "--all")]

    wait_for(lambda: held() == [len(HERD)], held)
    assert "held by incident 1" in rig.suppressd.ctl("show", HERD[0]).stdout
    rig.send(HERD)
    rig.settle()
    wait_for(lambda: rig.suppressd.ctl_json("incident", "list", "--all")[0]["dropped"] == len(HERD),
             lambda: rig.suppressd.ctl_json("incident", "list", "--all"))
    assert rig.suppressd.ctl("incident", "rollback", "1").returncode == 0


def test_of_what_is_not_understood_only_the_cause_is_kept(rig):
    content = report("Opinion: of kangaroo@good.example\n", queue_id="4c1HASH").replace(b"Reporting-MTA: dns; ", b"Reporting ")
    for _time in range(2):
        rig.postfix.sendmail("", ["news@sender.example"], content)
    rig.settle()
    row, = rig.suppressd.ctl_json("aside")
    assert row["problem"] == "the delivery status names no recipient and action"
    assert (row["count"], row["stored"]) == (2, 0) and row["size"] > 0
    shown = rig.suppressd.ctl("aside", "show", str(row["id"]), check=False)
    assert shown.returncode == 3 and "no message is kept" in shown.stderr
    assert rig.suppressd.ctl("aside", "retry").returncode == 1


def answers_of(rig):
    return {address: code for address, (code, _text) in rig.send(REFUSED + LET_THROUGH).items() if address}


def test_all_gates_refuse_the_suppressed_and_nobody_else(rig):
    expected = {**dict.fromkeys(REFUSED, 550), **dict.fromkeys(LET_THROUGH, 250)}
    policy, access = sample("smtpd_recipient_restrictions")
    assert answers_of(rig) == expected
    assert {address: is_suppressed(rig, address) for address in expected} == {
        address: code == 550 for address, code in expected.items()}
    rig.postfix.restart(smtpd_milters="", smtpd_recipient_restrictions=policy)
    assert answers_of(rig) == expected
    rig.postfix.restart(smtpd_recipient_restrictions=access)
    assert answers_of(rig) == expected
    rig.settle()


def test_no_file_names_anybody(rig):
    """While it runs, after it was killed, and after it has ended; its log and the MTA's do."""
    assert not named(rig.suppressd)
    rig.suppressd.kill()
    assert not named(rig.suppressd)
    rig.suppressd.start()
    rig.suppressd.stop()
    assert not named(rig.suppressd)
    assert "quokka" in rig.suppressd.stderr() and "quokka" in rig.postfix.log()
    rig.suppressd.start()
    assert is_suppressed(rig, "quokka@bad.example")


@contextlib.contextmanager
def daemon_of(home, **settings):
    daemon = Suppressd(home / "other", **settings)
    try:
        yield daemon
    finally:
        daemon.kill()


def test_a_plain_database_is_converted_on_request(rig):
    with folder() as home, daemon_of(home) as daemon:
        daemon.start()
        daemon.ctl("add", "--note", "of kangaroo@good.example", "quokka@bad.example")
        daemon.stop()
        assert named(daemon)
        early = daemon.ctl("hash", check=False)
        assert early.returncode == 2 and "addresses = hashed first" in early.stderr
        daemon.configure(addresses="hashed")
        assert "suppressctl hash" in daemon.start_failing()[1]
        assert "hashed now; 1 suppressions" in daemon.ctl("hash").stdout
        assert not named(daemon)
        assert daemon.ctl("hash").returncode == 1
        daemon.start()
        busy = daemon.ctl("hash", check=False)
        assert busy.returncode == 3 and "running" in busy.stderr
        assert daemon.ctl("check", "quokka@bad.example").returncode == 1
        daemon.stop()
        assert not named(daemon)
        daemon.configure(addresses="plain")
        assert "no way back" in daemon.start_failing()[1]


def test_who_may_not_read_the_key_is_told(rig):
    """As a dashboard's user: the files are made readable, the key is not."""
    for path in rig.suppressd.database.parent.iterdir():
        if path.suffix != ".key":
            path.chmod(0o644)
        else:
            assert path.stat().st_mode & 0o777 == 0o600

    def as_nobody(*arguments):
        return subprocess.run([CTL, "-c", str(rig.suppressd.config), *arguments], user="nobody", group="nogroup",
                              extra_groups=[], capture_output=True, text=True, check=False, env=dict(os.environ))

    listed = as_nobody("list")
    assert listed.returncode == 0 and "@bad.example" in listed.stdout, listed.stderr
    asked = as_nobody("check", "quokka@bad.example")
    assert asked.returncode == 3 and "the key is needed" in asked.stderr and "Permission denied" in asked.stderr
