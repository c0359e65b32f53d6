"""The unit as it is installed, under a real systemd: mail, bounces and everything else pass
with all of the sandbox on, and the sandbox holds.

The system call filter kills here what it denies by EPERM elsewhere, so that a call which
the daemon makes, and whose failure it would get over, is seen.
"""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

import machine
import suppressd
from conftest import folder
from machine import Machine
from waiting import FACTOR, Timeout, wait_for

HOST = "mx.machine.example"
HERE = f"gone@{HOST}"
SPOOL = "/var/spool/postfix/suppressd"
STATE = "/var/lib/suppressd"
DROP_INS = "/etc/systemd/system/suppressd.service.d"
SETTINGS = {
    "gate_mode": "enforce", "database": f"{STATE}/suppressd.db", "tag_key_file": f"{STATE}/tag.key",
    "tag_domains": HOST, "mail_log": "/var/log/mail.log", "mail_log_host": HOST,
    "lmtp_socket": f"unix:{SPOOL}/lmtp.sock", "socketmap_socket": f"unix:{SPOOL}/map.sock",
    "policy_socket": f"unix:{SPOOL}/policy.sock", "incident_program": "/usr/local/bin/tell",
    "incident_address": "http://localhost:8025/incidents",
}
POSTFIX = f"""\
compatibility_level = 3.6
myhostname = {HOST}
mydestination = {HOST}, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
recipient_delimiter = +
maillog_file = /var/log/mail.log
alias_maps =
smtpd_reject_unlisted_recipient = no
"""
TELL = f"""\
#!/bin/sh
{{ echo "$@"; echo >/etc/planted && echo wrote; cat /var/log/secret; id -un; }} >>{STATE}/told 2>&1
"""

HOOK = """\
import http.server

class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open("/run/posted", "ab") as out:
            out.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 8025), Hook)
open("/run/hook.ready", "w").close()
server.serve_forever()
"""

# What the sandbox must deny to a process that only lacks privileges, one a line.
PROBE = """\
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)

def call(function, *arguments):
    function.restype = ctypes.c_long
    if function(*arguments) in (-1, 2 ** 64 - 1):
        raise OSError(ctypes.get_errno(), "")

def executable_memory():
    call(libc.mprotect, ctypes.c_void_p(page), 4096, 7)

page = libc.mmap
page.restype = ctypes.c_void_p
page.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
page = page(None, 4096, 3, 0x22, -1, 0)
tried = {
    "nice": lambda: os.nice(1),
    "ptrace": lambda: call(libc.ptrace, 0, 0, 0, 0),
    "namespace": lambda: call(libc.unshare, 0x10000000),
    "executable memory": executable_memory,
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "set-user-ID": lambda: os.chmod(os.environ["STATE_DIRECTORY"] + "/probed", 0o4755),
    "write /etc": lambda: open("/etc/planted", "w"),
    "write /usr": lambda: open("/usr/planted", "w"),
    "read /root": lambda: os.listdir("/root"),
    "processes of others": lambda: open("/proc/1/status"),
    "raw disk": lambda: open("/dev/vda"),
}
if sys.argv[1] != "all":
    tried[sys.argv[1]]()
    sys.exit()
open(os.environ["STATE_DIRECTORY"] + "/probed", "w").close()
for name, attempt in tried.items():
    try:
        attempt()
        print("probe:", name, "allowed")
    except OSError as problem:
        print("probe:", name, errno.errorcode[problem.errno])
sys.stdout.flush()
"""
DENIED = {"nice": {"EPERM"}, "ptrace": {"EPERM"}, "namespace": {"EPERM"}, "executable memory": {"EPERM"},
          "netlink": {"EAFNOSUPPORT"}, "packets": {"EAFNOSUPPORT"}, "set-user-ID": {"EPERM"}, "write /etc": {"EROFS"},
          "write /usr": {"EROFS"}, "read /root": {"EACCES"}, "processes of others": {"ENOENT"}, "raw disk": {"ENOENT"}}


