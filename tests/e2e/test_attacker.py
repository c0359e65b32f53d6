"""Whoever forges bounces and complaints changes nothing; honest ones from elsewhere count.

The attacker is a stranger out on the internet, or a subscriber: he knows the messages that
he got, with their tags and Message-IDs, and who else subscribes.
"""
import itertools
import re
import smtplib
import time

import pytest

import suppressd
from conftest import Rig
from internet import Answer
from mail import Client, message, outcome, report
from waiting import wait_for

NEWS = "news@sender.example"
PLAIN = "plain@plain.example"  # a domain whose senders are not signed
TAGGED = re.compile(r"^news\+(p0[a-z2-7]{18})@sender\.example$")
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def rig(home):
    if suppressd.missing():
        pytest.skip(suppressd.missing())
    made = Rig(home)
    made.net.host("plain", ["plain.example"])
    made.suppressd.configure(tag_domains="other.example, sender.example", tag_key_file=home / "tag.key",
                             lmtp_socket=f"unix:{home}/lmtp.sock", lmtp_socket_mode="0666",
                             mail_log_host="mta.sender.example")
    made.postfix.settings |= {"relay_domains": "sender.example plain.example other.example",
                              "smtpd_authorized_verp_clients": "127.0.0.1"}
    try:
        made.suppressd.start()
        made.postfix.start()
        yield made
    finally:
        made.stop()


class Copy:
    """A message as its recipient got it."""

    def __init__(self, got):
        self.sender = got.sender
        self.recipient = got.recipient
        self.id = re.search(rb"^Message-ID: <(.*)>", got.content, re.M | re.I).group(1).decode()
        self.tag = (TAGGED.match(self.sender) or [None, ""])[1]


def subscribe(rig, *people, sender=NEWS, message_id=None, each=False):
    """Sends to these people, in one message or in one each; their copies."""
    message_id = message_id or f"m{next(numbers)}.{time.time_ns()}@sender.example"
    for group in [[one] for one in people] if each else [people]:
        content = message(group, sender=sender, Message_ID=f"<{message_id}>")
        replies = rig.send(group, sender=sender, content=content)
        assert replies[None][0] == 250, replies
    rig.settle()
    copies = [Copy(rig.good.accepted_by(one)[-1]) for one in people]
    wait_for(lambda: rig.suppressd.query("SELECT 1 FROM sent WHERE message_id = ?", message_id), "the journal")
    return copies


def dsn(*people, message_id="unknown@elsewhere.example", mta="mx.good.example", queue_id=None, sender=NEWS):
    """A remote host's report that these do not exist."""
    queue_id = queue_id or f"4dQ{next(numbers)}z"
    reply = "550 5.1.1 <{0}>: User unknown"
    made = report(*(outcome(who, reply=reply.format(who)) for who in people), mta=mta, queue_id=queue_id, sender=sender)
    return made.replace(f"<{queue_id}@sender.example>".encode(), f"<{message_id}>".encode())


def complaint(recipient="", message_id="unknown@elsewhere.example", sender=NEWS):
    named = f"Original-Rcpt-To: <{recipient}>\n" if recipient else ""
    return (f"From: fbl@good.example\nTo: abuse@sender.example\nSubject: complaint\nMIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=\"=b=\"\n\n"
            "--=b=\nContent-Type: text/plain\n\nSpam.\n"
            "--=b=\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n"
            f"User-Agent: fbl/1\nOriginal-Mail-From: <{sender}>\n{named}\n"
            f"--=b=\nContent-Type: message/rfc822\n\nFrom: {NEWS}\nSubject: News\nMessage-ID: <{message_id}>\n\nx\n"
            "--=b=--\n").encode()


def arrive(rig, to, content, sender="", expect=250, **who):
    """Mail from out on the internet."""
    with rig.outsider(**who) as client:
        replies = client.send(to, sender=sender, content=content)
    assert replies[to][0] == expect, replies
    rig.settle()
    return replies[to]


def proved(rig, person, reason="no-such-user"):
    """This recipient is suppressed by one proved result."""
    event, = rig.suppressd.events(person)
    assert (event["evidence"], event["decision"]) == ("proved", "suppress"), event
    assert rig.suppressd.suppressed()[person]["reason"] == reason
    return event


