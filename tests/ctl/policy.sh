#!/bin/sh
# suppressctl policy and allow, where no daemon runs.
folder=$(mktemp -d "${TMPDIR:-/tmp}/suppressd-policy-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
ctl=${SUPPRESSCTL:-./suppressctl}
cat >"$folder/conf" <<END
database = "$folder/s.db"
control_socket = "$folder/none.sock"
policy "mailbox-full" { failures = 1 days = 0 }
policy "address" { stream = "news" provider = "google" action = none }
policy "no-such-user" { mode = shadow }
END
run() { "$ctl" -c "$folder/conf" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }
has() { run policy | grep -qF "$1" || fail "policy: no line '$1'"; }
tab=$(printf '\t')

has "no-such-user${tab}-${tab}-${tab}suppress forever; shadow mode${tab}$folder/conf:5"
has "mailbox-full${tab}-${tab}-${tab}count: 1 failures over 0 days, then for 30d${tab}$folder/conf:3"
has "moved${tab}news${tab}google${tab}none${tab}$folder/conf:4"
has "moved${tab}-${tab}-${tab}suppress forever${tab}taxonomy"
has "no-such-domain${tab}-${tab}-${tab}suppress for 30d; the domain, when 3 recipients agree or after 3d${tab}taxonomy"
has "ip-blocklisted${tab}-${tab}-${tab}none${tab}taxonomy"
[ "$(run --json policy | grep -c '"from":"taxonomy"')" -gt 30 ] || fail "policy --json"

run allow add --note boss joe@example.com @Partner.Example >/dev/null || fail "allow add"
[ "$(run allow list | cut -f1 | tr '\n' ' ')" = "@partner.example joe@example.com " ] || fail "allow list"
run add joe@example.com ann@partner.example @partner.example >/dev/null || fail "add"
run check joe@example.com ann@partner.example bob@partner.example >/dev/null || fail "refused in spite of the list"
run allow remove joe@example.com >/dev/null || fail "allow remove"
run check joe@example.com >/dev/null && fail "allowed without the list"
run allow remove joe@example.com >/dev/null
[ $? -eq 1 ] || fail "removed twice"
run allow add >/dev/null 2>&1
[ $? -eq 2 ] || fail "allow add nobody"
run allow add nonsense >/dev/null 2>&1
[ $? -eq 2 ] || fail "allow add nonsense"

decides() { # DECISION PART-OF-SENTENCE ARGUMENT...
    decision=$1 part=$2; shift 2
    said=$(run policy test "$@") || fail "policy test $*"
    echo "$said" | grep -q "^decision  $decision" || fail "$*: not $decision: $said"
    echo "$said" | grep -q "^because   .*$part" || fail "$*: not for '$part': $said"
}
decides suppress "failure 1 over 0 days" new@example.com "552 5.2.2 Mailbox full"
decides none "the policy does nothing" --stream news --provider google new@example.com \
    "551 5.1.6 The recipient has moved; please try <new@elsewhere.example>"
decides shadow "shadow mode ($folder/conf:5)" new@example.com "550 5.1.1 User unknown"
decides count "suppressed already" joe@example.com "552 5.2.2 Mailbox full"
decides none "allow-list" bob@partner.example "552 5.2.2 Mailbox full"
decides none "not the recipient's fault" new@example.com \
    "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"
run policy test new@example.com >/dev/null 2>&1
[ $? -eq 2 ] || fail "policy test without a reply"
run policy report | grep -q . && fail "a report of nothing"
exit 0