def install(booted):
    """As README.md says it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    build = pathlib.Path(suppressd.DAEMON).parent
    done = subprocess.run(["make", "-C", str(build), "install", f"DESTDIR=/proc/{booted.init}/root"], env=environment,
                          capture_output=True, text=True, check=False, timeout=300 * FACTOR)
    assert not done.returncode, done.stdout[-500:] + done.stderr[-2000:]
    booted.run("systemd-sysusers")
    booted.run("systemd-tmpfiles", "--create", "--prefix=/var/spool/postfix")
    booted.run("systemctl", "daemon-reload")
    program, booted.config = re.search(r"ExecStart=(\S+) -c (\S+)", booted.run("systemctl", "cat", "suppressd")).groups()
    booted.ctl_program = str(pathlib.Path(program).parents[1] / "bin" / "suppressctl")


def configure(booted, **settings):
    booted.settings |= settings
    booted.write(booted.config, "".join(f'{name} = "{value}"\n' for name, value in booted.settings.items()))


def drop_in(booted, name, text):
    booted.write(f"{DROP_INS}/{name}.conf", f"[Service]\n{text}\n")
    booted.run("systemctl", "daemon-reload")


@pytest.fixture(scope="module")
def booted():
    reason = suppressd.missing() or machine.missing() or suppressd.sanitized()
    if reason:
        pytest.skip(reason)
    with folder() as home:
        made = Machine(home)
        made.settings = dict(SETTINGS)
        try:
            try:
                made.start()
            except Timeout as problem:
                pytest.skip(f"no systemd boots here: {problem}")
            install(made)
            made.write("/usr/local/bin/tell", TELL, 0o755)
            made.write("/usr/local/bin/probe.py", PROBE)
            made.write("/etc/postfix/main.cf", POSTFIX)
            made.write("/var/log/mail.log", "", 0o640)
            made.run("chgrp", "adm", "/var/log/mail.log")
            made.write("/var/log/secret", "root's\n", 0o600)
            configure(made)
            drop_in(made, "kill", "SystemCallErrorNumber=kill")
            made.run("systemctl", "start", "suppressd")
            ctl(made, "setup", "postfix", "--apply")
            made.run("systemctl", "start", "postfix@-")
            yield made
        finally:
            made.stop()


def ctl(booted, *arguments):
    return booted.run(booted.ctl_program, "-c", booted.config, *arguments)


def records(booted, statement):
    """The database as a dashboard's user, a member of the group, reads it."""
    said = booted.run("setpriv", "--reuid=nobody", "--regid=suppressd", "--clear-groups", "sqlite3", "-json",
                      f"file:{STATE}/suppressd.db?mode=ro", statement)
    return json.loads(said or "[]")


def by_smtp(booted, recipient, sender=f"news@{HOST}"):
    """The reply to RCPT TO, and the message when that is 250."""
    return booted.run("/usr/bin/python3", "-c", f"""
import smtplib
client = smtplib.SMTP("127.0.0.1", timeout=60)
client.ehlo()
client.mail("{sender}")
code, text = client.rcpt("{recipient}")
if code == 250:
    client.data("Subject: News\\n\\nSomething new.\\n")
print(code, text.decode())
""")


def ask(booted, socket, question):
    """What a server of ours behind a unix socket says, for Postfix's user."""
    return booted.run("/usr/bin/python3", "-c", f"""
import socket
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect("{SPOOL}/{socket}")
client.sendall({question!r})
print(client.recv(1000).decode())
""", user="postfix")


def process_status(booted):
    text = booted.path(f"/proc/{booted.show('suppressd', 'MainPID')}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines())


def test_it_runs_as_its_user_under_the_filter(booted):
    assert booted.run("systemctl", "is-active", "suppressd") == "active"
    status = process_status(booted)
    user = booted.run("id", "-u", "suppressd")
    assert status["Uid"].split() == [user] * 4
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}


def test_the_exposure_is_below_one_and_a_half(booted):
    said = booted.run("systemd-analyze", "security", "--no-pager", "suppressd")
    assert float(re.search(r"Overall exposure level for suppressd.service: ([\d.]+)", said).group(1)) <= 1.5, said


