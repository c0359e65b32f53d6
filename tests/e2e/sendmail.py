"""A private Sendmail: its own configuration, queues, port and log.

Debian's packages of Sendmail and Postfix exclude each other, so its programs are
only unpacked: SENDMAIL_ROOT names the folder, `./bootstrap check` fills it. The
configuration is made by Sendmail's own m4 files. It listens on 127.0.0.1: clients
from that address may send anywhere, those from another (127.0.0.2) are strangers
until they log in as joe.

All mail leaves for the hosts of a FakeInternet; any other domain does not exist.
The server runs in namespaces of its own, which give it a qualified host name, a
hosts file, and a /dev/log: Sendmail knows no log but syslog's. `mail.log` holds
what rsyslogd would write. Needs root.
"""
import datetime
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

from postfix import free_ports
from waiting import wait_for

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
ROOT = pathlib.Path(os.environ.get("SENDMAIL_ROOT", str(BUILD / "sendmail")))
PROGRAM = ROOT / "usr/libexec/sendmail/sendmail"
MAKEMAP = ROOT / "usr/libexec/sendmail/makemap"
CF = ROOT / "usr/share/sendmail/cf/m4/cf.m4"
HOSTNAME = "mta.sender.example"
USER, PASSWORD = "joe", "secret"

SENDMAIL_MC = """\
divert(-1)
define(`_USE_ETC_MAIL_')
define(`MAIL_SETTINGS_DIR', `{home}/etc/')
define(`QUEUE_DIR', `{home}/queue')
define(`ALIAS_FILE', `{home}/etc/aliases')
define(`STATUS_FILE', `')
define(`HELP_FILE', `')
divert(0)dnl
include(`{cf}')dnl
OSTYPE(`linux')dnl
define(`confPID_FILE', `{home}/sendmail.pid')dnl
define(`confDOMAIN_NAME', `{hostname}')dnl
define(`confSERVICE_SWITCH_FILE', `{home}/etc/service.switch')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_ICONNECT', `2s')dnl
define(`confTO_CONNECT', `2s')dnl
define(`confTO_QUEUERETURN', `{lifetime}')dnl
define(`confPRIVACY_FLAGS', `needmailhelo,restrictqrun,restrictexpand,nobodyreturn,authwarnings')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confAUTH_MECHANISMS', `PLAIN')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
RELAY_DOMAIN(`sender.example')dnl
RELAY_DOMAIN(`bounces.example')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={port}')dnl
{lines}
MAILER_DEFINITIONS
{mailers}
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

SUBMIT_MC = """\
divert(-1)
define(`_USE_ETC_MAIL_')
define(`MAIL_SETTINGS_DIR', `{home}/etc/')
define(`MSP_QUEUE_DIR', `{home}/msp-queue')
define(`MSP_STATUS_FILE', `')
define(`HELP_FILE', `')
divert(0)dnl
include(`{cf}')dnl
OSTYPE(`linux')dnl
define(`confPID_FILE', `{home}/msp.pid')dnl
define(`confDOMAIN_NAME', `{hostname}')dnl
define(`confSERVICE_SWITCH_FILE', `{home}/etc/service.switch')dnl
define(`confRUN_AS_USER', `mail:mail')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_QUEUERETURN', `{lifetime}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

# One fake host. k: all of them are this machine.
MAILER = ("Mfake{port}, P=[IPC], F=mDFMuXak8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, "
          "E=\\r\\n, L=2040,\n\t\tT=DNS/RFC822/SMTP, A=TCP $h {port}\n")

# What the server sees instead of the machine's own: see Sendmail._command.
NAMESPACE = """\
set -e
hostname {hostname}
mount -t tmpfs -o mode=755 tmpfs {home}/dev
for node in null zero random urandom; do
    : >{home}/dev/$node
    mount --bind /dev/$node {home}/dev/$node
done
ln -s {home}/log.sock {home}/dev/log
mount --rbind {home}/dev /dev
mount --bind {home}/etc/hosts /etc/hosts
mount --bind {home}/etc/nsswitch.conf /etc/nsswitch.conf
mount --bind {home}/etc/sasl /usr/lib/sasl2
exec "$@"
"""


def missing():
    """Why no private Sendmail can run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [str(path) for path in (PROGRAM, MAKEMAP, CF) if not path.exists()]
    if absent:
        return f"no Sendmail is unpacked in {ROOT} ('sudo ./bootstrap check' does it)"
    if not shutil.which("m4"):
        return "m4 is not installed"
    done = subprocess.run(["unshare", "--uts", "--mount", "--pid", "--fork", "true"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no namespaces of its own for Sendmail: {done.stderr.strip()}"
    done = subprocess.run(["ldd", str(PROGRAM)], capture_output=True, text=True, check=False)
    if "not found" in done.stdout:
        return "a library of Sendmail is missing: " + done.stdout.partition(" =>")[0].split()[-1]
    return ""


class Syslog:
    """A receiver of syslog(3) that writes a file as rsyslogd of Debian 12 does."""

    def __init__(self, address, path, host):
        self.path = path
        self.host = host
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(address))
        os.chmod(address, 0o666)
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RD)
        self.thread.join(10)
        self.socket.close()

    def _receive(self):
        while datagram := self.socket.recv(65536):
            # "<22>Nov 24 15:38:46 sm-mta[26015]: ..." of libc; the year and the zone are missing.
            text = re.sub(rb"[\0-\37]", b" ", datagram.partition(b">")[2][16:].rstrip(b"\0\n"))
            now = datetime.datetime.now().astimezone().isoformat(timespec="microseconds")
            with open(self.path, "ab") as file:
                file.write(f"{now} {self.host} ".encode() + text + b"\n")


class Passwords:
    """What Sendmail's SASL library asks (saslauthd's protocol): is this joe's password?"""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(address))
        self.socket.listen(16)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()

    def _serve(self):
        counted = b"".join(len(text).to_bytes(2, "big") + text.encode() for text in (USER, PASSWORD))
        while True:
            try:
                client, _address = self.socket.accept()
            except OSError:
                return
            with client:
                client.sendall(b"\0\2OK" if client.recv(4096).startswith(counted) else b"\0\2NO")


class Sendmail:
    """One instance in a folder of its own below `home`."""

    def __init__(self, home, internet, lifetime="1d"):
        self.home = pathlib.Path(home)
        self.internet = internet
        self.lifetime = lifetime
        self.config = self.home / "etc"
        self.log_path = self.home / "mail.log"
        self.lines = "FEATURE(`mailertable')dnl"  # of sendmail.mc, above the MAILER lines
        self.mailertable = {}  # domain -> "mailer:host", before the routes to the fake hosts
        self.process = None
        self.helpers = []
        self.port, = free_ports(1)

    def start(self):
        for folder in (self.home, self.config, self.home / "dev", self.config / "sasl"):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for queue, owner in (("queue", "root"), ("msp-queue", "mail")):
            (self.home / queue).mkdir(mode=0o700, exist_ok=True)
            shutil.chown(self.home / queue, owner, owner)
        self._configure()
        if not self.helpers:
            self.helpers = [Syslog(self.home / "log.sock", self.log_path, HOSTNAME.partition(".")[0]),
                            Passwords(self.home / "mux")]
        with open(self.home / "stderr.log", "ab") as stderr:
            self.process = subprocess.Popen(
                self._command(PROGRAM, "-L", "sm-mta", "-C", self.config / "sendmail.cf", "-bD",
                              "-q1s"), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
        wait_for(self._answers, lambda: f"Sendmail on port {self.port}: {self._said()}")
        return self

    def restart(self):
        """Takes changed lines and routes into force."""
        self._end()
        self.start()

    def stop(self):
        """Stops at once, whatever is in the queue; harmless when it does not run."""
        self._end()
        while self.helpers:
            self.helpers.pop().close()

    def sendmail(self, sender, recipients, content):
        """Hands a message in locally, as a program on this machine does; the exit status
        (sysexits.h: 67 when a recipient was refused)."""
        command = self._command(PROGRAM, "-L", "sm-msp", "-Ac", "-C", self.config / "submit.cf",
                                "-i", "-f", sender, "--", *recipients)
        return subprocess.run(command, input=content, check=False, capture_output=True,
                              timeout=60).returncode

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def queued(self):
        """The control files of undelivered mail."""
        return [f"{queue}/{name}" for queue in ("msp-queue", "queue")
                for name in os.listdir(self.home / queue) if name.startswith(("qf", "tf", "Qf"))]

    def wait_empty(self, seconds=60):
        """Until everything has been delivered or returned. A bounce is in the queue before
        its message leaves it; hence two looks."""
        wait_for(lambda: not any(self.queued() for _ in range(2)), self._stuck, seconds)

    def wait_log(self, pattern, seconds=30, count=1):
        """The matches of a pattern in the log, once there are so many."""
        expression = re.compile(pattern, re.MULTILINE)

        def matches():
            found = expression.findall(self.log())
            return found if len(found) >= count else None

        return wait_for(matches, lambda: f"{pattern!r} in the log:\n{self.log()[-3000:]}", seconds)

    def _stuck(self):
        return f"an empty queue; left are {self.queued()[:5]}\n{self.log()[-4000:]}"

    def _said(self):
        return (self.home / "stderr.log").read_text(errors="replace")[-2000:] + self.log()[-2000:]

    def _configure(self):
        routes = self.internet.routes()
        values = {"home": self.home, "cf": CF, "hostname": HOSTNAME, "port": self.port,
                  "lifetime": self.lifetime, "lines": self.lines,
                  "mailers": "".join(MAILER.format(port=port) for port in set(routes.values()))}
        self._make_cf("sendmail", SENDMAIL_MC.format(**values))
        self._make_cf("submit", SUBMIT_MC.format(**values))
        table = {domain: f"fake{port}:[mx.{domain}]" for domain, port in routes.items()}
        self._make_map("mailertable", {**table, **self.mailertable})
        names = ["localhost", HOSTNAME, *(f"mx.{domain}" for domain in routes)]
        self._write("hosts", "".join(f"127.0.0.1 {name}\n" for name in names)
                    + "127.0.0.2 mx.elsewhere.example\n")
        self._write("nsswitch.conf", "hosts: files\n")
        self._write("service.switch", "hosts\tfiles\naliases\tfiles\n")
        self._write("sasl/Sendmail.conf", f"pwcheck_method: saslauthd\nmech_list: PLAIN\n"
                                          f"saslauthd_path: {self.home}/mux\n")
        for name in ("aliases", "local-host-names", "relay-domains", "trusted-users"):
            self._write(name, "")

    def _write(self, name, text):
        (self.config / name).write_text(text)

    def _make_cf(self, name, text):
        self._write(f"{name}.mc", text)
        done = subprocess.run(["m4", f"{name}.mc"], cwd=self.config, capture_output=True, text=True,
                              check=True, timeout=60)
        assert not done.stderr, done.stderr
        self._write(f"{name}.cf", done.stdout)

    def _make_map(self, name, entries):
        text = "".join(f"{key}\t{value}\n" for key, value in entries.items())
        self._write(name, text)
        subprocess.run([str(MAKEMAP), "-C", str(self.config / "sendmail.cf"), "hash",
                        str(self.config / name)], input=text, text=True, check=True, timeout=60,
                       capture_output=True)

    def _command(self, *arguments):
        """In namespaces of its own; when the first process ends, all the others do."""
        script = NAMESPACE.format(home=self.home, hostname=HOSTNAME)
        return ["unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                script, "sh", *map(str, arguments)]

    def _end(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(60)
        self.process = None

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Sendmail ended with {self.process.returncode}: {self._said()}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as client:
                return client.recv(100).startswith(b"220")
        except OSError:
            return False
