"""A private Postfix: its own configuration, queue, ports and log.

It shares nothing but the programs with the machine's Postfix. Three services
listen on 127.0.0.1:

    submission  clients from 127.0.0.1 are trusted and may send anywhere
    internet    trusts nobody; Client.pretend makes a client come from outside
    login       relays for anybody; its clients pretend to be outside users who logged in
    (pickup)    sendmail, for mail that is handed in locally

All mail leaves for the hosts of a FakeInternet; a domain that it does not know
goes nowhere (there is no DNS here: such a domain does not exist). Timers are as
short as Postfix allows. Needs root.
"""
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess

from waiting import wait_for

TRUSTED = "127.0.0.1"
HOSTNAME = "mta.sender.example"

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
multi_instance_name = {name}
mail_owner = postfix
setgid_group = postdrop
myhostname = {hostname}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = {trusted}/32
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_reject_unlisted_recipient = no
relay_domains = sender.example
relay_recipient_maps =
transport_maps = texthash:{home}/transport
smtp_host_lookup = native
disable_dns_lookups = yes
append_dot_mydomain = no
notify_classes =
smtputf8_enable = yes
smtputf8_autodetect_classes = all
smtp_skip_5xx_greeting = no
smtp_helo_timeout = 2s
smtp_connect_timeout = 2s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
maximal_queue_lifetime = {lifetime}
bounce_queue_lifetime = 60s
in_flow_delay = 0
default_destination_concurrency_failed_cohort_limit = 1000
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_recipient_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = {trusted}/32
smtpd_sasl_auth_enable = no
milter_connect_timeout = 5s
enable_long_queue_ids = yes
ignore_mx_lookup_error = no
"""

MASTER_CF = """\
127.0.0.1:{submission} inet n - n - - smtpd
    -o syslog_name={name}/submission
127.0.0.1:{internet} inet n - n - - smtpd
    -o syslog_name={name}/internet
    -o mynetworks=192.0.2.255/32
127.0.0.1:{login} inet n - n - - smtpd
    -o syslog_name={name}/login
    -o mynetworks=192.0.2.255/32
    -o {{ smtpd_relay_restrictions = check_client_access static:OK, reject }}
pickup    unix  n - n 1 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
scache    unix  - - n - 1 scache
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

# Domains that nobody serves; the words are those of Postfix's own smtp client after its DNS
# look-up.
UNKNOWN_DOMAIN = ("error:5.4.4 Host or domain name not found. "
                  "Name service error for name={0} type=AAAA: Host not found")
NULL_MX = "error:5.1.0 Domain {0} does not accept mail (nullMX)"

DELIVERY = re.compile(r"(?P<queue_id>\w+): to=<(?P<to>[^>]*)>.* dsn=(?P<dsn>[\d.]+), "
                      r"status=(?P<status>\w+) \((?P<text>.*)\)$")


