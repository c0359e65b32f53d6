"""What an import costs whoever asks meanwhile: a real `suppressctl import` into the real daemon,
while clients ask socketmap, policy and milter without end and bounces come in by LMTP.

    bench_import.py [ENTRIES [SECONDS]]    in the build folder

First SECONDS without an import, then with one of ENTRIES addresses: answers, their times,
how many were given by failing open; the longest WAL.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
os.environ.setdefault("SUPPRESSD", str(pathlib.Path("suppressd").resolve()))
os.environ.setdefault("SUPPRESSCTL", str(pathlib.Path("suppressctl").resolve()))

import suppressd  # pylint: disable=wrong-import-position
from askers import DEAD, Askers, Bounces, Milter, Policy, Socketmap, share  # pylint: disable=wrong-import-position
from suppressd import Suppressd  # pylint: disable=wrong-import-position


def tell(title, askers):
    print(f"  {title}")
    for name, answers in askers.answers.items():
        p50, p99, most = (share(answers.seconds, part) * 1000 for part in (0.5, 0.99, 1))
        print(f"    {name:10} {len(answers.seconds):8} answers   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   max {most:7.2f} ms"
              f"   {answers.failed_open} failed open{'   ' + answers.wrong[0] if answers.wrong else ''}")


def run(home, entries, seconds):
    daemon = Suppressd(home / "s", **{f"{name}_socket": f"unix:{home}/{name}.sock"
                                      for name in ("lmtp", "socketmap", "policy")})
    places = {Socketmap: f"{home}/socketmap.sock", Policy: f"{home}/policy.sock", Milter: f"{home}/s/milter.sock",
              Bounces: f"{home}/lmtp.sock"}
    names = home / "list"
    with open(names, "w", encoding="ascii") as out:
        for number in range(entries):
            # Spread over the tree, as the addresses of a real list are.
            out.write(f"u{number * 2654435761 % 2 ** 32:08x}{number}@d{number % 100003}.example\n")
    daemon.start()
    try:
        daemon.ctl("add", DEAD)
        with Askers(places) as quiet:
            time.sleep(seconds)
        tell(f"without an import, {seconds} s", quiet)
        longest, began = 0, time.monotonic()
        with Askers(places) as busy:
            work = subprocess.Popen([suppressd.CTL, "-c", str(daemon.config), "import", str(names)],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            while work.poll() is None:
                longest = max(longest, daemon.wal_size())
                time.sleep(0.05)
        took = time.monotonic() - began
        if not daemon.alive():
            sys.exit(f"the daemon has ended with {daemon.process.returncode}: {daemon.stderr()[-2000:]}")
        said = work.stdout.read().decode().strip()
        tell(f"while {entries} addresses are imported, {took:.0f} s ({entries / took:.0f}/s)", busy)
        counters = daemon.ctl_json("status")[0]["daemon"]["counters"]
        print(f"    longest WAL {longest / 2 ** 20:.1f} MiB, database {os.path.getsize(daemon.database) / 2 ** 20:.0f} MiB;"
              f" gate_deadline_passed {counters['gate_deadline_passed']}, gate_trouble {counters['gate_trouble']},"
              f" queue_full {counters['queue_full']}")
        print(f"    {said}")
    finally:
        daemon.stop()


def main():
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 300000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"import: clients that ask for suppressed and other recipients by turns; load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="suppressd-bench-") as home:
        run(pathlib.Path(home), entries, seconds)


main()
