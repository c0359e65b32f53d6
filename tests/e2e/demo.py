"""Shows suppressd at work: a campaign, its bounces, and the next send.

    python3 tests/e2e/demo.py [--keep]

Run by `sudo ./bootstrap demo`, which builds first. Everything happens in one
temporary folder and on 127.0.0.1; no mail leaves the machine. The exit status
tells whether every dead address was suppressed and no live one.
"""
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

import postfix
import suppressd
from campaign import Campaign

WIDTH = max(100, min(160, shutil.get_terminal_size((132, 24)).columns))


def say(text=""):
    print(text, flush=True)


def clip(text, width):
    """One line of so many columns."""
    text = re.sub(r"\s+", " ", text)
    text = text if len(text) <= width else text[:width - 3] + "..."
    return text.ljust(width)


def print_table(outcomes):
    recipient, reason, subject = 30, 20, 17
    reply = WIDTH - recipient - reason - subject - 10 - 4
    heads = (("recipient", recipient), ("reply", reply), ("reason", reason),
             ("whose fault", subject), ("suppressed", 10))
    say(" ".join(clip(*head) for head in heads))
    say(" ".join("-" * width for _name, width in heads))
    for outcome in outcomes:
        say(" ".join((clip(outcome.person.address, recipient), clip(outcome.reply, reply),
                      clip(outcome.reason, reason), clip(outcome.subject, subject),
                      "yes" if outcome.suppressed else "no")))


def first_send(campaign):
    say(f"\n1. A campaign to {len(campaign.people)} recipients. Some addresses are dead; others "
        "are refused for the sender's sake.\n")
    began = time.monotonic()
    campaign.send()
    campaign.settle()
    outcomes = campaign.outcomes()
    print_table(outcomes)
    say(f"\nAll fates known after {time.monotonic() - began:.0f} s.")
    for outcome in outcomes:
        if outcome.reason != outcome.person.reason:
            say(f"unexpected: {outcome.person.address} is {outcome.reason or 'unknown'}, "
                f"not {outcome.person.reason}")
    return outcomes


def second_send(campaign):
    """The addresses that were refused at RCPT by the gate."""
    say("\n2. The same campaign again. Refused before anything is sent:\n")
    replies = campaign.send()
    refused = {address for address, (code, _text) in replies.items() if code != 250}
    for address in sorted(refused):
        say(f"  {replies[address][0]} {replies[address][1]}")
    say(f"\n  {len(refused)} refused, {len(replies) - len(refused)} accepted")
    return refused


def verdict(campaign, outcomes, refused):
    """Prints the sums; whether all is as it must be."""
    dead = {person.address for person in campaign.people if person.dead}
    suppressed = {outcome.person.address for outcome in outcomes if outcome.suppressed}
    wrong = (dead ^ suppressed) | (dead ^ refused)
    for address in sorted(wrong):
        say(f"wrong: {address} is {'dead' if address in dead else 'alive'}, was "
            f"{'' if address in suppressed else 'not '}suppressed and "
            f"{'' if address in refused else 'not '}refused")
    right = sum(outcome.reason == outcome.person.reason for outcome in outcomes)
    say(f"\nreasons as expected {right}/{len(outcomes)}")
    say(f"dead addresses suppressed {len(dead & suppressed)}/{len(dead)}, live addresses "
        f"suppressed {len(suppressed - dead)}; refused at the second send: dead "
        f"{len(dead & refused)}/{len(dead)}, live {len(refused - dead)}")
    return not wrong


def keep(campaign):
    """Leaves everything running until a signal comes."""
    ctl = f"{suppressd.CTL} -c {campaign.suppressd.config}"
    dead = next(person.address for person in campaign.people if person.dead)
    say(f"""
Everything keeps running. Look around from another terminal:

  {ctl} status
  {ctl} list
  {ctl} show {dead}
  {ctl} check {dead} you@example.com
  {ctl} explain "550 5.7.1 Client host blocked using zen.spamhaus.org"
  sqlite3 -readonly {campaign.suppressd.database} 'SELECT * FROM v_suppressed'

  mail server   127.0.0.1:{campaign.postfix.submission_port} (SMTP, every recipient above can be tried)
  its log       {campaign.postfix.log_path}
  its settings  {campaign.postfix.config}
  suppressd's   {campaign.suppressd.config}, log {campaign.suppressd.stderr_path}

Stop it with Ctrl-C here, or with: sudo kill {os.getpid()}""")
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
    say("\nstopping")


def show(home, keep_running):
    campaign = Campaign(home)
    try:
        campaign.start()
        outcomes = first_send(campaign)
        good = verdict(campaign, outcomes, second_send(campaign))
        if keep_running:
            keep(campaign)
    except BaseException:
        say(f"\nPostfix said:\n{campaign.postfix.log()[-2000:]}")
        say(f"suppressd said:\n{campaign.suppressd.stderr()[-2000:]}")
        raise
    finally:
        campaign.stop()
    return good


def main(arguments):
    if arguments not in ([], ["--keep"]):
        sys.exit("usage: demo.py [--keep]")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    reason = postfix.missing() or suppressd.missing()
    if reason:
        sys.exit(f"demo: {reason}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: stopped by a signal"))
    home = pathlib.Path(tempfile.mkdtemp(prefix="suppressd-demo-"))
    home.chmod(0o755)  # Postfix's user must be able to enter
    try:
        good = show(home, bool(arguments))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
