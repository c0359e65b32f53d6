"""What the world's providers say: the table of the demonstration.

One row a recipient: domain, local part, at which step the provider speaks, what
it says, the reason that a reader of the reply would name (as in
classifier/reason.c), and whether the address is dead. Dead means: the reply says
that this mailbox or its domain takes no mail, now and for good. Everything else
is somebody else's fault, or passes, and the address must stay in use.

The sender is sender.example at 203.0.113.7. `{rcpt}` stands for the recipient.
"""
import dataclasses

from internet import CONNECT, DATA, MAIL, RCPT, Answer
from postfix import NULL_MX, UNKNOWN_DOMAIN

ACCEPT = ""
DEAD, ALIVE = True, False
ALONE = ALIVE  # one recipient does not speak for its domain: counted until others agree

# Provider, domains, greeting.
HOSTS = (
    ("Gmail", ["gmail.example"], "220 mx.google.example ESMTP 5b1f17b1804b1-48 - gsmtp"),
    ("Outlook.com", ["outlook.example"],
     "220 AMS0EPF0001A.mail.protection.outlook.example Microsoft ESMTP MAIL Service ready"),
    ("Hotmail, blocking", ["hotmail.example"],
     "220 DB5PEPF0002B.mail.protection.outlook.example Microsoft ESMTP MAIL Service ready"),
    ("Office 365", ["tenant.example"],
     "220 VI1EUR04FT011.mail.protection.outlook.example Microsoft ESMTP MAIL Service ready"),
    ("Yahoo", ["yahoo.example"], "220 mtaproxy301.free.mail.bf1.yahoo.example ESMTP ready"),
    ("Yahoo, throttling", ["aol.example"], "220 mtaproxy502.aol.mail.bf1.yahoo.example ESMTP ready"),
    ("iCloud", ["icloud.example"], "220 p00-icloudmta.mail.apple.example ESMTP"),
    ("GMX", ["gmx.example"], "220 gmx.example (mxgmx015) Nemesis ESMTP Service ready"),
    ("WEB.DE, blocking", ["web.example"],
     "554-web.example (mxweb112) Nemesis ESMTP Service not available\n"
     "554-No SMTP service\n554-Bad DNS PTR resource record.\n"
     "554 For explanation visit https://postmaster.web.example/error-messages?ip=203.0.113.7&c=rdns"),
    ("a Spamhaus user", ["careful.example"], "220 mx.careful.example ESMTP Postfix"),
    ("a Barracuda user", ["barracuda.example"], "220 barracuda.example ESMTP (3c1f)"),
    ("a Mimecast user", ["mimecast.example"], "220 eu-smtp-1.mimecast.example ESMTP"),
    ("a Postfix host", ["postfix.example"], "220 mail.postfix.example ESMTP Postfix (Debian/GNU)"),
    ("an Exim host", ["exim.example"], "220 mx.exim.example ESMTP Exim 4.96"),
    ("a greylister", ["greylist.example"], "220 mx.greylist.example ESMTP Postfix"),
)

