"""Where the daemon listens, who may come in, and suppressctl with and without a daemon."""
import os
import stat

import pytest

from internet import Answer
from postfix import free_ports


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(autouse=True)
def running(rig):
    yield
    if not rig.suppressd.alive():
        rig.suppressd.start()


def test_permissions(rig):
    assert mode(rig.suppressd.milter_address.partition(":")[2]) == 0o666
    assert mode(rig.suppressd.settings["control_socket"]) & 0o007 == 0
    assert mode(rig.suppressd.database) & 0o037 == 0


def test_inet_socket(rig):
    """libmilter says inet:port@host, Postfix inet:host:port."""
    port, = free_ports(1)
    unix = rig.suppressd.milter_address
    rig.bad.answer("inet", Answer("550 5.1.1 no such user"))
    rig.suppressd.stop()
    rig.suppressd.configure(milter_socket=f"inet:{port}@127.0.0.1")
    rig.suppressd.start()
    rig.postfix.milter(f"inet:127.0.0.1:{port}")
    rig.postfix.restart()
    try:
        assert rig.send("inet@bad.example")["inet@bad.example"][0] == 250
        rig.settle()
        assert rig.send("inet@bad.example")["inet@bad.example"][0] == 550
    finally:
        rig.suppressd.stop()
        rig.suppressd.configure(milter_socket=unix)
        rig.suppressd.start()
        rig.postfix.milter(unix)
        rig.postfix.restart()


def test_a_socket_left_by_a_killed_daemon_is_no_obstacle(rig):
    rig.suppressd.kill()
    assert os.path.exists(rig.suppressd.milter_address.partition(":")[2])
    rig.suppressd.start()
    rig.suppressd.ctl("add", "after.kill@good.example")
    assert rig.send("after.kill@good.example")["after.kill@good.example"][0] == 550


def test_suppressctl_writes_without_a_daemon(rig):
    rig.suppressd.stop()
    assert rig.suppressd.ctl("add", "offline@good.example").returncode == 0
    assert rig.suppressd.ctl("check", "offline@good.example").returncode == 1
    assert rig.suppressd.ctl("status").returncode == 1
    rig.suppressd.start()
    assert rig.send("offline@good.example")["offline@good.example"][0] == 550
    assert rig.suppressd.ctl("remove", "offline@good.example").returncode == 0
    assert rig.send("offline@good.example")["offline@good.example"][0] == 250


def test_show_tells_the_whole_story(rig):
    rig.bad.answer("story", Answer("550 5.1.1 <{rcpt}>: User unknown in local recipient table"))
    rig.send("story@bad.example")
    rig.settle()
    rig.suppressd.ctl("remove", "story@bad.example")
    shown = rig.suppressd.ctl("show", "story@bad.example").stdout
    for part in ("no-such-user", "User unknown in local recipient table", "suppress", "release"):
        assert part in shown
    story, = rig.suppressd.ctl_json("show", "story@bad.example")
    assert not story["suppressed"]
    assert [change["what"] for change in story["changes"]] == ["suppress", "release", "clear"]
