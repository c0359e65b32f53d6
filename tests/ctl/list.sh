#!/bin/sh
# suppressctl list: filters by reason, speaks other tools' vocabularies. No daemon runs here.
folder=$(mktemp -d "${TMPDIR:-/tmp}/suppressd-list-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
ctl=${SUPPRESSCTL:-./suppressctl}
printf 'database = "%s/s.db"\ncontrol_socket = "%s/none.sock"\n' "$folder" "$folder" >"$folder/conf"
run() { "$ctl" -c "$folder/conf" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }

run add --reason no-such-user joe@example.com >/dev/null || fail "add"
run add --reason complaint ann@example.net >/dev/null || fail "add"
[ "$(run list | wc -l)" = 2 ] || fail "all"
[ "$(run list complaint | cut -f1)" = ann@example.net ] || fail "by reason"
run list | grep -q 'bad-mailbox' && fail "a category that nobody asked for"
for pair in powermta=bad-mailbox sisimai=userunknown kumomta=InvalidRecipient ses=Permanent/NoEmail \
    "sparkpost=10 Invalid Recipient"; do
    name=${pair%%=*} word=${pair#*=}
    [ "$(run list --vocabulary "$name" no-such-user | cut -f7)" = "$word" ] || fail "$name: not $word"
    run --json list --vocabulary "$name" no-such-user |
        grep -q "\"category\":\"$word\",\"vocabulary\":\"$name/" || fail "$name: --json"
    echo '550 5.1.1 User unknown' | run classify --vocabulary "$name" |
        grep -q "\"category\":\"$word\",\"vocabulary\":\"$name/" || fail "$name: classify"
done
run list --vocabulary sendgrid 2>/dev/null
[ $? -eq 2 ] || fail "an unknown vocabulary"
run list --vocabulary 2>/dev/null
[ $? -eq 2 ] || fail "no vocabulary named"
run list hungry 2>/dev/null
[ $? -eq 2 ] || fail "an unknown reason"
exit 0
