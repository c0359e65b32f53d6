"""A content filter as amavis is one: takes mail by SMTP or LMTP and hands it back by SMTP.

What it says of a message is what the MTA that it hands it back to has said, in the words of
amavis. A message with "discard" in its subject is taken and withheld; one with "spam" refused.
"""
import os
import smtplib
import socketserver
import threading


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 filter.example ready")
        recipients = []
        while True:
            line = self.rfile.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = line[:4].upper()
            if verb in ("", "QUIT"):
                return
            if verb in ("EHLO", "LHLO"):
                self.say("250-filter.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES")
            elif verb == "DATA":
                self.say("354 go on")
                self.take(sender, recipients)
            else:
                if verb == "MAIL":
                    sender, recipients = address_in(line), []
                if verb == "RCPT":
                    recipients.append(address_in(line))
                self.say("250 2.0.0 ok")

    def take(self, sender, recipients):
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
        reply = self.server.judge(sender, recipients, content)
        for _ in recipients if self.server.lmtp else recipients[:1]:  # LMTP: one for each
            self.say(reply)

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


def address_in(line):
    return line[line.index("<") + 1:line.index(">")]


class ContentFilter:
    """Listens on a port of 127.0.0.1 or, with a path, on a socket file (LMTP)."""

    def __init__(self, back_port, path=None):
        kind = socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer
        self.server = kind(str(path) if path else ("127.0.0.1", 0), Session)
        self.server.daemon_threads = True
        self.server.lmtp = path is not None
        self.server.judge = self.judge
        self.back_port = back_port
        if path:
            os.chmod(path, 0o666)
        self.place = f"unix:{path}" if path else "[127.0.0.1]:%d" % self.server.server_address[1]
        self.taken = 0

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def judge(self, sender, recipients, content):
        self.taken += 1
        if b"Subject: discard" in content:
            return "250 2.7.0 Ok, discarded, id=311-01 - spam"
        if b"Subject: spam" in content:
            return "554 5.7.0 Reject, id=311-01 - spam"
        with smtplib.SMTP("127.0.0.1", self.back_port, timeout=60) as back:
            back.ehlo()
            back.mail(sender)
            for recipient in recipients:
                back.rcpt(recipient)
            code, text = back.data(content)
        return f"{code} 2.0.0 from MTA(smtp:[127.0.0.1]:{self.back_port}): {code} {text.decode()}"