def counters(rig):
    return rig.suppressd.ctl_json("status")[0]["daemon"]["counters"]


# ------------------------------------------------------------------ honest reports


def test_a_bounce_to_the_tag_is_proved(rig):
    copy, = subscribe(rig, "leaver@good.example")
    assert copy.tag, copy.sender
    arrive(rig, copy.sender, dsn(copy.recipient))
    event = proved(rig, copy.recipient)
    assert event["sender"] == NEWS and event["stream"] == "sender.example"
    back = rig.inbox.accepted_by(NEWS)[-1]
    assert copy.recipient.encode() in back.content
    assert not [got for got in rig.inbox.accepted if "+p0" in got.recipient]


def test_a_bounce_to_the_tag_in_capitals_is_proved(rig):
    copy, = subscribe(rig, "shouted@good.example")
    arrive(rig, copy.sender.replace("news+p0", "News+P0").upper(), dsn("Shouted@GOOD.example"))
    proved(rig, copy.recipient)


def test_a_bounce_of_a_journalled_message_is_proved(rig):
    copy, = subscribe(rig, "moved@good.example", sender=PLAIN)
    assert copy.sender == PLAIN
    arrive(rig, PLAIN, dsn(copy.recipient, message_id=copy.id, sender=PLAIN))
    assert proved(rig, copy.recipient)["stream"] == "plain.example"


def test_a_bounce_by_lmtp_is_proved(rig):
    copy, = subscribe(rig, "handed.over@good.example")
    by_lmtp(rig, copy.sender, dsn(copy.recipient))
    assert proved(rig, copy.recipient)["source"] == "lmtp"


def test_a_bounce_in_a_mailbox_is_proved(rig):
    copy, = subscribe(rig, "found.late@good.example")
    rig.suppressd.ctl("ingest", "-", text=dsn(copy.recipient, message_id=copy.id).decode())
    proved(rig, copy.recipient)


def test_verp_keeps_its_recipient_behind_the_tag(rig):
    with rig.client() as client:
        assert client.smtp.docmd("MAIL", f"FROM:<{NEWS}> XVERP")[0] == 250
        assert client.smtp.rcpt("verp@good.example")[0] == 250
        assert client.smtp.data(message("verp@good.example", Message_ID="<verp@sender.example>"))[0] == 250
    rig.settle()
    sender = rig.good.accepted_by("verp@good.example")[-1].sender
    assert re.match(r"^news\+p0[a-z2-7]{18}\+verp=good\.example@sender\.example$", sender)
    arrive(rig, sender, dsn("verp@good.example"))
    proved(rig, "verp@good.example")
    assert rig.inbox.accepted_by("news+verp=good.example@sender.example")


@pytest.mark.parametrize("how", ["named", "by Message-ID", "by tag", "redacted"])
def test_a_complaint_is_proved(rig, how):
    person = f"angry.{how.replace(' ', '.').lower()}@good.example"
    copy, = subscribe(rig, person)
    arrive(rig, "abuse@sender.example", complaint(
        recipient={"named": person, "redacted": "redacted@good.example"}.get(how, ""),
        message_id="" if how == "by tag" else copy.id,
        sender=copy.sender if how == "by tag" else NEWS))
    event, = rig.suppressd.events(person)
    assert (event["action"], event["evidence"]) == ("complaint", "proved")
    assert person in rig.suppressd.suppressed()


def test_our_own_bounce_is_local_and_loses_its_tag(rig):
    rig.bad.answer("gone", Answer("550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown"))
    before = len(rig.inbox.accepted_by(NEWS))
    rig.send("gone@bad.example")
    rig.settle()
    event, = rig.suppressd.events("gone@bad.example")
    assert (event["evidence"], event["sender"]) == ("local", NEWS)
    assert len(rig.inbox.accepted_by(NEWS)) == before + 1


def test_mail_to_a_tag_that_is_no_report_loses_it(rig):
    copy, = subscribe(rig, "writer@good.example")
    arrive(rig, copy.sender, message(NEWS, "I am away", "writer@good.example"), sender="writer@good.example")
    assert b"I am away" in rig.inbox.accepted_by(NEWS)[-1].content


