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
cleanup   unix  n       -       {chroot}       -       0       cleanup{cleanup}
pickup    unix  n       -       {chroot}       60      1       pickup{pickup}
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

    def master(self, chroot="n", more="", cleanup="", pickup=""):
        with open(self.dir + "/master.cf", "w") as file:
            file.write(MASTER.format(chroot=chroot, more=more, cleanup=cleanup, pickup=pickup))

    def write(self, text):
        with open(self.dir + "/main.cf", "w") as file:
            file.write("compatibility_level = 3.6\nqueue_directory = %s\nmail_owner = %s\n%s"
                       % (self.queue, self.owner, text))
        self.age()

    def age(self):
        # Postfix's tools wait before they read a file younger than a second.
        past = time.time() - 60
        os.utime(self.dir + "/main.cf", (past, past))

    def read(self, name="main.cf"):
        with open(self.dir + "/" + name) as file:
            return file.read()

    def services(self, name=""):
        """Entries of master.cf, a line each, with their options."""
        return [" ".join(line.split()) for line in self.postconf("-M", *[name][:bool(name)]).splitlines()]

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
    assert len(commands) == 5
    subprocess.run(["sh", "-ec", "\n".join(commands)], check=True)
    pasted, services = postfix.read(), postfix.read("master.cf")
    postfix.write("")
    postfix.master()
    postfix.setup("--apply")
    assert postfix.read("master.cf") == services
    assert sorted(postfix.read().splitlines()) == sorted(pasted.splitlines())
    assert postfix.value("smtpd_milters") == OURS
    assert postfix.value("non_smtpd_milters") == OURS
    assert postfix.value("internal_mail_filter_classes") == "bounce"


PICKUP = "pickup-cleanup unix n - n - 0 cleanup -o milter_macro_daemon_name=pickup"


def test_pickup_gets_a_cleanup_of_its_own(postfix):
    plan = postfix.plan()
    assert [change["parameter"] for change in plan["changes"]][-2:] == [
        "pickup-cleanup/unix", "pickup/unix/cleanup_service_name"]
    assert postfix.services("pickup-cleanup/unix") == []
    said = postfix.setup("--apply")
    assert postfix.dir + "/master.cf.before-suppressd" in said
    assert postfix.services("pickup-cleanup/unix") == [PICKUP]
    assert postfix.services("pickup/unix") == ["pickup unix n - n 60 1 pickup "
                                               "-o cleanup_service_name=pickup-cleanup"]
    assert 'calls itself "pickup" already' in " ".join(findings(postfix.plan(), "note"))


def test_it_does_all_that_the_other_one_does(postfix):
    postfix.master(chroot="y", cleanup="\n  -o { header_checks = regexp:/a b } -o milter_macro_daemon_name=x",
                   pickup=" -o content_filter=", more="own unix n - n - 7 cleanup -v\n")
    postfix.setup("--apply")
    assert postfix.services("pickup-cleanup/unix") == [
        "pickup-cleanup unix n - y - 0 cleanup -o {header_checks=regexp:/a b} "
        "-o milter_macro_daemon_name=x -o milter_macro_daemon_name=pickup"]
    assert postfix.postconf("-Ph", "pickup/unix/content_filter").strip() == ""
    postfix.setup("--remove")
    postfix.write("cleanup_service_name = own\n")
    postfix.setup("--apply")
    assert postfix.services("pickup-cleanup/unix") == [PICKUP.replace("0 cleanup", "7 cleanup -v")]


def test_an_earlier_apply_without_it_gets_it_too(postfix):
    before, master = postfix.read(), postfix.read("master.cf")
    postfix.master(pickup=" -o cleanup_service_name=cleanup")
    postfix.setup("--apply")
    applied = postfix.read()
    postfix.master()
    postfix.setup("--apply")
    assert postfix.services("pickup-cleanup/unix") == [PICKUP] and postfix.read() == applied
    postfix.setup("--remove")
    assert postfix.read() == before and postfix.read("master.cf") == master
    assert sorted(os.listdir(postfix.dir)) == ["main.cf", "master.cf"]


@pytest.mark.parametrize("own, weight, words", [
    ({"pickup": " -o cleanup_service_name=pre", "more": "pre unix n - n - 0 cleanup\n"}, "warning",
     '"cleanup_service_name = pre", which is left alone: until pre/unix has "-o milter_macro_daemon_name=pickup"'),
    ({"pickup": " -o cleanup_service_name=cleanup"}, "warning", "while it keeps pickup from a cleanup of its own"),
    ({"pickup": " -o cleanup_service_name=pickup-cleanup"}, "warning", "until pickup-cleanup/unix has"),
    ({"more": "pickup-cleanup unix n - n - 0 cleanup -o syslog_name=x\n"}, "warning",
     "has a pickup-cleanup/unix already, which is left alone"),
    ({"pickup": " -o cleanup_service_name=pre",
      "more": "pre unix n - n - 0 cleanup -o milter_macro_daemon_name=pickup\n"}, "note",
     'a cleanup that calls itself "pickup" already'),
    ({"pickup": " -o cleanup_service_name=pre",
      "more": "pre unix n - n - 0 cleanup -o milter_macro_daemon_name=users\n"}, "warning",
     'does not take "users" for users\' mail'),
])
def test_what_the_postmaster_has_made_is_left_alone(postfix, own, weight, words):
    postfix.master(**own)
    services = postfix.read("master.cf")
    assert words in " ".join(findings(postfix.plan("--apply"), weight))
    assert postfix.read("master.cf") == services
    postfix.setup("--remove")
    assert postfix.read("master.cf") == services


