"""The daemon under test, from the build tree, in a folder of its own.

SUPPRESSD and SUPPRESSCTL name the programs (build/ of the checkout by default).
What it writes to stderr is kept in `stderr.log`, over all its lives.
"""
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess

from waiting import FACTOR, wait_for

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
DAEMON = os.environ.get("SUPPRESSD", str(BUILD / "suppressd"))
CTL = os.environ.get("SUPPRESSCTL", str(BUILD / "suppressctl"))
READY = "suppressd ready"


def missing():
    """Why the daemon cannot run; empty when it can."""
    absent = [path for path in (DAEMON, CTL) if not os.access(path, os.X_OK)]
    return f"not built: {', '.join(absent)}" if absent else ""


def sanitized():
    """Why the daemon cannot run in a sandbox: a sanitizer wants more of the kernel than it does.
    Empty when it can."""
    with open(DAEMON, "rb") as program:
        found = re.search(rb"__(asan|tsan|ubsan)_", program.read())
    return "the daemon runs under a sanitizer, which the sandbox would stop" if found else ""


def literal(value):
    """A value as the settings file wants it: all are texts, but for lists of texts."""
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(literal(one) for one in value) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Suppressd:
    def __init__(self, home, **settings):
        self.home = pathlib.Path(home)
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.config = self.home / "suppressd.conf"
        self.database = self.home / "db" / "suppressd.db"
        self.stderr_path = self.home / "stderr.log"
        self.milter_address = f"unix:{self.home}/milter.sock"
        self.settings = {
            "user": "",  # whoever runs the tests
            "database": self.database,
            "control_socket": self.home / "control.sock",
            "milter_socket": self.milter_address,
            "milter_socket_mode": "0666",
            "local_rules_dir": self.home / "rules.d",
            "trusted_networks": ["127.0.0.1/32"],
            "gate_mode": "enforce",
        }
        self.policy = ""  # policy sections, as they stand in the file
        self.user = None  # run as this user instead of root
        self.launcher = []  # a program that starts it
        self.environment = {}  # of the process, in addition
        self.process = None
        self.configure(**settings)

    def configure(self, **settings):
        """Rewrites the configuration file; in force at the next start or hup."""
        self.settings.update(settings)
        self.database = pathlib.Path(self.settings["database"])
        self.database.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.milter_address = self.settings["milter_socket"]
        self.config.write_text("".join(f"{name} = {literal(value)}\n"
                                       for name, value in self.settings.items()) + self.policy)

    def start(self):
        lives = self.stderr().count(READY)
        self.launch()

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"suppressd ended with {self.process.returncode}: "
                                   f"{self.stderr()[-2000:]}")
            return self.stderr().count(READY) > lives

        wait_for(ready, lambda: f"{READY!r}: {self.stderr()[-2000:]}")
        return self

    def start_failing(self, seconds=60):
        """A start that must fail: (exit status, what it said)."""
        before = len(self.stderr())
        self.launch()
        try:
            wait_for(lambda: not self.alive(), "the start to fail", seconds)
            return self.process.returncode, self.stderr()[before:]
        finally:
            self.kill()

    def stop(self, seconds=30):
        """Asks it to end (SIGTERM); its exit status. None when it does not run."""
        return self._end(signal.SIGTERM, seconds)

    def kill(self):
        """Ends it between two instructions (SIGKILL)."""
        return self._end(signal.SIGKILL, 10)

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stderr(self):
        try:
            return self.stderr_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def wait_stderr(self, text, count=1, seconds=30):
        wait_for(lambda: self.stderr().count(text) >= count,
                 lambda: f"{count} times {text!r} in: {self.stderr()[-3000:]}", seconds)

    def wal_size(self):
        """Bytes of the database's write-ahead log."""
        try:
            return os.path.getsize(f"{self.database}-wal")
        except FileNotFoundError:
            return 0

    def query(self, statement, *parameters):
        """Rows of the database as dictionaries, read as a dashboard reads them."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, parameters)]
        finally:
            connection.close()

    def bounces(self, address=None):
        """What v_bounces holds, of one recipient or of all."""
        rows = self.query("SELECT * FROM v_bounces")
        return [row for row in rows if address in (None, row["recipient"])]

    def events(self, address=None):
        """Every delivery result, of one recipient or of all. Tests may look behind the views."""
        rows = self.query("""
            SELECT a.key AS recipient, e.*, p.text AS reply_text
            FROM event e JOIN address a ON a.id = e.address LEFT JOIN reply p ON p.id = e.reply
            ORDER BY e.id""")
        return [row for row in rows if address in (None, row["recipient"])]

    def suppressed(self):
        """{recipient: row of v_suppressed}"""
        return {row["recipient"]: row for row in self.query("SELECT * FROM v_suppressed")}

    def ctl(self, *arguments, check=True, text=None):
        """Runs suppressctl; the completed process. Exit statuses above 1 are failures."""
        done = subprocess.run([CTL, "-c", str(self.config), *arguments], input=text or "",
                              capture_output=True, text=True, check=False, timeout=60 * FACTOR)
        if check and done.returncode > 1:
            raise RuntimeError(f"suppressctl {' '.join(arguments)}: {done.returncode}: {done.stderr}")
        return done

    def ctl_json(self, *arguments):
        """The JSON objects that a command of suppressctl prints."""
        return [json.loads(line) for line in self.ctl("--json", *arguments).stdout.splitlines()]

    def launch(self):
        """Starts the process and waits for nothing."""
        assert not self.alive(), "it runs already"
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen([*self.launcher, DAEMON, "-c", str(self.config)], stderr=stderr,
                                            stdin=subprocess.DEVNULL, stdout=stderr,
                                            user=self.user, env={**os.environ, **self.environment})

    def _end(self, number, seconds):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(seconds * FACTOR)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no end within {seconds} s: {self.stderr()[-3000:]}") from None
        finally:
            self.process = None
        return status