def missing():
    """Why no private Postfix can run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("postfix", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        return "Postfix is not installed"
    return ""


def free_ports(count):
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Postfix:
    """One instance in a folder of its own below `home`."""

    def __init__(self, home, internet, lifetime="1d"):
        self.home = pathlib.Path(home)
        self.internet = internet
        self.lifetime = lifetime
        self.name = "postfix-" + self.home.parent.name
        self.log_path = self.home / "mail.log"
        self.config = self.home / "etc"
        self.settings = {"delay_warning_time": "0", "milter_command_timeout": "30s",
                         "milter_content_timeout": "30s"}
        self.services = ""     # more lines of master.cf
        self.unreachable = {}  # domain -> transport of a domain that nobody serves
        self.running = False
        self.submission_port, self.internet_port, self.login_port = free_ports(3)

    def milter(self, address, default_action="accept", bounces="tempfail"):
        """Puts a milter before all mail; what happens to it without an answer:
        default_action to mail by SMTP, bounces to Postfix's own and to local mail."""
        self.settings["smtpd_milters"] = f"{{ {address}, default_action={default_action} }}"
        self.settings["non_smtpd_milters"] = f"{{ {address}, default_action={bounces} }}"
        self.settings["internal_mail_filter_classes"] = "bounce"

    def start(self):
        for folder in (self.home, self.config, self.home / "queue"):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        data = self.home / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        self._configure()
        return self.run()

    def run(self):
        """Starts it with main.cf and master.cf as they are."""
        wait_for(self._starts, lambda: f"postfix start: {self.log()[-2000:]}", pause=0.5)
        self.running = True
        wait_for(self._answers, f"Postfix on port {self.submission_port}: {self.log()[-2000:]}")
        return self

    def restart(self, **settings):
        """Takes these settings, and changed milters and routes, into force. Not `postfix
        reload`: on a busy machine its processes then wait for each other, for minutes."""
        self.stop()
        self.settings.update(settings)
        self.start()

    def stop(self):
        """Stops at once, whatever is in the queue; harmless when it does not run."""
        if self.running:
            subprocess.run(self._command("postfix", "stop"), stdin=subprocess.DEVNULL,
                           capture_output=True, check=False, timeout=60)
            self.running = False

    def flush(self):
        """Tries everything in the queue now."""
        subprocess.run(self._command("postqueue", "-f"), check=True, timeout=30)

    def sendmail(self, sender, recipients, content):
        """Hands a message in locally, as a program on this machine does."""
        subprocess.run(self._command("sendmail", "-i", "-f", sender, "--", *recipients),
                       input=content, check=True, timeout=30)

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def deliveries(self):
        """All delivery lines of the log as dictionaries, oldest first."""
        matches = (DELIVERY.search(line) for line in self.log().splitlines())
        return [match.groupdict() for match in matches if match]

    def queued(self, backwards=False):
        """The queue files of undelivered mail, by folder; backwards: the last folder first."""
        folders = ["maildrop", "incoming", "active", "deferred", "hold"]
        found = []
        for folder in reversed(folders) if backwards else folders:
            for _path, _folders, files in os.walk(self.home / "queue" / folder):
                found += [f"{folder}/{name}" for name in files if "." not in name]
        return found

    def wait_empty(self, seconds=60):
        """Until everything has been delivered or returned. A message may move from an unread
        folder to a read one, and become another (its bounce); hence three looks. The log is
        no witness: lines get lost when Postfix stops."""
        wait_for(lambda: not any(self.queued(backwards) for backwards in (False, True, False)),
                 self._stuck, seconds)

    def wait_log(self, pattern, seconds=30, count=1):
        """The matches of a pattern in the log, once there are so many."""
        expression = re.compile(pattern, re.MULTILINE)

        def matches():
            found = expression.findall(self.log())
            return found if len(found) >= count else None

        return wait_for(matches, lambda: f"{pattern!r} in the log:\n{self.log()[-3000:]}", seconds)

    def leftovers(self):
        """Processes that still run from this instance's folders."""
        left = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.readlink(entry / "cwd").startswith(str(self.home)):
                    left.append((int(entry.name), (entry / "comm").read_text().strip()))
            except OSError:
                continue
        return left

    def _stuck(self):
        """What the log says of mail that is still in the queue."""
        left = self.queued()[:5]
        names = [path.rpartition("/")[2] for path in left]
        lines = [line for line in self.log().splitlines()
                 if any(name in line for name in names) or "warning" in line or "fatal" in line]
        return f"an empty queue; left are {left}\n" + "\n".join(lines[-40:])

    def _configure(self):
        text = MAIN_CF.format(home=self.home, name=self.name, hostname=HOSTNAME, trusted=TRUSTED,
                              lifetime=self.lifetime)
        text += "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        (self.config / "main.cf").write_text(text)
        (self.config / "master.cf").write_text(MASTER_CF.format(
            name=self.name, submission=self.submission_port, internet=self.internet_port,
            login=self.login_port) + self.services)
        routes = [f"{domain} smtp:[127.0.0.1]:{port}"
                  for domain, port in self.internet.routes().items()]
        routes += [f"{domain} {how.format(domain)}" for domain, how in self.unreachable.items()]
        routes.append("* " + UNKNOWN_DOMAIN.format("it"))
        (self.home / "transport").write_text("\n".join(routes) + "\n")

    def _command(self, program, *arguments):
        path = shutil.which(program, path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
        option = "-C" if program == "sendmail" else "-c"
        return [path, option, str(self.config), *arguments]

    def _starts(self):
        """While it was stopped its port may have become that of somebody's outgoing
        connection, for a moment."""
        return not subprocess.run(self._command("postfix", "start"), stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False, timeout=60).returncode

    def _postfix(self, verb):
        done = subprocess.run(self._command("postfix", verb), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"postfix {verb}: {done.stdout}{done.stderr}{self.log()[-2000:]}")

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.submission_port), 5) as client:
                return client.recv(100).startswith(b"220")
        except OSError:
            return False
