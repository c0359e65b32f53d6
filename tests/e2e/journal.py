"""A folder of real journal files, written by systemd-journal-remote."""
import os
import pathlib
import subprocess

WRITER = "/usr/lib/systemd/systemd-journal-remote"
START = 1790000000

ENTRY = """\
__REALTIME_TIMESTAMP={time}000000
__MONOTONIC_TIMESTAMP={number}000000
_BOOT_ID=0123456789abcdef0123456789abcdef
_HOSTNAME=mx1
SYSLOG_FACILITY=2
SYSLOG_IDENTIFIER=postfix/smtp
SYSLOG_PID=7
MESSAGE={message}

"""


def missing():
    """Why no journal can be written here; empty when it can."""
    return "" if os.access(WRITER, os.X_OK) else f"no {WRITER}"


class Journal:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.written = 0
        self.rotations = 0

    def write(self, *messages):
        """Appends entries, a second apart."""
        text = ""
        for message in messages:
            text += ENTRY.format(time=START + self.written, number=self.written, message=message)
            self.written += 1
        subprocess.run([WRITER, "-o", str(self.folder / "system.journal"), "-"], input=text, text=True,
                       check=True, capture_output=True, timeout=60)

    def rotate(self):
        """As journald does it: another name, and a new file."""
        self.rotations += 1
        os.rename(self.folder / "system.journal", self.folder / f"system@{self.rotations}.journal")

    def vacuum(self):
        """Removes all that has been rotated."""
        for path in self.folder.glob("system@*"):
            path.unlink()