# Local part and domain, stage, reply, reason, dead.
ROWS = (
    # Gmail: https://support.google.com/a/answer/3726730
    ("reader@gmail.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("no.such.person@gmail.example", RCPT,
     "550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
     "550-5.1.1 double-checking the recipient's email address for typos or\n"
     "550-5.1.1 unnecessary spaces. For more information, go to\n"
     "550 5.1.1  https://support.google.com/mail/?p=NoSuchUser 5b1f17b1804b1-48si4si - gsmtp",
     "no-such-user", DEAD),
    ("dormant@gmail.example", RCPT,
     "550-5.2.1 The email account that you tried to reach is inactive. For more\n"
     "550-5.2.1 information, go to\n"
     "550 5.2.1  https://support.google.com/mail/?p=DisabledUser 5b1f17b1804b1-48si5si - gsmtp",
     "inactive-mailbox", DEAD),
    ("full@gmail.example", RCPT,
     "452-4.2.2 The recipient's inbox is out of storage space. Please direct the\n"
     "452-4.2.2 recipient to\n"
     "452 4.2.2  https://support.google.com/mail/?p=OverQuotaTemp 5b1f17b1804b1-48si6si - gsmtp",
     "mailbox-full", ALIVE),
    ("unsigned@gmail.example", DATA,
     "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n"
     "550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.\n"
     "550-5.7.26  Authentication results:\n550-5.7.26  DKIM = did not pass\n"
     "550-5.7.26  SPF [sender.example] with ip: [203.0.113.7] = did not pass\n"
     "550 5.7.26  https://support.google.com/mail/answer/81126 5b1f17b1804b1-48si7si - gsmtp",
     "unauthenticated", ALIVE),
    ("strict@gmail.example", DATA,
     "550-5.7.26 Unauthenticated email from sender.example is not accepted due to\n"
     "550-5.7.26 domain's DMARC policy. Please contact the administrator of\n"
     "550-5.7.26 sender.example domain if this was a legitimate mail. To learn about\n"
     "550-5.7.26 the DMARC initiative, go to\n"
     "550 5.7.26  https://support.google.com/mail/?p=DmarcRejection 5b1f17b1804b1-48si8si - gsmtp",
     "dmarc-fail", ALIVE),
    ("wary@gmail.example", DATA,
     "550-5.7.1 [203.0.113.7      12] Our system has detected that this message is\n"
     "550-5.7.1 likely unsolicited mail. To reduce the amount of spam sent to Gmail,\n"
     "550-5.7.1 this message has been blocked. For more information, go to\n"
     "550 5.7.1  https://support.google.com/mail/?p=UnsolicitedMessageError 5b1f17b1804b1-48si9si"
     " - gsmtp",
     "spam-content", ALIVE),
    ("distrust@gmail.example", DATA,
     "550-5.7.1 [203.0.113.7      19] Our system has detected that this message is\n"
     "550-5.7.1 likely suspicious due to the very low reputation of the sending\n"
     "550-5.7.1 domain. To best protect our users from spam, the message has been\n"
     "550-5.7.1 blocked. For more information, go to\n"
     "550 5.7.1  https://support.google.com/mail/answer/188131 5b1f17b1804b1-48si10si - gsmtp",
     "domain-reputation", ALIVE),
    ("popular@gmail.example", RCPT,
     "450-4.2.1 The user you are trying to contact is receiving mail at a rate that\n"
     "450-4.2.1 prevents additional messages from being delivered. Please resend your\n"
     "450-4.2.1 message at a later time. For more information, go to\n"
     "450 4.2.1  https://support.google.com/mail/?p=ReceivingRate 5b1f17b1804b1-48si11si - gsmtp",
     "rate-limited", ALIVE),

    # Microsoft: https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/
    ("reader@outlook.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("gone@outlook.example", RCPT,
     "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). "
     "[AMS0EPF0001A.eurprd05.prod.outlook.example 2026-11-23T10:00:00.000Z 08DE2A]",
     "no-such-user", DEAD),
    ("full@outlook.example", DATA,
     "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException; "
     "Failed to process message due to a permanent exception",
     "mailbox-full", ALIVE),
    ("reader@hotmail.example", MAIL,
     "550 5.7.1 Unfortunately, messages from [203.0.113.7] weren't sent. Please contact your "
     "Internet service provider since part of their network is on our block list (S3140). "
     "You can also refer your provider to http://mail.live.example/mail/troubleshooting.aspx",
     "ip-reputation", ALIVE),
    ("colleague@tenant.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("leaver@tenant.example", RCPT,
     "550 5.4.1 Recipient address rejected: Access denied. For more information see "
     "https://aka.ms/EXOSmtpErrors [VI1EUR04FT011.eop-eur04.prod.protection.outlook.example "
     "2026-11-23T10:00:01.000Z 08DE2B]",
     "no-such-user", DEAD),
    ("typo@tenant.example", DATA,
     "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {rcpt} not found by SMTP address "
     "lookup",
     "no-such-user", DEAD),
    ("dmarc@tenant.example", DATA,
     "550 5.7.509 Access denied, sending domain SENDER.EXAMPLE does not pass DMARC verification "
     "and has a DMARC policy of reject. [VI1EUR04FT011.eop-eur04.prod.protection.outlook.example "
     "2026-11-23T10:00:02.000Z 08DE2C]",
     "dmarc-fail", ALIVE),
    ("banned@tenant.example", RCPT,
     "550 5.7.606 Access denied, banned sending IP [203.0.113.7]. To request removal from this "
     "list please visit https://sender.office.com/ and follow the directions.",
     "ip-reputation", ALIVE),
    ("board@tenant.example", DATA,
     "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery "
     "restriction check failed because the sender was not authenticated when sending to this group",
     "recipient-refused", ALIVE),
    ("busy@tenant.example", RCPT,
     "451 4.7.500 Server busy. Please try again later from [203.0.113.7]. (AS77712345)",
     "rate-limited", ALIVE),

    # Yahoo and AOL: https://senders.yahooinc.com/smtp-error-codes/
    ("reader@yahoo.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("nobody@yahoo.example", DATA,
     "554 delivery error: dd This user doesn't have a yahoo.example account ({rcpt}) [-5] - "
     "mta4127.mail.bf1.yahoo.example",
     "no-such-user", DEAD),
    ("sleeping@yahoo.example", DATA,
     "554 30 Sorry, your message to {rcpt} cannot be delivered. This mailbox is disabled (554.30).",
     "inactive-mailbox", DEAD),
    ("policy@yahoo.example", DATA,
     "554 5.7.9 Message not accepted for policy reasons. See "
     "https://postmaster.yahooinc.example/error-codes",
     "policy", ALIVE),
    ("reader@aol.example", MAIL,
     "553 5.7.2 [TSS09] All messages from 203.0.113.7 will be permanently deferred; Retrying will "
     "NOT succeed. See https://postmaster.yahooinc.example/error-codes",
     "ip-reputation", ALIVE),

    ("reader@icloud.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("lost@icloud.example", RCPT, "550 5.1.1 <{rcpt}>: user does not exist", "no-such-user", DEAD),
    ("full@icloud.example", RCPT, "552 5.2.2 <{rcpt}>: user is overquota", "mailbox-full", ALIVE),

    # GMX and WEB.DE: https://postmaster.gmx.net/en/error-messages
    ("reader@gmx.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("vanished@gmx.example", RCPT,
     "550-Requested action not taken: mailbox unavailable\n"
     "550 For explanation visit https://postmaster.gmx.example/en/error-messages?ip=203.0.113.7",
     "no-such-user", DEAD),
    ("reader@web.example", CONNECT, "", "no-reverse-dns", ALIVE),

    # Blocklists: the reply is about us, whoever the recipient is.
    ("reader@careful.example", RCPT,
     "554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org; "
     "https://www.spamhaus.org/query/ip/203.0.113.7",
     "ip-blocklisted", ALIVE),
    ("links@careful.example", DATA,
     "554 5.7.1 Message rejected: it contains a link to promo.sender.example, a host that is "
     "listed by dbl.spamhaus.org",
     "url-blocklisted", ALIVE),
    ("reader@barracuda.example", RCPT,
     "554 Service unavailable; Client host [mta.sender.example] blocked using Barracuda "
     "Reputation; http://www.barracudanetworks.example/reputation/?ip=203.0.113.7",
     "ip-blocklisted", ALIVE),
    ("reader@mimecast.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("retired@mimecast.example", RCPT,
     "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [q1XaPzr2]",
     "no-such-user", DEAD),
    ("quiet@mimecast.example", RCPT,
     "550 Administrative prohibition - envelope blocked - "
     "https://community.mimecast.com/docs/DOC-1369#550 [q1XaPzr3]",
     "policy", ALIVE),

    # Hosts of everybody.
    ("reader@postfix.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("unknown@postfix.example", RCPT,
     "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in local recipient table",
     "no-such-user", DEAD),
    ("100%off@postfix.example", RCPT,
     "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual mailbox table",
     "no-such-user", DEAD),
    ("elsewhere@postfix.example", RCPT, "554 5.7.1 <{rcpt}>: Relay access denied",
     "relaying-denied", ALIVE),
    ("spf@postfix.example", RCPT,
     "550 5.7.23 <{rcpt}>: Recipient address rejected: Message rejected due to: SPF fail - not "
     "authorized. Please see http://www.openspf.example/Why?s=mfrom;ip=203.0.113.7",
     "spf-fail", ALIVE),
    ("big@postfix.example", DATA, "552 5.3.4 Message size exceeds fixed limit",
     "message-too-large", ALIVE),
    ("reader@exim.example", RCPT, ACCEPT, "delivered", ALIVE),
    ("nowhere@exim.example", RCPT, "550 Unrouteable address", "no-such-user", DEAD),
    ("moved@exim.example", RCPT,
     "551 5.1.6 The recipient has moved; please try <new@elsewhere.example>", "moved", DEAD),
    # Says "no such user" of the sender, not of the recipient.
    ("callback@exim.example", RCPT,
     "550-Verification failed for <news@sender.example>\n"
     "550-The mail server could not deliver mail to news@sender.example. No Such User Here\n"
     "550 Sender verify failed",
     "sender-rejected", ALIVE),
    ("bare@exim.example", RCPT, "550", "unclassified", ALIVE),
    ("reader@greylist.example", RCPT,
     "450 4.2.0 <{rcpt}>: Recipient address rejected: Greylisted, see "
     "http://postgrey.example/help/greylist.example.html",
     "delivered", ALIVE),

    # Domains without a server.
    ("reader@nullmx.example", None, NULL_MX, "domain-not-accepting", ALONE),
    ("reader@no-such-domain.example", None, UNKNOWN_DOMAIN, "no-such-domain", ALONE),
    ("reader@silent.example", None, ACCEPT, "timeout", ALIVE),
    ("reader@closed.example", None, ACCEPT, "connection-failed", ALIVE),
)


@dataclasses.dataclass
class Person:
    """One recipient of the campaign and what is known of the address."""

    address: str
    reply: str
    reason: str
    dead: bool


def people():
    """All recipients, in the table's order."""
    return [Person(address, reply, reason, dead)
            for address, _stage, reply, reason, dead in ROWS]


def populate(internet, postfix):
    """Opens all hosts with their answers; tells Postfix of the domains without one."""
    by_domain = {}
    for name, domains, greeting in HOSTS:
        host = internet.host(name, domains, greeting)
        by_domain.update((domain, host) for domain in domains)
    internet.host("home", ["sender.example"])
    internet.host("silent", ["silent.example"], silent=True)
    internet.closed_host("closed", ["closed.example"])
    for address, stage, reply, reason, _dead in ROWS:
        local, _, domain = address.rpartition("@")
        if stage == MAIL:
            by_domain[domain].sender_answer = reply
        elif stage in (RCPT, DATA):
            times = 1 if reason == "delivered" and reply else 0
            by_domain[domain].answer(local, Answer(reply, stage, times))
        elif reply:
            postfix.unreachable[domain] = reply
