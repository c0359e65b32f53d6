"""Every gate answers in time, and rightly, while a list is being imported."""
import subprocess

import pytest

import suppressd
from askers import DEAD, Askers, Bounces, Milter, Policy, Socketmap, share
from suppressd import Suppressd
from waiting import FACTOR

ENTRIES = 60000
WAL_MAX = 64 << 20  # what is checkpointed at 16 MB, and one long transaction more


@pytest.fixture
def daemon(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Suppressd(home / "suppressd", gate_deadline=int(500 * FACTOR),
                     **{f"{name}_socket": f"unix:{home}/{name}.sock" for name in ("lmtp", "socketmap", "policy")})
    try:
        yield made.start()
    finally:
        assert made.stop() in (None, 0)


def test_no_gate_fails_open_during_an_import(daemon, home):
    daemon.ctl("add", DEAD)
    names = home / "list"
    names.write_text("".join(f"u{number * 2654435761 % 2 ** 32:08x}@d{number % 997}.example\n" for number in range(ENTRIES)))
    longest = 0
    with Askers({Socketmap: f"{home}/socketmap.sock", Policy: f"{home}/policy.sock",
                 Milter: f"{home}/suppressd/milter.sock", Bounces: f"{home}/lmtp.sock"}) as askers:
        work = subprocess.Popen([suppressd.CTL, "-c", str(daemon.config), "import", str(names)],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while work.poll() is None:
            longest = max(longest, daemon.wal_size())
            try:
                work.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        with work.stdout as said:
            assert f"{ENTRIES} suppressed".encode() in said.read()
    for name, answers in askers.answers.items():
        assert len(answers.seconds) >= 20, name  # or nothing was asked meanwhile
        assert (answers.failed_open, answers.wrong) == (0, []), name
        if name != "bounces":  # their answer waits for the disk
            assert share(answers.seconds, 1) < 0.5 * FACTOR, (name, answers.seconds[-5:])
    counters = daemon.ctl_json("status")[0]["daemon"]["counters"]
    assert not sum(counters[name] for name in ("gate_deadline_passed", "gate_trouble", "gate_faults", "queue_full"))
    assert len(daemon.suppressed()) == ENTRIES + 1
    assert 0 < longest < WAL_MAX
