"""suppressctl setup postfix, against a private Postfix configuration."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import time

import pytest

SUPPRESSCTL = os.environ["SUPPRESSCTL"]
ROOT = os.geteuid() == 0

MASTER = """\
smtp      inet  n       -       {chroot}       -       -       smtpd
cleanup   unix  n       -       {chroot}       -       0       cleanup
submission inet n       -       {chroot}       -       -       smtpd
  -o syslog_name=postfix/submission
{more}"""


def item(endpoint):
    return ("{ %s, default_action=accept, connect_timeout=5s, command_timeout=10s, "
            "content_timeout=60s }" % endpoint)


OURS = item("unix:suppressd/milter.sock")


class Postfix:
    """A configuration directory and a queue directory; no daemon runs."""

    def __init__(self, path):
        # Short and open to others: a socket's name is limited, Postfix's user must pass.
        self.queue = str(path / "q")
        self.dir = str(path / "etc")
        os.mkdir(self.queue, 0o755)
        os.mkdir(self.dir)
        self.owner = pwd.getpwuid(os.geteuid()).pw_name
        self.conf = str(path / "suppressd.conf")
        with open(self.conf, "w") as file:
            file.write('milter_socket = "unix:%s/suppressd/milter.sock"\n' % self.queue)
        self.write("")
        self.master()

    def master(self, chroot="n", more=""):
        with open(self.dir + "/master.cf", "w") as file:
            file.write(MASTER.format(chroot=chroot, more=more))

    def write(self, text):
        with open(self.dir + "/main.cf", "w") as file:
            file.write("compatibility_level = 3.6\nqueue_directory = %s\nmail_owner = %s\n%s"
                       % (self.queue, self.owner, text))
        self.age()

    def age(self):
        # Postfix's tools wait before they read a file younger than a second.
        past = time.time() - 60
        os.utime(self.dir + "/main.cf", (past, past))

    def read(self):
        with open(self.dir + "/main.cf") as file:
            return file.read()

    def postconf(self, *arguments):
        self.age()
        return subprocess.run(["postconf", "-c", self.dir, *arguments], check=True, text=True,
                              capture_output=True).stdout

    def value(self, name):
        return self.postconf("-h", name).rstrip("\n")

    def setup(self, *options, code=0, path=True):
        command = [SUPPRESSCTL, "-c", self.conf, "setup", "postfix"]
        command += ["--config-dir", self.dir] if path else []
        self.age()
        done = subprocess.run(command + list(options), text=True, capture_output=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, *options, code=0):
        return json.loads(self.setup("--json", *options, code=code))


@pytest.fixture
def postfix(tmp_path):
    return Postfix(tmp_path)


def findings(plan, weight):
    return [f["text"] for f in plan["findings"] if f["weight"] == weight]


def test_printed_lines_do_what_apply_does(postfix):
    lines = postfix.setup()
    before = postfix.read()
    assert before == postfix.read()
    commands = [line for line in lines.splitlines() if line.startswith("postconf ")]
    assert len(commands) == 3
    subprocess.run(["sh", "-ec", "\n".join(commands)], check=True)
    pasted = postfix.read()
    postfix.write("")
    postfix.setup("--apply")
    assert sorted(postfix.read().splitlines()) == sorted(pasted.splitlines())
    assert postfix.value("smtpd_milters") == OURS
    assert postfix.value("non_smtpd_milters") == OURS
    assert postfix.value("internal_mail_filter_classes") == "bounce"


@pytest.mark.skipif("CONF" not in os.environ, reason="the folder of the snippets is not known")
def test_snippet_says_what_apply_says(postfix):
    with open(os.environ["CONF"] + "/postfix-main.cf") as file:
        snippet = file.read()
    postfix.setup("--apply")
    names = ["smtpd_milters", "non_smtpd_milters", "internal_mail_filter_classes"]
    applied = [postfix.value(name).split() for name in names]
    postfix.write(snippet)
    assert [postfix.value(name).split() for name in names] == applied
    assert postfix.plan()["changes"] == []


CONFIGURATIONS = {
    "nothing": "",
    "others": "smtpd_milters = unix:opendkim/o.sock, { inet:127.0.0.1:11332, default_action=tempfail }\n"
              "non_smtpd_milters = unix:opendkim/o.sock\n",
    "follows": "smtpd_milters = inet:localhost:8891\nnon_smtpd_milters = $smtpd_milters\n",
    "follows in braces": "smtpd_milters = inet:localhost:8891\n"
                         "non_smtpd_milters = ${smtpd_milters} unix:x\n",
    "follows the other way": "smtpd_milters = $non_smtpd_milters\nnon_smtpd_milters = unix:x\n",
    "set but empty": "smtpd_milters =\nnon_smtpd_milters =\ninternal_mail_filter_classes =\n",
    "folded": "smtpd_milters =\n  # signs\n  unix:a,\n\n  unix:b\n# end\n",
    "own macro": "mine = unix:a\nsmtpd_milters = $mine\nnon_smtpd_milters = $mine\n",
    "classes": "internal_mail_filter_classes = notify\n",
    "bounce already": "internal_mail_filter_classes = notify, bounce\n",
    "quote": "smtpd_banner = it's $myhostname\nsmtpd_milters = inet:localhost:1\n",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_apply_keeps_what_is_there_and_remove_gives_it_back(postfix, name):
    postfix.write(CONFIGURATIONS[name])
    before = postfix.read()
    old = {key: postfix.value(key) for key in ("smtpd_milters", "non_smtpd_milters")}
    postfix.setup("--apply")
    with open(postfix.dir + "/main.cf.before-suppressd") as file:
        assert file.read() == before
    for key, value in old.items():
        now = postfix.value(key)
        assert now.startswith(value)
        assert postfix.postconf("-xh", key).count("suppressd/milter.sock") == 1
    applied = postfix.read()
    assert "nothing to change" in postfix.setup("--apply")
    assert postfix.plan()["changes"] == []
    assert postfix.read() == applied
    postfix.setup("--remove")
    assert postfix.read() == before
    assert sorted(os.listdir(postfix.dir)) == ["main.cf", "master.cf"]
    assert "nothing to take back" in postfix.setup("--remove")


@pytest.mark.parametrize("name", ["others", "follows", "set but empty", "bounce already"])
def test_remove_after_an_edit_takes_only_ours(postfix, name):
    postfix.write(CONFIGURATIONS[name])
    values = {}
    keys = ("smtpd_milters", "non_smtpd_milters", "internal_mail_filter_classes")
    for key in keys:
        values[key] = postfix.postconf("-n", key)
    postfix.setup("--apply")
    postfix.postconf("-e", "myhostname = mx.example.com")
    postfix.setup("--remove")
    assert postfix.value("myhostname") == "mx.example.com"
    for key in keys:
        assert postfix.postconf("-n", key) == values[key]


def test_remove_keeps_a_milter_that_came_later(postfix):
    postfix.setup("--apply")
    later = postfix.value("smtpd_milters").replace("connect_timeout=5s", "connect_timeout=9s")
    postfix.postconf("-e", "smtpd_milters = %s, inet:localhost:1" % later)
    postfix.setup("--remove")
    assert postfix.value("smtpd_milters") == "inet:localhost:1"
    assert postfix.value("non_smtpd_milters") == ""


def test_remove_after_the_administrator_took_it_out(postfix):
    postfix.setup("--apply")
    postfix.write("non_smtpd_milters = inet:localhost:1\n")
    mine = postfix.read()
    postfix.setup("--remove")
    assert postfix.read() == mine


def test_applied_again_after_a_loss(postfix):
    postfix.write("smtpd_milters = inet:localhost:1\n")
    before = postfix.read()
    postfix.setup("--apply")
    postfix.postconf("-X", "internal_mail_filter_classes")
    postfix.setup("--apply")
    assert postfix.value("internal_mail_filter_classes") == "bounce"
    postfix.setup("--remove")
    assert postfix.read() == before


def test_mode_of_main_cf_stays(postfix):
    os.chmod(postfix.dir + "/main.cf", 0o640)
    postfix.setup("--apply")
    postfix.setup("--remove")
    assert os.stat(postfix.dir + "/main.cf").st_mode & 0o777 == 0o640


def test_socket_below_the_queue_is_named_from_there(postfix):
    postfix.master(chroot="y")
    plan = postfix.plan("--socket", "unix:%s/suppressd/milter.sock" % postfix.queue)
    assert plan["postfix_socket"] == "unix:suppressd/milter.sock"
    assert plan["milter_socket"] == "unix:%s/suppressd/milter.sock" % postfix.queue
    assert findings(plan, "problem") == []


def test_socket_out_of_the_chroots_reach_is_refused(postfix):
    postfix.master(chroot="y")
    before = postfix.read()
    plan = postfix.plan("--apply", "--socket", "unix:/run/suppressd/milter.sock", code=1)
    assert "smtpd and cleanup run chrooted" in findings(plan, "problem")[0]
    assert "unix:%s/suppressd/milter.sock" % postfix.queue in findings(plan, "problem")[0]
    assert not plan["applied"]
    assert postfix.read() == before


def test_same_socket_is_fine_without_chroot(postfix):
    plan = postfix.plan("--socket", "unix:/run/suppressd/milter.sock")
    assert plan["postfix_socket"] == "unix:/run/suppressd/milter.sock"
    assert findings(plan, "problem") == []


def test_default_chroot_follows_the_compatibility_level(postfix):
    postfix.master(chroot="-")
    postfix.plan("--socket", "unix:/run/suppressd/milter.sock", code=0)
    postfix.postconf("-e", "compatibility_level = 0")
    postfix.plan("--socket", "unix:/run/suppressd/milter.sock", code=1)


def test_inet_socket(postfix):
    postfix.master(chroot="y")
    plan = postfix.plan("--apply", "--socket", "inet:8890@127.0.0.1")
    assert "pass for the MTA" in findings(plan, "warning")[0]
    assert "suppressd listens elsewhere" in findings(plan, "warning")[1]
    assert postfix.value("smtpd_milters") == item("inet:127.0.0.1:8890")


def test_another_socket_needs_remove_first(postfix):
    postfix.setup("--apply")
    before = postfix.read()
    assert "--remove first" in postfix.setup("--apply", "--socket", "inet:8890@127.0.0.1", code=1)
    assert postfix.read() == before


def test_absent_socket_is_named_and_stops_nothing(postfix):
    os.mkdir(postfix.queue + "/suppressd")
    plan = postfix.plan("--apply")
    assert "start suppressd" in findings(plan, "warning")[0]
    assert plan["applied"]


def listen(path, mode):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, mode)
    return server


@pytest.mark.skipif(not ROOT, reason="needs another user than the owner of the files")
def test_permissions_are_those_of_postfix_own_user(postfix):
    postfix.owner = "nobody"
    postfix.write("")
    folder = postfix.queue + "/suppressd"
    os.mkdir(folder)
    os.chmod(folder, 0o700)
    with listen(folder + "/milter.sock", 0o600):
        assert "nobody cannot enter it" in findings(postfix.plan(), "warning")[0]
        os.chmod(folder, 0o711)
        assert "nobody cannot connect" in findings(postfix.plan(), "warning")[0]
        os.chmod(folder + "/milter.sock", 0o666)
        assert findings(postfix.plan(), "warning") == []


def test_plain_file_is_no_socket(postfix):
    os.mkdir(postfix.queue + "/suppressd")
    open(postfix.queue + "/suppressd/milter.sock", "w").close()
    assert "no socket" in findings(postfix.plan(), "warning")[0]


def test_services_with_their_own_milters_are_named(postfix):
    postfix.master(more="  -o smtpd_milters=\n"
                        "10025 inet n - n - - smtpd -o receive_override_options=no_milters\n"
                        "10026 inet n - n - - smtpd -o { smtpd_milters = %s }\n"
                        % OURS)
    notes = " ".join(findings(postfix.plan(), "note"))
    assert "submission/inet" in notes and "10025/inet" in notes
    assert "10026" not in notes


@pytest.mark.parametrize("milter, default, stops", [
    ("unix:suppressd/milter.sock", "tempfail", True),
    ("unix:suppressd/milter.sock", "accept", False),
    ("{ unix:suppressd/milter.sock, connect_timeout=5s }", "tempfail", True),
    ("{ unix:suppressd/milter.sock, default_action = accept }", "tempfail", False),
    ("{ unix:suppressd/milter.sock, default_action=tempfail }", "accept", True),
    (OURS, "tempfail", False),
])
def test_entries_of_others_that_would_stop_the_mail_are_named(postfix, milter, default, stops):
    os.mkdir(postfix.queue + "/suppressd")
    postfix.write("smtpd_milters = %s\nnon_smtpd_milters = $smtpd_milters\n"
                  "milter_default_action = %s\n" % (milter, default))
    assert ("mail stops" in " ".join(findings(postfix.plan(), "warning"))) == stops


def test_what_turns_milters_off_in_main_cf_is_named(postfix):
    postfix.write("receive_override_options = no_address_mappings, no_milters\n"
                  "smtpd_milter_maps = static:DISABLE\n")
    plan = postfix.plan()
    assert "no_milters" in " ".join(findings(plan, "warning"))
    assert "static:DISABLE" in " ".join(findings(plan, "note"))


def test_several_instances_must_be_named(postfix, monkeypatch):
    postfix.postconf("-e", "multi_instance_directories = /etc/postfix-out /etc/postfix-in")
    before = postfix.read()
    monkeypatch.setenv("MAIL_CONFIG", postfix.dir)
    said = postfix.setup("--apply", code=2, path=False)
    assert postfix.dir in said and "/etc/postfix-out /etc/postfix-in" in said
    assert postfix.read() == before
    postfix.setup("--apply")


@pytest.mark.parametrize("options", [["--apply", "--remove"], ["--socket"], ["--what"],
                                     ["--socket", "milter.sock"]])
def test_wrong_calls(postfix, options):
    postfix.setup(*options, code=2)


def test_no_postfix_there(postfix, tmp_path):
    done = subprocess.run([SUPPRESSCTL, "-c", postfix.conf, "setup", "postfix", "--config-dir",
                           str(tmp_path / "no")], text=True,
                          capture_output=True)
    assert done.returncode == 3 and "postconf" in done.stderr


def other_postconf(tmp_path, monkeypatch, script):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "postconf").write_text("#!/bin/sh\n" + script)
    (folder / "postconf").chmod(0o755)
    monkeypatch.setenv("PATH", "%s:%s" % (folder, os.environ["PATH"]))


def test_an_edit_that_fails_leaves_main_cf_as_it_was(postfix, tmp_path, monkeypatch):
    before = postfix.read()
    real = shutil.which("postconf", path=os.environ["PATH"] + ":/usr/sbin")
    other_postconf(tmp_path, monkeypatch,
                   'case "$*" in *" -e "*) %s "$@"; echo "disk full" >&2; exit 1;; esac\n'
                   'exec %s "$@"\n' % (real, real))
    assert "disk full" in postfix.setup("--apply", code=3)
    assert postfix.read() == before
    assert sorted(os.listdir(postfix.dir)) == ["main.cf", "master.cf"]


@pytest.mark.parametrize("script", ["exec yes 'a = b'\n", "exec yes oops >&2\n"])
def test_a_postconf_that_never_ends_is_stopped(postfix, tmp_path, monkeypatch, script):
    other_postconf(tmp_path, monkeypatch, script)
    assert "printed too much" in postfix.setup(code=3)


def test_values_never_reach_a_shell(postfix, tmp_path):
    trap = tmp_path / "trap"
    postfix.write("smtpd_milters = unix:$(touch) `touch %s` ;touch\n" % trap)
    lines = postfix.setup("--apply")
    assert not trap.exists(), lines
    subprocess.run(["sh", "-c", postfix.setup("--remove") and postfix.setup().split("postfix -c")[0]],
                   check=True)
    assert not trap.exists()
