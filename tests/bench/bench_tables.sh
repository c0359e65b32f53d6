#!/bin/sh
# Socketmap lookups against Postfix's own tables, through the same client: one
# `postmap -q -` that asks each table for the same keys, half of which are there.
# Then what a single lookup takes (bench_socketmap). Tables that this Postfix
# does not have are left out.
#
#   bench_tables.sh [SUPPRESSIONS [LOOKUPS]]    run in the build folder
set -eu
count=${1:-200000}
lookups=${2:-50000}
PATH=$PATH:/usr/sbin:/sbin
command -v postmap >/dev/null || { echo "tables: skipped, no Postfix"; exit 0; }
dir=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null || :; wait; rm -rf "$dir"' EXIT

mkdir "$dir/etc"
echo "compatibility_level = 3.6" >"$dir/etc/main.cf"
: >"$dir/etc/master.cf"
chmod 755 "$dir"
./tests/bench/bench_socketmap fill "$dir/suppressd.db" "$count" >"$dir/there"
# Every second key asked for is there.
awk -v most="$((lookups / 2))" 'NR <= most { print; print "x" $0 }' "$dir/there" >"$dir/asked"
awk '{ print $0 " error:5.1.1 <" $0 "> suppressed: no-such-user since 1970-01-01 (suppressd)" }' "$dir/there" >"$dir/table"
sqlite3 "$dir/plain.db" <<SQL
CREATE TABLE t (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
.mode tabs
.import "|sed 's/ /\t/' $dir/table" t
SQL
printf 'dbpath = %s\nquery = SELECT value FROM t WHERE key = '\''%%s'\''\n' "$dir/plain.db" >"$dir/plain.cf"
cat >"$dir/suppressd.conf" <<CONF
database = "$dir/suppressd.db"
control_socket = "$dir/control.sock"
user = ""
milter_socket = "unix:$dir/milter.sock"
socketmap_socket = "unix:$dir/socketmap.sock"
gate_deadline = 5000
local_rules_dir = ""
CONF
log=$dir/log
./suppressd -c "$dir/suppressd.conf" 2>"$log" &
pid=$!
tries=0
until grep -q 'suppressd ready' "$log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$pid"; then
        cat "$log" >&2
        exit 1
    fi
    sleep 0.1
done

ask()
{
    begin=$(date +%s%N)
    found=$(postmap -c "$dir/etc" -q - "$2" <"$dir/asked" | wc -l)
    end=$(date +%s%N)
    [ "$found" = "$((lookups / 2))" ] || { echo "tables: $1 found $found"; exit 1; }
    awk -v what="$1" -v ns="$((end - begin))" -v n="$lookups" \
        'BEGIN { printf "  %-32s %9.0f lookups/s   mean %6.1f us\n", what, n / ns * 1e9, ns / n / 1e3 }'
}

echo "tables: $count entries, $lookups lookups by one postmap -q -"
for type in hash lmdb; do
    if postconf -c "$dir/etc" -m | grep -qx "$type"; then
        cp "$dir/table" "$dir/table.$type"
        postmap -c "$dir/etc" "$type:$dir/table.$type"
        ask "$type" "$type:$dir/table.$type"
    fi
done
if postconf -c "$dir/etc" -m | grep -qx sqlite; then
    ask "sqlite" "sqlite:$dir/plain.cf"
fi
ask "socketmap, suppressd" "socketmap:unix:$dir/socketmap.sock:suppression"
echo "socketmap: one question at a time"
./tests/bench/bench_socketmap floor "$count" "$lookups"
./tests/bench/bench_socketmap ask "$dir/socketmap.sock" "$count" "$lookups" "suppressd"
# The writer has something to do all the time: an old log is read in.
awk 'BEGIN { for (i = 0; i < 2000000; i++)
    printf "Nov 24 10:%02d:%02d mx postfix/smtp[1]: %08X: to=<u%d@example%d.com>, relay=mx.example.com[192.0.2.1]:25, " \
           "delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host mx.example.com[192.0.2.1] said: 550 5.1.1 User " \
           "unknown (in reply to RCPT TO command))\n", i / 60 % 60, i % 60, i, i, i % 1000 }' >"$dir/mail.log"
./suppressctl -c "$dir/suppressd.conf" ingest --log "$dir/mail.log" >/dev/null 2>&1 &
import=$!
sleep 2
./tests/bench/bench_socketmap ask "$dir/socketmap.sock" "$count" "$lookups" "suppressd, an import running"
kill "$import" 2>/dev/null || { echo "tables: the import had ended before the last lookup"; exit 1; }
