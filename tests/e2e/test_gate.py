"""Whom the gate refuses, and whom never."""
import pytest

DEAD, LIVE = "dead@good.example", "live@good.example"
OURS = "info@sender.example"


@pytest.fixture(autouse=True)
def gate(rig):
    """Everything as it was before each test: three suppressions, gate in force."""
    for address in (DEAD, OURS, "@gone.good.example"):
        rig.suppressd.ctl("add", address)
    yield
    set_gate(rig, gate_mode="enforce", trust_authenticated="yes",
             gate_reply="550 5.1.1 <%{address}> suppressed: %{reason} since %{date} (suppressd)")


def set_gate(rig, **settings):
    reloads = rig.suppressd.stderr().count("reloaded ")
    rig.suppressd.configure(**settings)
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded ", reloads + 1)


def counter(rig, name):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"].get(name, 0)


def login(rig):
    """A user who has logged in from somewhere on the internet."""
    from mail import Client  # pylint: disable=import-outside-toplevel
    return Client(rig.postfix.login_port).pretend(login="joe")


def codes(replies):
    return {recipient: code for recipient, (code, _text) in replies.items()}


def test_enforce_refuses_one_recipient_and_sends_to_the_others(rig):
    assert codes(rig.send([LIVE, DEAD, "other@good.example"])) == {
        LIVE: 250, DEAD: 550, "other@good.example": 250, None: 250}
    rig.settle()
    assert rig.net.accepted(LIVE) and rig.net.accepted("other@good.example")
    assert not rig.net.accepted(DEAD)


def test_addresses_are_compared_without_case(rig):
    assert codes(rig.send("DEAD@Good.Example"))["DEAD@Good.Example"] == 550


def test_a_suppressed_domain_covers_its_addresses(rig):
    assert codes(rig.send("any@gone.good.example"))["any@gone.good.example"] == 550


def test_users_who_logged_in_are_refused(rig):
    with login(rig) as client:
        assert codes(client.send([DEAD, LIVE])) == {DEAD: 550, LIVE: 250, None: 250}


def test_users_who_logged_in_pass_when_not_trusted(rig):
    set_gate(rig, trust_authenticated="no")
    with login(rig) as client:
        assert codes(client.send(DEAD))[DEAD] == 250


def test_mail_from_the_internet_is_never_refused(rig):
    with rig.outsider() as client:
        assert codes(client.send(OURS, sender="joe@elsewhere.example"))[OURS] == 250
    with rig.client() as client:
        assert codes(client.send(OURS))[OURS] == 550


def test_the_null_sender_is_never_refused(rig):
    with rig.client() as client:
        assert codes(client.send(DEAD, sender=""))[DEAD] == 250


def test_local_mail_is_never_lost(rig):
    """sendmail(1) has no RCPT dialogue: a refusal would drop the whole message."""
    rig.postfix.sendmail("root@sender.example", [LIVE, DEAD], b"Subject: cron\n\nreport\n")
    rig.settle()
    assert [got for got in rig.net.accepted(LIVE) if b"cron" in got.content]


def test_shadow_says_and_counts_what_it_would_do(rig):
    set_gate(rig, gate_mode="shadow")
    before = counter(rig, "gate_shadowed")
    assert codes(rig.send(DEAD))[DEAD] == 250
    assert counter(rig, "gate_shadowed") == before + 1
    assert f"shadow mode: would refuse <{DEAD}>" in rig.suppressd.stderr()


def test_off_asks_nobody(rig):
    set_gate(rig, gate_mode="off")
    before = counter(rig, "gate_asked")
    assert codes(rig.send(DEAD))[DEAD] == 250
    assert counter(rig, "gate_asked") == before


def test_the_reply_is_a_setting(rig):
    set_gate(rig, gate_reply="450 4.7.1 %{address} waits: 100%s %{reason}%")
    code, text = rig.send(DEAD)[DEAD]
    assert (code, text) == (450, f"4.7.1 {DEAD} waits: 100%s recipient-suppressed%")


def test_a_removed_suppression_lets_mail_through(rig):
    rig.suppressd.ctl("remove", DEAD)
    assert codes(rig.send(DEAD))[DEAD] == 250
    rig.suppressd.ctl("add", DEAD)
    assert codes(rig.send(DEAD))[DEAD] == 550


def test_check_answers_by_its_exit_status(rig):
    assert rig.suppressd.ctl("check", LIVE).returncode == 0
    assert rig.suppressd.ctl("check", DEAD).returncode == 1
    assert rig.suppressd.ctl("check", LIVE, DEAD).returncode == 1
