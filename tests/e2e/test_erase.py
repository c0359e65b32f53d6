"""A person is forgotten: the real daemon's files hold the address no more, and its gate refuses it."""
import os
import stat

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