def test_what_cannot_be_signed_goes_out_as_it_is(rig):
    long = "n" * 44 + "@sender.example"
    before = counters(rig)["tags_left_out"]
    copy, = subscribe(rig, "reader@good.example", sender=long)
    assert copy.sender == long and counters(rig)["tags_left_out"] == before + 1


# ------------------------------------------------------------------ the attacker


def by_lmtp(rig, to, content):
    with smtplib.LMTP(rig.suppressd.settings["lmtp_socket"].partition(":")[2]) as client:
        assert client.sendmail("", [to], content) == {}


def forget(rig, person):
    """An attacker may report himself: that is no attack, and ends here."""
    rig.suppressd.ctl("remove", person)


def mallory(rig):
    """The attacker's own copy of a message."""
    return subscribe(rig, "mallory@good.example")[0]


def victims_copy(rig, victim):
    return subscribe(rig, victim)[0]


def forged_without_tag(rig, victim):
    victims_copy(rig, victim)
    arrive(rig, NEWS, dsn(victim))


def forged_with_a_stolen_tag(rig, victim):
    arrive(rig, mallory(rig).sender, dsn(victim))


def subscriber_names_another_by_id(rig, victim):
    copy = mallory(rig)
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id))


def replay_after_a_year(rig, victim):
    """A tag that was good, of a day 400 days ago."""
    old = old_tag(rig, victim)
    arrive(rig, old, dsn(victim))


def replay_of_an_old_message(rig, victim):
    """The journal still has it, beyond proof_age."""
    copy, = subscribe(rig, victim, sender=PLAIN)
    age_journal(rig, copy.id)
    arrive(rig, PLAIN, dsn(victim, message_id=copy.id))


def through_a_mailing_list(rig, victim):
    """The list's member, not the list, is dead; the list keeps our sender."""
    copy, = subscribe(rig, "list@good.example")
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id))
    assert "list@good.example" not in rig.suppressd.suppressed()


def forged_complaint(rig, victim):
    victims_copy(rig, victim)
    arrive(rig, "abuse@sender.example", complaint(victim))


def complaint_with_a_stolen_id(rig, victim):
    copy = mallory(rig)
    arrive(rig, "abuse@sender.example", complaint(victim, copy.id, copy.sender))


def forged_queue_id(rig, victim):
    """The queue id of the message that the victim got; its recipient's Received fields show it."""
    copy = victims_copy(rig, victim)
    row, = rig.suppressd.query("SELECT queue_id FROM sent WHERE message_id = ?", copy.id)
    arrive(rig, NEWS, dsn(victim, queue_id=row["queue_id"]))


def pretended_to_be_local(rig, victim):
    """Over SMTP, in the words of Postfix's own bounce, from a client that calls itself localhost."""
    copy = victims_copy(rig, victim)
    row, = rig.suppressd.query("SELECT queue_id FROM sent WHERE message_id = ?", copy.id)
    forged = b"Received: by mta.sender.example (Postfix)\n\tid 4dLOCAL1z; Mon, 23 Nov 2026 10:00:00 +0000\n"
    arrive(rig, NEWS, forged + dsn(victim, mta="mta.sender.example", queue_id=row["queue_id"]),
           name="localhost", address="203.0.113.77")


def forged_reporting_mta(rig, victim):
    arrive(rig, mallory(rig).sender, dsn(victim, mta="mta.sender.example"))


def tag_of_another_domain(rig, victim):
    """Both domains are signed; the tag of one is none of the other."""
    copy = victims_copy(rig, victim)
    arrive(rig, copy.sender.replace("sender.example", "other.example"), dsn(victim), expect=250)


def tag_of_another_sender(rig, victim):
    copy = victims_copy(rig, victim)
    arrive(rig, copy.sender.replace("news+", "sales+"), dsn(victim))


def altered_tag(rig, victim):
    copy = victims_copy(rig, victim)
    last = "a" if copy.tag[-1] != "a" else "b"
    arrive(rig, copy.sender.replace(copy.tag, copy.tag[:-1] + last), dsn(victim))