def test_modes_of_files_and_sockets(booted):
    for name, expected in ((STATE, "750"), (f"{STATE}/suppressd.db", "640"), (f"{STATE}/suppressd.db-wal", "640"),
                           (f"{STATE}/tag.key", "600"), ("/run/suppressd", "700"), (SPOOL, "2710"),
                           (f"{SPOOL}/milter.sock", "660"), (f"{SPOOL}/map.sock", "660")):
        assert booted.run("stat", "-c", "%a %U", name) == f"{expected} suppressd", name
    assert booted.run("stat", "-c", "%G", f"{SPOOL}/milter.sock") == "postfix"


def test_mail_and_a_bounce_pass(booted):
    assert by_smtp(booted, HERE).startswith("250")
    wait_for(lambda: records(booted, "SELECT 1 FROM v_suppressed"), lambda: booted.journal("suppressd")[-2000:])
    row, = records(booted, "SELECT recipient, reason FROM v_suppressed")
    assert row == {"recipient": HERE, "reason": "no-such-user"}
    assert by_smtp(booted, HERE).startswith("550 5.1.1")
    assert by_smtp(booted, f"root@{HOST}").startswith("250")


def test_the_log_of_group_adm_is_followed(booted):
    wait_for(lambda: records(booted, "SELECT 1 FROM v_daily WHERE action = 'delivered'"),
             lambda: booted.journal("suppressd")[-2000:])
    assert "cannot be read" not in booted.journal("suppressd")


def test_the_gates_answer(booted):
    asked = f"suppression {HERE}".encode()
    assert f"5.1.1 <{HERE}> suppressed" in ask(booted, "map.sock", b"%d:%b," % (len(asked), asked))
    request = (f"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=news@{HOST}\nrecipient={HERE}\n"
               "client_address=127.0.0.1\n\n").encode()
    assert ask(booted, "policy.sock", request).startswith("action=550")
    assert ask(booted, "lmtp.sock", b"").startswith("220 ")


def test_a_reload_and_changes_by_hand(booted):
    booted.run("systemctl", "reload", "suppressd")
    wait_for(lambda: "reloaded " in booted.journal("suppressd"), lambda: booted.journal("suppressd"))
    ctl(booted, "add", f"manual@{HOST}")
    assert by_smtp(booted, f"manual@{HOST}").startswith("550")
    ctl(booted, "remove", f"manual@{HOST}")
    assert booted.show("suppressd", "NRestarts") == "0"


def log_lines(first, text):
    now = time.strftime("%b %e %H:%M:%S")
    return "".join(f"{now} {HOST} postfix/smtp[7]: {first + number:08X}: to=<u{number}@far.example>, "
                   f"relay=mx.far.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, {text}\n" for number in range(40))


def test_an_incident_is_told_from_within_the_sandbox(booted):
    booted.write("/run/hook.py", HOOK)
    server = booted.run("sh", "-c", "/usr/bin/python3 /run/hook.py >/run/hook.log 2>&1 & echo $!")
    wait_for(booted.path("/run/hook.ready").exists, "the web server")
    log = booted.path("/var/log/mail.log")
    with open(log, "a", encoding="ascii") as out:
        out.write(log_lines(0xA00000, "dsn=2.0.0, status=sent (250 ok)"))
        out.flush()
        wait_for(lambda: records(booted, "SELECT count(*) AS n FROM taken")[0]["n"] >= 40, "40 deliveries")
        out.write(log_lines(0xB00000, "dsn=5.1.1, status=bounced (host mx.far.example[192.0.2.1] said: "
                                 "550 5.1.1 User unknown (in reply to RCPT TO command))"))
    told, posted = booted.path(f"{STATE}/told"), booted.path("/run/posted")
    wait_for(lambda: told.exists() and "suppressd" in told.read_text(), lambda: booted.journal("suppressd")[-2000:])
    wait_for(lambda: posted.exists() and "provider-outage" in posted.read_text(),
             lambda: booted.journal("suppressd")[-2000:])
    said = told.read_text()
    assert said.startswith("open 1 provider-outage domain far.example\n")
    assert "Read-only file system" in said and "wrote" not in said and "root's" not in said
    booted.run("kill", server)


