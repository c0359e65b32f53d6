#!/bin/sh
# The unit is understood and locked down, the user and the folder come into being.
# 77 tells automake "skipped".
set -eu
command -v systemd-analyze >/dev/null && command -v systemd-sysusers >/dev/null ||
    { echo "no systemd here"; exit 77; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# verify looks for the program, which is not installed yet.
sed "s|^ExecStart=[^ ]*|ExecStart=$PWD/suppressd|" systemd/suppressd.service >"$root/suppressd.service"
said=$(systemd-analyze verify --man=no --recursive-errors=no "$root/suppressd.service" 2>&1)
[ -z "$said" ] || { echo "$said"; exit 1; }

# Tenths: an exposure of 1.5 at the most.
systemd-analyze security --no-pager --offline=true --threshold=15 systemd/suppressd.service |
    tail -n 1

mkdir -p "$root/etc" "$root/var/spool/postfix"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
printf 'root:x:0:\npostfix:x:105:\n' >"$root/etc/group"
if [ "$(id -u)" = 0 ]; then
    systemd-sysusers --root="$root" "$PWD/systemd/sysusers.d/suppressd.conf"
    user=$(sed -n 's/^suppressd:x:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
    [ -n "$user" ]
    systemd-tmpfiles --root="$root" --create "$PWD/systemd/tmpfiles.d/suppressd.conf"
    made=$(stat -c '%a %u %g' "$root/var/spool/postfix/suppressd")
    [ "$made" = "2710 $user 105" ] || { echo "the socket's folder is $made"; exit 1; }
fi