def spliced_tag(rig, victim):
    """The recipients of one tag under the seal of another."""
    own, other = mallory(rig), subscribe(rig, "accomplice@good.example")[0]
    spliced = own.tag[:4] + other.tag[4:12] + own.tag[12:]
    arrive(rig, own.sender.replace(own.tag, spliced), dsn(victim))


def plus_part(rig, victim):
    """The tag was made for another detail of the same mailbox."""
    local, _, domain = victim.partition("@")
    copy, = subscribe(rig, f"{local}+shop@{domain}")
    arrive(rig, copy.sender, dsn(victim))


def bulk_message_id(rig, victim):
    """One Message-ID in many messages: each recipient knows that of all others."""
    copy = subscribe(rig, "mallory@good.example", victim, "third@good.example", each=True)[0]
    arrive(rig, NEWS, dsn(victim, message_id=copy.id))


def message_to_several(rig, victim):
    """One message, one tag, one Message-ID for all of its recipients."""
    copy = subscribe(rig, "mallory@good.example", victim)[0]
    assert copy.tag
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id))


def complaint_of_several(rig, victim):
    """Nobody is named, and the message had two recipients."""
    copy = subscribe(rig, victim, "second@good.example")[0]
    arrive(rig, "abuse@sender.example", complaint("", copy.id, copy.sender))
    arrive(rig, "abuse@sender.example", complaint(victim, copy.id, copy.sender))


def injected_by_lmtp(rig, victim):
    victims_copy(rig, victim)
    by_lmtp(rig, NEWS, dsn(victim))
    by_lmtp(rig, mallory(rig).sender, dsn(victim))


def tag_in_the_returned_header(rig, victim):
    copy = mallory(rig)
    arrive(rig, NEWS, dsn(victim, sender=copy.sender))


def made_up_tag(rig, victim):
    arrive(rig, f"news+p0{'a' * 18}@sender.example", dsn(victim))


def victim_as_original_recipient(rig, victim):
    """The final recipient is the attacker, whose message it answers; who it was first sent to is claimed."""
    copy = mallory(rig)
    forged = dsn(victim, message_id=copy.id).replace(
        b"Final-Recipient:", f"Original-Recipient: rfc822; {victim}\nFinal-Recipient:".encode())
    arrive(rig, copy.sender, forged.replace(f"Final-Recipient: rfc822; {victim}".encode(),
                                            f"Final-Recipient: rfc822; {copy.recipient}".encode()))
    forget(rig, copy.recipient)
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id))


def verp_behind_ones_own_tag(rig, victim):
    """The tag is good; the recipient that VERP would name behind it is somebody else."""
    copy = mallory(rig)
    local, _, domain = victim.partition("@")
    arrive(rig, copy.sender.replace("@", f"+{local}={domain}@"), dsn(victim))


def verp_of_an_untagged_sender(rig, victim):
    local, _, domain = victim.partition("@")
    arrive(rig, f"news+{local}={domain}@sender.example", dsn(victim))


def srs_of_the_victim(rig, victim):
    """A forwarder's rewritten address: our domain, the victim inside."""
    local, _, domain = victim.partition("@")
    arrive(rig, f"SRS0=HHHH=TT={domain}={local}@sender.example", dsn(victim))
    copy = mallory(rig)
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id, sender=f"SRS0=HHHH=TT={domain}={local}@sender.example"))


def two_tags_in_one_message(rig, victim):
    """Each is good, and neither is the victim's."""
    own, other = mallory(rig), subscribe(rig, "accomplice@good.example")[0]
    with rig.outsider() as client:
        client.send([own.sender, other.sender], sender="", content=dsn(victim))
    rig.settle()


def tag_and_id_of_different_messages(rig, victim):
    own, other = mallory(rig), subscribe(rig, "accomplice@good.example")[0]
    arrive(rig, own.sender, dsn(victim, message_id=other.id, sender=other.sender))


def two_returned_messages(rig, victim):
    """Behind his own, which proves him, another that would prove the victim were its id known."""
    copy = mallory(rig)
    second = (f"\n--=b=\nContent-Type: text/rfc822-headers\n\nTo: {victim}\nMessage-ID: <guess@sender.example>\n"
              "\n--=b=--\n").encode()
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id).replace(b"\n--=b=--\n", second))


