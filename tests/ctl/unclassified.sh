#!/bin/sh
# suppressctl unclassified: groups what no rule knows, and drafts rules that load.
folder=$(mktemp -d "${TMPDIR:-/tmp}/suppressd-unclassified-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
ctl=${SUPPRESSCTL:-./suppressctl}
mkdir "$folder/rules.d"
printf 'local_rules_dir = "%s/rules.d"\n' "$folder" >"$folder/conf"
run() { "$ctl" -c "$folder/conf" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }

cat >"$folder/replies" <<'EOF'
550 The walrus didn't like joe@example.com at 192.0.2.1 (case 4XyZ12AbCd)
550 The walrus didn't like ann@example.net at 198.51.100.9 (case 9QqR77LmNo)
{"reply": "550 The walrus didn't like bob@example.org at 2001:db8::7 (case 1AbC23DeFg)"}
452 The \carpenter\ wept 17 times
550
550 5.1.1 User unknown
EOF

said=$(run unclassified - <"$folder/replies") || fail "exit code"
[ "$(printf '%s\n' "$said" | head -n 2)" = "# 3 replies
# 550 The walrus didn't like <address> at <ip> (case <id>)" ] || fail "first group: $said"
printf '%s\n' "$said" | grep -q '^# No words' || fail "a bare code: $said"
[ "$(printf '%s\n' "$said" | grep -c '^rule ')" = 2 ] || fail "two drafts are wanted: $said"
[ "$(run --json unclassified --limit 1 - <"$folder/replies" | grep -c '"count":3')" = 1 ] || fail "--json, --limit"

# The drafts want a reason and nothing else, and then the replies are known.
printf '%s\n' "$said" | sed "s/'?'/'policy'/" >"$folder/rules.d/new.rules"
run rules lint || fail "the drafts do not load"
[ "$(run classify <"$folder/replies" | grep -c '"reason":"policy"')" = 4 ] || fail "the drafts do not match"
[ "$(run unclassified - <"$folder/replies" | grep -c '^rule ')" = 0 ] || fail "known replies are drafted again"

run unclassified --limit none - 2>/dev/null </dev/null
[ $? -eq 2 ] || fail "a limit that is no number"
exit 0
