"""What the milter costs: a real Postfix takes the same load from smtp-source with suppressd
and with a libmilter filter that does nothing, by turns, in one run.

    bench_milter.py [MESSAGES [ROUNDS]]    in the build folder, as root

The messages are submissions, each of them looked up at the gate and remembered; Postfix
discards them. Measured is the time until smtp-source has handed over the last one; the
ratio is that of the medians.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ.setdefault("SUPPRESSD", str(pathlib.Path("suppressd").resolve()))
os.environ.setdefault("SUPPRESSCTL", str(pathlib.Path("suppressctl").resolve()))

import postfix  # pylint: disable=wrong-import-position
from internet import FakeInternet  # pylint: disable=wrong-import-position
from suppressd import Suppressd  # pylint: disable=wrong-import-position
from waiting import wait_for  # pylint: disable=wrong-import-position

SESSIONS = 10
SIZE = 4096


class Noop:
    """The filter that does nothing."""

    def __init__(self, home):
        self.path = home / "noop.sock"
        self.milter_address = f"unix:{self.path}"

    def start(self):
        self.process = subprocess.Popen(["tests/bench/noop_filter", self.milter_address])
        wait_for(self.path.exists, "the filter's socket")
        self.path.chmod(0o666)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def load(mta, messages):
    """Seconds that smtp-source needs to hand over so many messages."""
    begin = time.monotonic()
    subprocess.run(["smtp-source", "-s", str(SESSIONS), "-m", str(messages), "-l", str(SIZE), "-N",
                    "-f", "news@sender.example", "-t", "reader@sink.example",
                    f"inet:127.0.0.1:{mta.submission_port}"], check=True)
    return time.monotonic() - begin


def run(home, messages, rounds):
    filters = {"noop": Noop(home), "suppressd": Suppressd(home / "suppressd")}
    mtas = {}
    times = {name: [] for name in filters}
    net = FakeInternet().start()
    try:
        for name, one in filters.items():
            one.start()
            mtas[name] = postfix.Postfix(home / name / "postfix", net)
            mtas[name].name = f"postfix-bench-{name}"
            mtas[name].unreachable = {"sink.example": "discard:"}
            mtas[name].milter(one.milter_address)
            mtas[name].start()
            load(mtas[name], messages // 4)  # processes are there, files are in memory
            mtas[name].wait_empty(120)
        for turn in range(rounds):
            for name in sorted(filters, reverse=turn % 2 == 0):
                times[name].append(load(mtas[name], messages))
                mtas[name].wait_empty(120)
    finally:
        for one in [*mtas.values(), *filters.values()]:
            one.stop()
        net.stop()
    return times


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if postfix.missing():
        print(f"milter: skipped, {postfix.missing()}")
        return
    with tempfile.TemporaryDirectory(prefix="suppressd-bench-") as home:
        os.chmod(home, 0o755)
        times = run(pathlib.Path(home), messages, rounds)
    print(f"milter: {messages} messages of {SIZE} bytes, {SESSIONS} sessions, {rounds} rounds by turns")
    for name, all_times in times.items():
        median = statistics.median(all_times)
        print(f"  {name:24} {messages / median:9.0f} messages/s   median {median:.2f} s"
              f"   ({min(all_times):.2f} to {max(all_times):.2f})")
    ratio = statistics.median(times["suppressd"]) / statistics.median(times["noop"])
    print(f"  ratio of times           {ratio:9.2f}")


main()