def two_status_parts(rig, victim):
    """One for himself, one for the victim."""
    copy = mallory(rig)
    second = (b"\n--=b=\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.good.example\n\n" +
              outcome(victim).encode() + b"\n--=b=--\n")
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id).replace(b"\n--=b=--\n", second))


def lines_injected_into_a_field(rig, victim):
    """Bare CR, NUL and a fold in the words of a reply, behind which another recipient stands."""
    copy = mallory(rig)
    field = f"Final-Recipient: rfc822; {victim}"
    for break_ in ("\r", "\0", "\x0b", "\x0c"):
        forged = dsn(copy.recipient, message_id=copy.id).replace(
            b"User unknown", f"User unknown{break_}{field}{break_}Action: failed{break_}Status: 5.1.1".encode())
        arrive(rig, copy.sender, forged)
    forget(rig, copy.recipient)
    arrive(rig, copy.sender, dsn(victim))


def headers_in_the_tag(rig, victim):
    """What looks like more headers once the tag's address is written into one."""
    copy = victims_copy(rig, victim)
    for what in ("%0d%0aTo:", "=0D=0A", "\\\rX-Original-To: x"):
        with rig.outsider() as client:
            client.smtp.docmd("MAIL FROM:<>")
            client.smtp.send(f'RCPT TO:<"news+{copy.tag}{what}"@sender.example>\r\n'.encode())
            code, _text = client.smtp.getreply()
            if code == 250:
                client.smtp.data(dsn(victim))
    arrive(rig, NEWS, b"To: <" + NEWS.encode() + b">, <" + mallory(rig).sender.encode() + b">\n" + dsn(victim))


def oversized_tags(rig, victim):
    """As long as SMTP lets an address be, and a to-field with ten thousand."""
    copy = victims_copy(rig, victim)
    for extra in (1, 20, 30):
        arrive(rig, copy.sender.replace(copy.tag, copy.tag + "a" * extra), dsn(victim))
    arrive(rig, copy.sender.replace(copy.tag, copy.tag[:-1]), dsn(victim))
    many = ", ".join(f"news+p0{number:018d}@sender.example" for number in range(10000))
    arrive(rig, NEWS, b"X-Original-To: " + many.encode() + b"\n" + dsn(victim))


def another_host_of_ours(rig, victim):
    """In the name of the second of two MTAs, with its Received fields and that of the first."""
    for host in ("mta2.sender.example", "mta.sender.example", "localhost", "[127.0.0.1]"):
        fields = "".join(f"Received: by {one} (Postfix) id 4cTWO001z; Mon, 23 Nov 2026 10:00:00 +0000\n"
                         for one in (host, "mta.sender.example"))
        arrive(rig, NEWS, fields.encode() + dsn(victim, mta=host), name="mta2.sender.example", address="192.0.2.2")


def bounce_within_a_bounce(rig, victim):
    """The report on the victim stands in the message that is returned."""
    copy = mallory(rig)
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id).replace(
        b"Content-Type: text/rfc822-headers\n", b"Content-Type: message/rfc822\n"))
    arrive(rig, copy.sender, dsn(victim).replace(b"Something", dsn(victim)))


def in_prose(rig, victim):
    """qmail's words instead of a status part, to his own tag and with his own message."""
    copy = mallory(rig)
    arrive(rig, copy.sender, (
        f"From: MAILER-DAEMON@good.example\nTo: {copy.sender}\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at good.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{victim}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
        f"Return-Path: <{copy.sender}>\nFrom: {NEWS}\nMessage-ID: <{copy.id}>\n\nx\n").encode())


def sendmails_transcript(rig, victim):
    """The words of Sendmail's log and transcript around an honest-looking report."""
    copy = mallory(rig)
    arrive(rig, copy.sender, dsn(victim, message_id=copy.id).replace(
        b"Your message could not be delivered.",
        f"   ----- The following addresses had permanent fatal errors -----\n<{victim}>\n    (reason: 550 5.1.1 User unknown)\n"
        f"sm-mta[7]: 7AO1: to=<{victim}>, dsn=5.1.1, stat=User unknown".encode()))


