#!/bin/sh
# The daemon when nothing happens: memory with the full rule set, and how often it wakes up.
#
#   bench_idle.sh [SECONDS]    run in the build folder
set -eu
seconds=${1:-20}
dir=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null || :; wait; rm -rf "$dir"' EXIT

cat >"$dir/suppressd.conf" <<CONF
database = "$dir/suppressd.db"
control_socket = "$dir/control.sock"
user = ""
milter_socket = "unix:$dir/milter.sock"
local_rules_dir = ""
CONF
./suppressd -c "$dir/suppressd.conf" 2>"$dir/log" &
pid=$!
tries=0
until grep -q 'suppressd ready' "$dir/log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$pid"; then
        cat "$dir/log" >&2
        exit 1
    fi
    sleep 0.1
done

wakeups()
{
    cat /proc/"$pid"/task/*/status | awk '/^(non)?voluntary_ctxt_switches/ { n += $2 } END { print n }'
}

before=$(wakeups)
sleep "$seconds"
after=$(wakeups)
echo "idle: $(sed -n 's/.*, \([0-9]* rules\) .*/\1/p' "$dir/log")"
awk '/^VmRSS|^RssAnon/ { printf "  %-10s %6.1f MB\n", $1, $2 / 1024 }' /proc/"$pid"/status
echo "  wake-ups   $((after - before)) in $seconds s, of all threads"
