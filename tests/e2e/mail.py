"""SMTP clients and messages for the tests."""
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


class Client:
    """One SMTP session that keeps every recipient's reply."""

    def __init__(self, port):
        self.smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=60)
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
            code, text = self.smtp.data(content or message(recipients, sender=sender))
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
