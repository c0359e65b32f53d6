"""The unit's system call filter without systemd.

    syscall_filter.py UNIT ACTION PROGRAM [ARGUMENT ...]

runs a program under the lines SystemCallFilter= of a unit file, with systemd's own groups
of calls, and under MemoryDenyWriteExecute=. ACTION is kill, or EPERM as in the unit. A test
imports `missing` and `command`. The module seccomp is that of /usr/bin/python3.
"""
import errno
import os
import pathlib
import re
import shutil
import subprocess
import sys

UNIT = pathlib.Path(__file__).resolve().parents[2] / "systemd" / "suppressd.service.in"


def missing():
    """Why no filter can be put on here; empty when it can."""
    if not shutil.which("systemd-analyze"):
        return "no systemd-analyze, which knows the groups of system calls"
    tried = subprocess.run(["/usr/bin/python3", "-c", "import seccomp"], capture_output=True, check=False)
    return "no module seccomp (apt-get install python3-seccomp)" if tried.returncode else ""


def command(*program, action="kill"):
    return ["/usr/bin/python3", "-B", __file__, str(UNIT), action, *program]


def groups():
    """{name: calls and other groups in it}, as this systemd has them."""
    said = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True,
                          check=True).stdout
    found = {}
    for line in said.splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = set()
        elif found and re.match(r" +[@\w]", line):
            found[name].add(line.strip())
    return found


def expand(names, known):
    calls = set()
    for name in names:
        calls |= expand(known[name], known) if name.startswith("@") else {name}
    return calls


def allowed(unit):
    """The calls that the lines of a unit allow, the first of which is a list of those."""
    known = groups()
    calls = expand({"@default"}, known)
    lines = re.findall(r"^SystemCallFilter=(.*)$", pathlib.Path(unit).read_text(encoding="ascii"), re.M)
    assert lines and not lines[0].startswith("~")
    for line in lines:
        named = expand(line.lstrip("~").split(), known)
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def main(unit, action, *program):
    import seccomp  # pylint: disable=import-outside-toplevel,import-error
    denied = seccomp.KILL_PROCESS if action == "kill" else seccomp.ERRNO(errno.EPERM)
    memory = seccomp.SyscallFilter(seccomp.ALLOW)
    executable = seccomp.Arg(2, seccomp.MASKED_EQ, 4, 4)
    memory.add_rule(seccomp.ERRNO(errno.EPERM), "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, 6, 6))
    memory.add_rule(seccomp.ERRNO(errno.EPERM), "mprotect", executable)
    memory.add_rule(seccomp.ERRNO(errno.EPERM), "pkey_mprotect", executable)
    calls = seccomp.SyscallFilter(denied)
    for name in allowed(unit):
        try:
            calls.add_rule(seccomp.ALLOW, name)
        except RuntimeError:
            continue  # a call that this library, or this machine, does not have
    memory.load()
    calls.load()
    os.execv(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
