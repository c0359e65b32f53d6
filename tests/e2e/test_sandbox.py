"""All that the daemon does, under the unit's own system call filter, where there is no systemd.

The filter kills, so that no forbidden call passes unseen. What else the unit shuts off
takes a systemd: test_unit.py.
"""
import errno
import http.server
import re
import signal
import smtplib
import socket
import subprocess
import threading

import pytest

import journal
import suppressd
import syscall_filter
from conftest import Rig
from internet import Answer
from journal import Journal
from mail import message, outcome, report
from postfix import HOSTNAME
from test_journal import BOUNCED
from waiting import wait_for

UNKNOWN = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"
NEWS = "news@sender.example"
PEOPLE = [f"u{number}@good.example" for number in range(40)]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments):  # pylint: disable=arguments-differ
        pass


@pytest.fixture(scope="module")
def hook():
    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def rig(home, hook):
    reason = suppressd.missing() or syscall_filter.missing() or suppressd.sanitized()
    if reason:
        pytest.skip(reason)
    made = Rig(home)
    made.told = home / "told"
    program = home / "tell"
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{made.told}\nexec nice true\n", encoding="ascii")
    program.chmod(0o755)
    made.suppressd.launcher = syscall_filter.command()
    made.suppressd.configure(mail_log=made.postfix.log_path, mail_log_host=HOSTNAME, tag_domains="sender.example",
                             tag_key_file=home / "tag.key", incident_program=program,
                             incident_address=f"http://127.0.0.1:{hook.server_port}/",
                             **{f"{name}_socket": f"unix:{home}/{name}.sock" for name in ("lmtp", "socketmap", "policy")},
                             **{f"{name}_socket_mode": "0666" for name in ("lmtp", "socketmap", "policy")})
    made.postfix.settings["smtpd_recipient_restrictions"] = (
        f"check_policy_service {{ unix:{home}/policy.sock, default_action=DUNNO }}, "
        f"check_recipient_access socketmap:unix:{home}/socketmap.sock:recipient-access")
    made.postfix.settings["default_delivery_status_filter"] = f"socketmap:unix:{home}/socketmap.sock:delivery-status"
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def counters(rig):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]


def asked(rig, name, question):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(rig.suppressd.settings[f"{name}_socket"].partition(":")[2])
        client.sendall(question)
        return client.recv(1000).decode()


@pytest.mark.parametrize("action", ["kill", "EPERM"])
def test_the_filter_is_the_units_and_bites(rig, action):
    """nice(2) is a call that needs no privilege."""
    script = "import os\ntry: os.nice(1)\nexcept OSError as problem: print(problem.errno)"
    done = subprocess.run(syscall_filter.command("/usr/bin/python3", "-c", script, action=action), capture_output=True,
                          text=True, check=False)
    if action == "kill":
        assert done.returncode == -signal.SIGSYS
    else:
        assert (done.returncode, done.stdout.strip()) == (0, str(errno.EPERM))
    status = open(f"/proc/{rig.suppressd.process.pid}/status", encoding="ascii").read()
    assert re.search(r"^Seccomp:\t2$", status, re.M) and re.search(r"^Seccomp_filters:\t2$", status, re.M)


def test_milter_log_and_bounces(rig):
    rig.bad.answer("gone", Answer(UNKNOWN))
    rig.send(["gone@bad.example", *PEOPLE])
    rig.settle()
    wait_for(lambda: [event["witnesses"] for event in rig.suppressd.events("gone@bad.example")] == [2],
             lambda: f"bounce and log: {rig.suppressd.events('gone@bad.example')}")
    assert set(rig.suppressd.suppressed()) == {"gone@bad.example"}
    assert rig.send("gone@bad.example")["gone@bad.example"][0] == 550
    line = [one for one in rig.postfix.deliveries() if one["to"] == "gone@bad.example"][-1]
    assert line["text"].endswith("(suppressd: no-such-user)")
    assert counters(rig)["tags_written"]


def test_a_proved_bounce_by_lmtp(rig):
    rig.send("leaver@good.example", content=message("leaver@good.example", Message_ID="<proof@sender.example>"))
    rig.settle()
    tagged = rig.good.accepted_by("leaver@good.example")[-1].sender
    assert "+p0" in tagged
    with smtplib.LMTP(rig.suppressd.settings["lmtp_socket"].partition(":")[2]) as client:
        client.sendmail("", [tagged], report(outcome("leaver@good.example", reply=UNKNOWN), mta="mx.good.example"))
    assert rig.suppressd.events("leaver@good.example")[0]["evidence"] == "proved"


def test_socketmap_and_policy(rig):
    question = b"suppression gone@bad.example"
    assert "5.1.1 <gone@bad.example> suppressed" in asked(rig, "socketmap", b"%d:%b," % (len(question), question))
    assert asked(rig, "policy", b"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=news@sender.example\n"
                                b"recipient=gone@bad.example\nclient_address=127.0.0.1\n\n").startswith("action=550")
    now = counters(rig)
    assert now["policy_requests"] and not now["gate_faults"] + now["gate_trouble"] + now["gate_deadline_passed"]


def test_by_hand_and_a_reload(rig):
    said = rig.suppressd.stderr().count("reloaded ")
    rig.suppressd.ctl("add", "manual@good.example")
    rig.suppressd.ctl("allow", "add", "friend@good.example")
    rig.suppressd.ctl("import", "-", text="imported@good.example\n", check=False)
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded ", said + 1)
    assert {"manual@good.example", "imported@good.example"} <= set(rig.suppressd.suppressed())


def test_an_incident_and_who_is_told(rig, hook):
    """The program that is run stands under the filter, too: it ends by a forbidden call."""
    wait_for(lambda: rig.suppressd.query("SELECT count(*) AS n FROM taken")[0]["n"] >= len(PEOPLE), "the deliveries")
    rig.good.answer("*", Answer(UNKNOWN))
    rig.send(PEOPLE)
    rig.settle()
    wait_for(lambda: rig.told.exists() and rig.told.read_text() == "open 1 provider-outage domain good.example\n",
             lambda: rig.suppressd.stderr()[-2000:])
    wait_for(lambda: any("provider-outage" in one for one in hook.got), lambda: f"{hook.got}")
    rig.suppressd.wait_stderr("ended by signal 31")


def test_restart_and_journal(rig):
    if journal.missing():
        pytest.skip(journal.missing())
    assert rig.suppressd.stop() == 0
    log = Journal(rig.suppressd.home / "journal")
    log.write("a first entry")
    rig.suppressd.configure(mail_log=f"journal:{log.folder} postfix/smtp")
    rig.suppressd.start()
    log.write(BOUNCED.format("journal@example.net"))
    wait_for(lambda: rig.suppressd.events("journal@example.net"), lambda: rig.suppressd.stderr()[-2000:])


def test_it_ends_in_good_order(rig):
    """Nothing above was killed."""
    assert rig.suppressd.alive()
    assert rig.suppressd.stop() == 0
