"""Started by root the daemon is its own user, and does all its work as that."""
import os
import pwd
import stat

import pytest

import suppressd
from conftest import Rig
from internet import Answer

USER = "nobody"  # there is one everywhere


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    owner = pwd.getpwnam(USER)
    os.chown(home / "suppressd", owner.pw_uid, owner.pw_gid)
    made.suppressd.configure(user=USER, database=home / "suppressd" / "state" / "suppressd.db",
                             control_socket=home / "suppressd" / "run" / "control.sock",
                             tag_domains="sender.example", tag_key_file=home / "suppressd" / "state" / "tag.key",
                             mail_log=home / "postfix" / "mail.log")
    (home / "suppressd" / "state").rmdir()  # the daemon makes it
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


def status(rig):
    lines = open(f"/proc/{rig.suppressd.process.pid}/status", encoding="ascii").read().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def mode(path):
    found = os.stat(path)
    assert (found.st_uid, found.st_gid) == (pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid), path
    return stat.S_IMODE(found.st_mode)


def test_nothing_of_root_is_left(rig):
    user = pwd.getpwnam(USER)
    now = status(rig)
    assert now["Uid"].split() == [str(user.pw_uid)] * 4
    assert now["Gid"].split() == [str(user.pw_gid)] * 4
    assert set(now["Groups"].split()) == {str(group) for group in os.getgrouplist(USER, user.pw_gid)}
    assert now["NoNewPrivs"] == "1"
    assert {int(now[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


def test_mail_and_bounces_pass_as_before(rig):
    rig.bad.answer("gone", Answer("550 5.1.1 <{rcpt}>: User unknown"))
    rig.send(["gone@bad.example", "reader@good.example"])
    rig.settle()
    assert set(rig.suppressd.suppressed()) == {"gone@bad.example"}
    assert rig.send("gone@bad.example")["gone@bad.example"][0] == 550
    assert rig.suppressd.ctl("add", "by.hand@bad.example").returncode == 0


def test_modes_of_files_folders_and_sockets(rig):
    database = rig.suppressd.database
    assert mode(database.parent) == 0o750
    for suffix in ("", "-wal", "-shm"):
        assert mode(f"{database}{suffix}") == 0o640
    assert mode(rig.suppressd.settings["tag_key_file"]) == 0o600
    assert mode(rig.suppressd.settings["control_socket"].parent) == 0o700
    assert mode(rig.suppressd.settings["control_socket"]) & 0o007 == 0
    for found in database.parent.iterdir():
        assert mode(found) & 0o007 == 0, found


def test_a_reload_needs_no_root(rig):
    said = rig.suppressd.stderr().count("reloaded ")
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded ", said + 1)


def test_a_log_that_is_out_of_reach_is_told_and_costs_no_mail(rig):
    secret = rig.suppressd.home / "secret.log"
    secret.write_text("")
    secret.chmod(0o600)
    rig.suppressd.stop()
    rig.suppressd.configure(mail_log=secret)
    try:
        rig.suppressd.start()
        rig.suppressd.wait_stderr(f"{secret} cannot be read: Permission denied")
        assert rig.send("gone@bad.example")["gone@bad.example"][0] == 550
    finally:
        rig.suppressd.stop()
        rig.suppressd.configure(mail_log=rig.postfix.log_path)
        rig.suppressd.start()


@pytest.mark.parametrize("wrong, told", [
    ({"user": "no-such-user"}, "there is no user 'no-such-user'"),
    ({"user": "root"}, "'root' is root"),
    ({"milter_socket": "unix:{root}/milter.sock"}, "milter_socket"),
    ({"socketmap_socket": "unix:{root}/map.sock"}, "socketmap_socket"),
    ({"tag_key_file": "{root}/tag.key"}, "tag.key"),
    ({"database": "{root}/s.db"}, "s.db"),
], ids=["nobody there", "root itself", "milter", "socketmap", "key", "database"])
def test_what_is_out_of_reach_stops_the_start(rig, wrong, told):
    roots = rig.suppressd.home / "roots"
    roots.mkdir(mode=0o700, exist_ok=True)
    right = dict(rig.suppressd.settings)
    rig.suppressd.stop()
    try:
        rig.suppressd.configure(**{name: value.format(root=roots) for name, value in wrong.items()})
        code, said = rig.suppressd.start_failing()
        assert code == 1 and told in said, said
    finally:
        rig.suppressd.settings = right
        rig.suppressd.configure(socketmap_socket="")
        rig.suppressd.start()


def test_settings_that_the_user_cannot_read_stop_the_start(rig):
    rig.suppressd.stop()
    rig.suppressd.config.chmod(0o600)
    try:
        code, said = rig.suppressd.start_failing()
        assert code == 1 and f"user {USER} cannot read it" in said
    finally:
        rig.suppressd.config.chmod(0o644)
        rig.suppressd.start()
