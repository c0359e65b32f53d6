"""A machine that a real systemd boots: this one's files, in a container of their own.

systemd-nspawn on an overlay: what is written there is gone with it, the network is a
loopback, and no unit of the host is started but what basic.target wants. Files are reached
by `path`, programs are started by `run`. Needs root, systemd-container and a kernel that
lets one mount.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

from waiting import FACTOR, Timeout, wait_for

# Without a systemd on the host nobody gives the container a cgroup.
BOOT = """
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
rm -rf "$1/root/etc/systemd/system"
mkdir "$1/root/etc/systemd/system"
keep=
if ! [ -d /run/systemd/system ]; then
    keep=--keep-unit
    for group in $3; do
        mkdir "$group"
        echo $$ >"$group/cgroup.procs"
    done
fi
exec systemd-nspawn --directory="$1/root" --boot --register=no $keep --private-network --link-journal=no \
    --resolv-conf=off --timezone=off --machine="$2" --console=pipe systemd.unit=basic.target \
    systemd.journald.forward_to_syslog=no
"""
GROUPS = [pathlib.Path("/sys/fs/cgroup", name) for name in ("systemd", "unified", "")]


def missing():
    """Why no machine can be booted here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("systemd-nspawn", "unshare", "nsenter"):
        if not shutil.which(program):
            return f"no {program} (apt-get install systemd-container)"
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True,
                           text=True, check=False)
    return f"nothing can be mounted here: {tried.stderr.strip()}" if tried.returncode else ""


class Machine:
    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.name = self.home.name.replace("_", "-").lower()
        self.groups = [group / self.name for group in GROUPS if (group / "cgroup.procs").exists()]
        self.log = self.home / "boot.log"
        self.nspawn = None
        self.init = None  # process id of its systemd, as the host sees it

    def start(self):
        """Timeout: no systemd can be had here."""
        (self.home / "machine").mkdir()
        with open(self.log, "wb") as log:
            self.nspawn = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-euc",
                                            BOOT, "sh", str(self.home / "machine"), self.name,
                                            " ".join(map(str, self.groups))],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._is_up, lambda: f"a booted systemd: {self.log.read_text(errors='replace')[-1000:]}", 60)
        return self

    def stop(self):
        init = self.init or (self.nspawn and self._find_init())
        if init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)  # and with it all that runs there
        if self.nspawn:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.nspawn.wait(20)
            self.nspawn.kill()
            self.nspawn.wait()
        wait_for(self._is_gone, "the end of all that ran in the machine")

    def path(self, name):
        """A file of the machine."""
        return pathlib.Path(f"/proc/{self.init}/root") / str(name).lstrip("/")

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(self, *command, check=True, text="", user=None):
        """What a program said that root, or somebody else, started on the machine."""
        who = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={self.run('id', '-g', user)}", "--clear-groups"]
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-r", "-w", *who, *command],
                              input=text, capture_output=True, text=True, check=False, timeout=120 * FACTOR)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def show(self, unit, name):
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", name, unit)

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def _is_up(self):
        if self.nspawn.poll() is not None:
            raise Timeout(f"no container: {self.log.read_text(errors='replace')[-1000:]}")
        if not self.init:
            self.init = self._find_init()
        return self.init and self.run("systemctl", "is-active", "basic.target", check=False) == "active"

    def _is_gone(self):
        for group in self.groups:
            for folder, _folders, _files in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        return not any(group.exists() for group in self.groups)

    def _find_init(self):
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        for child in children.read_text().split() if children.exists() else []:
            with contextlib.suppress(OSError):
                if os.path.basename(os.readlink(f"/proc/{child}/exe")) == "systemd":
                    return int(child)
        return None