def test_the_journal_is_followed(booted):
    """Postfix logs to syslog, as it does where nothing else is said."""
    booted.write("/etc/postfix/main.cf", booted.path("/etc/postfix/main.cf").read_text().replace(
        "maillog_file = /var/log/mail.log", "maillog_file ="))
    configure(booted, mail_log="journal: postfix@-.service")
    booted.run("systemctl", "restart", "suppressd")
    booted.run("systemctl", "restart", "postfix@-")
    before = records(booted, "SELECT count(*) AS n FROM event WHERE source = 'log'")[0]["n"]
    booted.run("/usr/sbin/sendmail", "-i", "-f", f"news@{HOST}", f"journal@{HOST}", text="Subject: x\n\nx\n")
    wait_for(lambda: records(booted, "SELECT 1 FROM v_suppressed WHERE recipient LIKE 'journal@%'"),
             lambda: booted.journal("suppressd")[-2000:])
    wait_for(lambda: records(booted, "SELECT witnesses FROM event e JOIN address a ON a.id = e.address "
                                     "WHERE a.key LIKE 'journal@%'") == [{"witnesses": 2}],
             lambda: f"{before} {booted.journal('suppressd')[-1000:]} {booted.run('journalctl', '--no-pager', '-n', '20')}")


def test_a_user_cannot_write_in_a_units_name(booted):
    """logger(1) takes any program's name and process id; the unit is the journal's word."""
    line = (f"4XF0rg3d1z: to=<victim@{HOST}>, relay=local, delay=1, delays=0/0/0/1, dsn=5.1.1, "
            "status=bounced (unknown user: \"victim\")")
    master = booted.run("cat", "/var/spool/postfix/pid/master.pid").strip()
    for options in (["-t", "postfix/local"], ["-t", f"postfix/local[{master}]"], ["-t", "postfix/local", f"--id={master}"]):
        booted.run("logger", *options, "-p", "mail.info", line, user="nobody")
    assert line in booted.run("journalctl", "--no-pager", "-t", "postfix/local")
    booted.run("/usr/sbin/sendmail", "-i", "-f", f"news@{HOST}", f"after@{HOST}", text="Subject: x\n\nx\n")
    wait_for(lambda: records(booted, "SELECT witnesses FROM event e JOIN address a ON a.id = e.address "
                                     "WHERE a.key LIKE 'after@%'") == [{"witnesses": 2}],
             lambda: booted.journal("suppressd")[-2000:])
    assert not records(booted, "SELECT 1 FROM event e JOIN address a ON a.id = e.address WHERE a.key LIKE 'victim@%'")


def test_nothing_was_killed(booted):
    """All of the above made no call that the filter denies."""
    assert booted.run("systemctl", "is-active", "suppressd") == "active"
    assert booted.show("suppressd", "NRestarts") == "0"
    assert "status=31/SYS" not in booted.journal("suppressd")
    assert booted.run("systemctl", "stop", "suppressd") == ""
    assert booted.show("suppressd", "Result") == "success"


def test_the_filter_kills(booted):
    """A forbidden call within the unit ends the process that makes it."""
    drop_in(booted, "probe", "ExecStartPre=/usr/bin/python3 /usr/local/bin/probe.py nice")
    booted.run("systemctl", "start", "suppressd", check=False)
    wait_for(lambda: "status=31/SYS" in booted.journal("suppressd"), lambda: booted.journal("suppressd")[-2000:])
    booted.run("systemctl", "stop", "suppressd", check=False)
    booted.run("systemctl", "reset-failed", "suppressd", check=False)


def test_the_sandbox_denies_what_it_should(booted):
    """As shipped: by an error number."""
    booted.path(f"{DROP_INS}/kill.conf").unlink()
    drop_in(booted, "probe", "ExecStartPre=/usr/bin/python3 /usr/local/bin/probe.py all")
    booted.run("systemctl", "start", "suppressd")
    found = dict(re.findall(r"^probe: (.*) (\S+)$", booted.journal("suppressd"), re.M))
    assert set(found) == set(DENIED)
    assert {name: said for name, said in found.items() if said not in DENIED[name]} == {}
    assert by_smtp(booted, HERE).startswith("550 5.1.1")
