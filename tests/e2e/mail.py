"""SMTP clients and messages for the tests."""
import re
import smtplib
from email.message import EmailMessage

SENDER = "news@sender.example"


def message(recipients, subject="News", sender=SENDER, **headers):
    """A small newsletter."""
    text = EmailMessage()
    text["From"] = sender or "postmaster@sender.example"
    text["To"] = ", ".join([recipients] if isinstance(recipients, str) else recipients)
    text["Subject"] = subject
    for name, value in headers.items():
        text[name.replace("_", "-")] = value
    text.set_content("Something new.\n")
    return text.as_bytes()


def outcome(recipient, action="failed", status="5.1.1",
            reply="550 5.1.1 no such user here", remote="mx.bad.example"):
    """The part of a delivery report that is about one recipient."""
    return (f"Final-Recipient: rfc822; {recipient}\n"
            f"Action: {action}\n"
            f"Status: {status}\n"
            f"Remote-MTA: dns; {remote}\n"
            f"Diagnostic-Code: smtp; {reply}\n")


def report(*outcomes, mta="mta.sender.example", queue_id="4c1B5T0xyzz1", sender=SENDER):
    """A delivery status notification (RFC 3464) to the sender, as Postfix words it."""
    return (f"From: MAILER-DAEMON@{mta} (Mail Delivery System)\n"
            f"To: {sender}\n"
            "Subject: Undelivered Mail Returned to Sender\n"
            "MIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=\"=b=\"\n"
            "\n--=b=\nContent-Type: text/plain\n\nYour message could not be delivered.\n"
            "\n--=b=\nContent-Type: message/delivery-status\n\n"
            f"Reporting-MTA: dns; {mta}\n"
            f"X-Postfix-Queue-ID: {queue_id}\n"
            f"X-Postfix-Sender: rfc822; {sender}\n"
            "Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\n\n"
            + "\n".join(outcomes) +
            "\n--=b=\nContent-Type: text/rfc822-headers\n\n"
            f"From: {sender}\nSubject: News\nMessage-ID: <{queue_id}@sender.example>\n"
            "\n--=b=--\n").encode()


class Client:
    """One SMTP session that keeps every recipient's reply."""

    def __init__(self, port, address="127.0.0.1"):
        """From this address; all of 127.0.0.0/8 is this machine."""
        self.smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=60,
                                 source_address=(address, 0))
        self.smtp.ehlo()

    def pretend(self, address="203.0.113.9", name="mx.elsewhere.example", login=None):
        """Goes on as another machine (Postfix's XCLIENT), perhaps as a user who has logged
        in. Once a session: the other machine may not pretend."""
        request = f"XCLIENT ADDR={address} NAME={name}" + (f" LOGIN={login}" if login else "")
        code, text = self.smtp.docmd(request)
        assert code == 220, (code, text)
        self.smtp.ehlo()
        return self

    def send(self, recipients, sender=SENDER, content=None):
        """Sends one message; {recipient: (code, text)} of the RCPT replies, and the reply
        of the message's end under None when at least one recipient was taken."""
        recipients = [recipients] if isinstance(recipients, str) else list(recipients)
        replies = {}
        code, text = self.smtp.mail(sender)
        assert code == 250, (code, text)
        for recipient in recipients:
            code, text = self.smtp.rcpt(recipient)
            replies[recipient] = (code, text.decode())
        if any(code == 250 for code, _text in replies.values()):
            content = content or message(recipients, sender=sender)
            code, text = self.smtp.data(re.sub(rb"\r?\n", b"\r\n", content))
            replies[None] = (code, text.decode())
        else:
            self.smtp.rset()
        return replies

    def close(self):
        self.smtp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()