def complaint_with_a_stolen_tag(rig, victim):
    copy = mallory(rig)
    arrive(rig, copy.sender, complaint(victim, sender=copy.sender))


ATTACKS = [victim_as_original_recipient, verp_behind_ones_own_tag, verp_of_an_untagged_sender, srs_of_the_victim,
           two_tags_in_one_message, tag_and_id_of_different_messages, two_returned_messages, two_status_parts,
           lines_injected_into_a_field, headers_in_the_tag, oversized_tags, another_host_of_ours,
           bounce_within_a_bounce, in_prose, sendmails_transcript, complaint_with_a_stolen_tag,
           forged_without_tag, forged_with_a_stolen_tag, subscriber_names_another_by_id, replay_after_a_year,
           replay_of_an_old_message, through_a_mailing_list, forged_complaint, complaint_with_a_stolen_id,
           forged_queue_id, pretended_to_be_local, forged_reporting_mta, tag_of_another_domain,
           tag_of_another_sender, altered_tag, spliced_tag, plus_part, bulk_message_id, message_to_several,
           complaint_of_several, injected_by_lmtp, tag_in_the_returned_header, made_up_tag]


def proved_people(rig):
    return {event["recipient"] for event in rig.suppressd.events() if event["evidence"] == "proved"}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_changes_nothing_and_is_counted(rig, attack):
    victim = f"victim.{attack.__name__}@good.example"
    before, known, honest = counters(rig), set(rig.suppressd.suppressed()), proved_people(rig)
    attack(rig, victim)
    events = rig.suppressd.events(victim)
    assert events and {(event["evidence"], event["decision"]) for event in events} == {("unproven", "unproven")}
    assert set(rig.suppressd.suppressed()) == known
    assert not rig.suppressd.bounces(victim)
    assert counters(rig)["unproven"] > before["unproven"]
    assert proved_people(rig) - honest <= {"mallory@good.example"}  # whoever reports himself
    assert rig.send(victim)[victim][0] == 250


@pytest.mark.parametrize("domain", ["g\u043e\u043ed.example", "go\u006f\u0301d.example", "good.examp1e", "good.example."])
def test_a_domain_that_looks_alike_is_another(rig, domain):
    """Its owner may report its recipients dead, not those of the one it resembles."""
    victim = f"victim.alike{next(numbers)}@good.example"
    victims_copy(rig, victim)
    copy = mallory(rig)
    arrive(rig, copy.sender, dsn(victim.partition("@")[0] + "@" + domain, message_id=copy.id))
    assert victim not in rig.suppressd.suppressed()
    assert {event["evidence"] for event in rig.suppressd.events(victim)} <= {"unproven"}
    assert rig.send(victim)[victim][0] == 250


def test_there_are_as_many_kinds_as_promised():
    assert len({attack.__name__ for attack in ATTACKS}) == len(ATTACKS) >= 38


def test_one_proven_and_nine_victims(rig):
    """Each recipient of a report stands by himself."""
    copy, = subscribe(rig, "one.of.ten@good.example")
    victims = [f"nine.{n}@good.example" for n in range(9)]
    for victim in victims:
        subscribe(rig, victim)
    arrive(rig, copy.sender, dsn(*victims, copy.recipient, message_id=copy.id))
    proved(rig, copy.recipient)
    assert not set(victims) & set(rig.suppressd.suppressed())
    assert {rig.suppressd.events(victim)[0]["evidence"] for victim in victims} == {"unproven"}


def test_a_thousand_replays_are_one_result(rig):
    """In ever other hosts' names, with other queue ids and Message-IDs; after a release, too."""
    copy, = subscribe(rig, "replayed@good.example")
    with rig.outsider() as client:
        for number in range(1000):
            content = dsn(copy.recipient, mta=f"mx{number}.good.example", queue_id=f"4dR{number}z",
                          message_id=f"{number}@made.up" if number % 2 else copy.id)
            assert client.send(copy.sender, sender="", content=content)[None][0] == 250
            if number == 500:
                rig.suppressd.ctl("remove", copy.recipient)
    rig.settle(300)
    events = rig.suppressd.events(copy.recipient)
    assert len(events) == 2 and sum(event["witnesses"] for event in events) == 1000
    assert copy.recipient not in rig.suppressd.suppressed()


