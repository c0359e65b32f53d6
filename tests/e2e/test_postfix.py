"""The fixtures themselves: a private Postfix and the fake internet, no suppressd yet."""
import pytest

from internet import DATA, Answer, FakeInternet
from mail import Client
from postfix import NULL_MX, Postfix


@pytest.fixture(scope="module")
def mta(home):
    net = FakeInternet().start()
    server = Postfix(home / "postfix", net)
    try:
        net.host("home", ["sender.example"])
        net.host("good", ["good.example"])
        bad = net.host("bad", ["bad.example"])
        bad.answer("gone", Answer("550-5.1.1 <{rcpt}> is not\n550 5.1.1 known here"))
        bad.answer("spam", Answer("550 5.7.1 looks like spam", stage=DATA))
        bad.answer("grey", Answer("450 4.2.0 come again", times=1))
        server.unreachable["nullmx.example"] = NULL_MX
        yield server.start()
    finally:
        server.stop()
        left = server.leftovers()
        net.stop()
    assert not left


def bounces(mta, recipient):
    """The returned messages that name this recipient."""
    return [got.content.decode() for got in mta.internet.accepted("news@sender.example")
            if f"Final-Recipient: rfc822; {recipient}\n".encode() in got.content.replace(b"\r", b"")]


def test_fates(mta):
    people = ["reader@good.example", "gone@bad.example", "spam@bad.example", "grey@bad.example",
              "reader@nullmx.example", "reader@nobody-knows.example"]
    with Client(mta.submission_port) as client:
        for person in people:
            assert client.send(person)[person][0] == 250
    mta.wait_empty()
    assert mta.internet.accepted("reader@good.example")
    assert mta.internet.accepted("grey@bad.example")
    assert "is not 550 5.1.1 known here (in reply to RCPT TO" in \
        bounces(mta, "gone@bad.example")[0].replace("\r\n    ", " ")
    assert "(in reply to end of" in bounces(mta, "spam@bad.example")[0]
    assert "nullMX" in bounces(mta, "reader@nullmx.example")[0]
    assert "Status: 5.4.4" in bounces(mta, "reader@nobody-knows.example")[0]
    assert not bounces(mta, "reader@good.example") and not bounces(mta, "grey@bad.example")


def test_outside_clients_do_not_relay(mta):
    with Client(mta.internet_port) as client:
        replies = client.pretend().send(["reader@good.example", "info@sender.example"])
    assert replies["reader@good.example"][0] == 554
    assert replies["info@sender.example"][0] == 250
    mta.wait_empty()
    assert b"mx.elsewhere.example [203.0.113.9]" in \
        mta.internet.accepted("info@sender.example")[0].content


def test_users_who_logged_in_relay(mta):
    with Client(mta.login_port) as client:
        assert client.pretend(login="joe").send("login@good.example")["login@good.example"][0] == 250
    mta.wait_empty()
    assert mta.internet.accepted("login@good.example")


def test_local_submission(mta):
    mta.sendmail("root@sender.example", ["local@good.example"], b"Subject: x\n\nlocal\n")
    mta.wait_empty()
    assert mta.internet.accepted("local@good.example")[0].sender == "root@sender.example"