def test_remove_after_an_edit_of_master_cf_takes_only_ours(postfix):
    services = postfix.services()
    postfix.setup("--apply")
    postfix.postconf("-P", "pickup-cleanup/unix/syslog_name=x", "cleanup/unix/syslog_name=y")
    postfix.setup("--remove")
    assert postfix.services() == [line + " -o syslog_name=y" * line.startswith("cleanup") for line in services]


def test_remove_leaves_where_the_postmaster_has_pickup_hand_its_mail(postfix):
    postfix.setup("--apply")
    postfix.postconf("-P", "pickup/unix/cleanup_service_name=cleanup")
    postfix.setup("--remove")
    assert postfix.services("pickup/unix") == ["pickup unix n - n 60 1 pickup -o cleanup_service_name=cleanup"]
    assert postfix.services("pickup-cleanup/unix") == []


@pytest.mark.parametrize("edit", [("-P", "submission/inet/cleanup_service_name=pickup-cleanup"),
                                  ("-e", "cleanup_service_name=pickup-cleanup")])
def test_remove_takes_no_cleanup_away_from_others(postfix, edit):
    postfix.setup("--apply")
    postfix.postconf(*edit)
    main, master = postfix.read(), postfix.read("master.cf")
    assert "names what --remove would take away: nothing was changed" in postfix.setup("--remove", code=3)
    assert postfix.read() == main and postfix.read("master.cf") == master


def test_applied_again_after_half_of_it(postfix):
    """As after a kill between the two edits of master.cf."""
    services = postfix.services()
    postfix.setup("--apply")
    for lost in (("-PX", "pickup/unix/cleanup_service_name"), ("-MX", "pickup-cleanup/unix")):
        postfix.postconf(*lost)
        postfix.setup("--apply")
        assert postfix.services("pickup-cleanup/unix") == [PICKUP]
        assert "-o cleanup_service_name=pickup-cleanup" in postfix.services("pickup/unix")[0]
    postfix.setup("--remove")
    assert postfix.services() == services


def test_a_master_cf_without_pickup_stays(postfix):
    postfix.master()
    postfix.postconf("-MX", "pickup/unix")
    services = postfix.read("master.cf")
    postfix.setup("--apply")
    assert postfix.read("master.cf") == services


def test_mail_of_users_must_be_known_by_its_name(postfix):
    with open(postfix.conf, "a") as file:
        file.write('user_daemons = ""\n')
    assert 'does not take "pickup" for users\' mail' in " ".join(findings(postfix.plan(), "warning"))


@pytest.mark.skipif("CONF" not in os.environ, reason="the folder of the snippets is not known")
def test_snippet_says_what_apply_says(postfix):
    with open(os.environ["CONF"] + "/postfix-main.cf") as file:
        snippet = file.read()
    postfix.setup("--apply")
    names = ["smtpd_milters", "non_smtpd_milters", "internal_mail_filter_classes"]
    applied = [postfix.value(name).split() for name in names]
    postfix.write(snippet)
    lines = [" ".join(line.lstrip("#").split()) for line in snippet.splitlines() if line.startswith("#   ")]
    assert [" ".join(lines[0:2]), " ".join(lines[2:4])] == [
        line.replace(" unix n - n ", " unix n - y ")
        for service in ("pickup/unix", "pickup-cleanup/unix") for line in postfix.services(service)]
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
    before, services = postfix.read(), postfix.read("master.cf")
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
    assert postfix.read() == before and postfix.read("master.cf") == services
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


@pytest.mark.parametrize("edit", ["-e", "-M", "-P"])
def test_an_edit_that_fails_leaves_all_as_it_was(postfix, tmp_path, monkeypatch, edit):
    before, services = postfix.read(), postfix.read("master.cf")
    real = shutil.which("postconf", path=os.environ["PATH"] + ":/usr/sbin")
    other_postconf(tmp_path, monkeypatch,
                   'case "$*" in *" %s "*=*) %s "$@"; echo "disk full" >&2; exit 1;; esac\n'
                   'exec %s "$@"\n' % (edit, real, real))
    assert "disk full" in postfix.setup("--apply", code=3)
    assert postfix.read() == before and postfix.read("master.cf") == services
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