# ------------------------------------------------------------------ time, keys, backscatter


def old_tag(rig, recipient):
    """Made with the daemon's key as it made them 400 days ago, out of the description in tag.h."""
    import base64
    import hashlib
    import hmac
    key = bytes.fromhex(rig.suppressd.settings["tag_key_file"].read_text().split()[2])
    day = int(time.time()) // 86400 - 400
    letters = "abcdefghijklmnopqrstuvwxyz234567"

    def part(*texts, tail=b""):
        signed = b"".join(text.encode() + b"\0" for text in texts) + tail
        return base64.b32encode(hmac.digest(key, signed, hashlib.sha256)[:5]).decode().lower()

    people = part("recipients", str(day), NEWS, "1", recipient)
    seal = part("seal", str(day), NEWS, tail=people.encode())
    return f"news+p0{letters[day % 1024 // 32]}{letters[day % 32]}{people}{seal}@sender.example"


def age_journal(rig, message_id):
    """Makes a message 31 days old, as the days would."""
    import sqlite3
    with sqlite3.connect(rig.suppressd.database, timeout=20) as database:
        database.execute("UPDATE sent SET time = time - 31 * 86400 WHERE message_id = ?", (message_id,))


def test_the_forged_old_tag_would_be_good_if_it_were_young(rig):
    """Or the test of the replay would test nothing."""
    victim = "self.test@good.example"
    rig.suppressd.configure(proof_age="450d")
    reload(rig)
    try:
        arrive(rig, old_tag(rig, victim), dsn(victim))
        proved(rig, victim)
    finally:
        rig.suppressd.configure(proof_age="30d")
        reload(rig)


def reload(rig):
    said = rig.suppressd.stderr().count("reloaded ")
    rig.suppressd.hup()
    rig.suppressd.wait_stderr("reloaded ", said + 1)


def test_tags_outlive_one_rotation_and_not_two(rig):
    first, second = subscribe(rig, "kept@good.example")[0], subscribe(rig, "lost@good.example")[0]
    shown = rig.suppressd.ctl_json("key", "show")
    rig.suppressd.ctl("key", "rotate")
    rotated = rig.suppressd.ctl_json("key", "show")
    assert [key["key"] for key in rotated] == ["current", "previous"]
    assert rotated[1]["fingerprint"] == shown[0]["fingerprint"] != rotated[0]["fingerprint"]
    assert rig.suppressd.settings["tag_key_file"].stat().st_mode & 0o777 == 0o600
    reload(rig)
    arrive(rig, first.sender, dsn(first.recipient))
    proved(rig, first.recipient)
    rig.suppressd.ctl("key", "rotate")
    reload(rig)
    arrive(rig, second.sender, dsn(second.recipient))
    assert rig.suppressd.events(second.recipient)[0]["evidence"] == "unproven"


def test_backscatter_is_refused_when_asked_to(rig):
    rig.suppressd.configure(refuse_returns="untagged")
    reload(rig)
    try:
        copy, = subscribe(rig, "good.tag@good.example")
        refused = counters(rig)["returns_refused"]
        wrong = copy.sender.replace(copy.tag, "p0" + "a" * 18)
        code, text = arrive(rig, wrong, b"", expect=550)
        assert "5.7.1" in text and "wrong tag" in text
        code, text = arrive(rig, old_tag(rig, "good.tag@good.example"), b"", expect=550)
        assert "has expired" in text
        arrive(rig, NEWS, b"", expect=550)
        assert counters(rig)["returns_refused"] == refused + 3
        arrive(rig, "postmaster@sender.example", dsn("whoever@good.example"))
        arrive(rig, NEWS, message(NEWS, "Hello", "friend@good.example"), sender="friend@good.example")
        arrive(rig, PLAIN, dsn("whoever@good.example"))
        arrive(rig, copy.sender, dsn(copy.recipient))
        proved(rig, copy.recipient)
    finally:
        rig.suppressd.configure(refuse_returns="none")
        reload(rig)
