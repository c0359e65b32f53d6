"""A person is forgotten: the real daemon's files hold the address no more, and its gate refuses it."""
import os
import socket
import stat

import pytest

import suppressd as under_test
from mail import outcome, report
from waiting import wait_for

NEWS = "news@sender.example"
ADDRESS = "erna.mustermann@bad.example"


def files_that_hold(daemon, text):
    return [path.name for path in daemon.database.parent.iterdir() if text.encode() in path.read_bytes().lower()]


def test_an_erased_person_is_refused_and_found_nowhere(rig):
    daemon = rig.suppressd
    daemon.ctl("add", "--note", "wrote to us", ADDRESS)
    rig.postfix.sendmail("", [NEWS], report(outcome(ADDRESS), queue_id="4c1ERNA"))
    rig.settle()
    wait_for(lambda: daemon.events(ADDRESS), "the unproven bounce")
    assert files_that_hold(daemon, ADDRESS)

    assert daemon.ctl("erase", ADDRESS).returncode == 0
    assert files_that_hold(daemon, ADDRESS) == []
    key = daemon.database.with_name(daemon.database.name + ".key")
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert daemon.ctl("check", ADDRESS).returncode == 1
    code, text = rig.send(ADDRESS)[ADDRESS]
    assert code == 550 and "suppressed: recipient-suppressed" in text
    row, = [row for row in daemon.query("SELECT * FROM v_suppressed") if row["recipient"].startswith("#")]
    assert (row["reason"], row["note"]) == ("recipient-suppressed", "")

    assert daemon.ctl("remove", ADDRESS).returncode == 0
    assert daemon.ctl("check", ADDRESS).returncode == 0
    assert daemon.ctl("erase", "nobody.here@bad.example").returncode == 1
    assert daemon.ctl("erase", "@bad.example", check=False).returncode == 3


def ask(path, request, end):
    """One question to a gate's socket, and the answer up to its end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gate:
        gate.settimeout(30)
        gate.connect(str(path))
        gate.sendall(request)
        answer = b""
        while not answer.endswith(end):
            some = gate.recv(4096)
            assert some, answer
            answer += some
        return answer.decode()


def socketmap(path, key):
    name = f"recipient-access {key}".encode()
    return ask(path, b"%d:%s," % (len(name), name), b",")


def policy(path, recipient):
    return ask(path, f"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=127.0.0.1\nsender={NEWS}\nrecipient={recipient}\n\n".encode(),
               b"\n\n")


def test_every_gate_still_refuses_an_erased_person(home):
    if under_test.missing():
        pytest.skip(under_test.missing())
    folder = home / f"erase-{os.urandom(3).hex()}"
    daemon = under_test.Suppressd(folder, socketmap_socket=f"unix:{folder}/map.sock", policy_socket=f"unix:{folder}/policy.sock")
    daemon.start()
    try:
        daemon.ctl("add", ADDRESS)
        daemon.ctl("add", "ann@bad.example")
        before = socketmap(folder / "map.sock", ADDRESS), policy(folder / "policy.sock", ADDRESS)
        assert "OK" in before[0] and "action=" in before[1] and "DUNNO" not in before[1]
        daemon.ctl("erase", ADDRESS)
        assert (socketmap(folder / "map.sock", ADDRESS), policy(folder / "policy.sock", ADDRESS)) == before
        assert "NOTFOUND" in socketmap(folder / "map.sock", "live@bad.example")
        assert daemon.ctl("check", ADDRESS).returncode == 1
        scrubbed = daemon.ctl("scrub", text=f"email\n{ADDRESS}\nlive@bad.example\n", check=False)
        assert ADDRESS not in scrubbed.stdout and "live@bad.example" in scrubbed.stdout
        exported = daemon.ctl("export", check=False).stdout
        assert "ann@bad.example" in exported and ADDRESS not in exported and "#" not in exported
    finally:
        assert daemon.stop() in (None, 0), daemon.stderr()[-2000:]
