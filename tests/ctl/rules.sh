#!/bin/sh
# suppressctl rules: each part does what the manual says, with its exit code.
folder=$(mktemp -d "${TMPDIR:-/tmp}/suppressd-rules-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
ctl=${SUPPRESSCTL:-./suppressctl}
printf 'local_rules_dir = "%s/none"\n' "$folder" >"$folder/conf"
code=0

# expect EXIT-CODE TEXT ARGUMENT...: the command ends so and prints the text.
expect() {
    wanted=$1 text=$2
    shift 2
    said=$("$ctl" -c "$folder/conf" "$@" 2>&1 <"$folder/replies")
    got=$?
    if [ $got -ne "$wanted" ]; then
        echo "FAIL: $*: exit code $got, not $wanted: $said"; code=1
    elif ! printf '%s\n' "$said" | grep -qF -- "$text"; then
        echo "FAIL: $*: no '$text' in: $said"; code=1
    fi
}

mkdir "$folder/old" "$folder/new"
cat >"$folder/old/a.rules" <<'EOF'
rule cupboard {
    pattern = {'cupboard is full'}
    reason = 'mailbox-full'
    examples = {'552 5.2.2 The cupboard is full'}
}
EOF
sed 's/mailbox-full/system-full/' "$folder/old/a.rules" >"$folder/new/a.rules"
printf 'rule cupboard {\n    pattern = {"(("}\n}\nrule other {\n    reason = "none"\n}\n' >"$folder/bad.rules"
cat >"$folder/replies" <<'EOF'
552 5.2.2 the cupboard is full today
{"id": 7, "reply": "552 5.2.2 cupboard is full"}
550 something else
EOF

expect 0 '' rules lint
expect 0 '' rules lint --alone "$folder/old"
expect 0 '' rules lint "$folder/old/a.rules"
expect 1 'bad.rules:1: rule "cupboard": no such reason: none given' rules lint "$folder/bad.rules"
expect 1 'bad.rules:4: rule "other": no such reason: none' rules lint "$folder/bad.rules"
expect 1 '"line":4' --json rules lint "$folder/bad.rules"
expect 3 'No such file' rules lint "$folder/absent.rules"
expect 2 'which files' rules lint --alone
expect 1 'verdict   unclassified by nothing' rules test '550'
expect 0 '=> rule   google-no-such-user' rules test --mta gmail-smtp-in.l.google.com \
    '550 5.1.1 The email account that you tried to reach does not exist'
expect 0 '"fate":"wins"' --json rules test '550 5.1.1 The email account that you tried to reach does not exist'
expect 0 'status    5.2.2' rules test --status 5.2.2 '552 full'
expect 2 'which reply' rules test
expect 0 'google-full	mailbox-full' rules list --reason mailbox-full
expect 1 '' rules list --provider nobody
expect 2 "no reason 'hungry'" rules list --reason hungry
expect 0 'pattern   email account' rules show google-no-such-user
expect 0 '"id":"google-no-such-user"' --json rules show google-no-such-user
expect 1 "no rule 'nothing'" rules show nothing
expect 1 '2 of 3 replies change' rules diff "$folder/old" "$folder/new"
expect 1 '       2  mailbox-full -> system-full  (hygiene now: none)' rules diff "$folder/old" "$folder/new"
expect 1 '"id":7,"old":"mailbox-full","new":"system-full"' --json rules diff "$folder/old" "$folder/new"
expect 0 '0 of 3 replies change' rules diff "$folder/old" "$folder/old"
expect 3 "$folder/absent" rules diff "$folder/absent" "$folder/new"
expect 2 'one of lint' rules
exit $code
