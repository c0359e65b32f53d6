#!/bin/sh
# suppressctl setup sendmail prints conf/sendmail.mc, with the settings in force in it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sample=${srcdir:-.}/conf/sendmail.mc
config=$folder/suppressd.conf

setup()
{
    ./suppressctl -c "$config" setup sendmail "$@"
}

fail()
{
    echo "$*"
    exit 1
}

# The sample from its second paragraph on, word for word.
cat >"$config" <<END
milter_socket = "unix:/run/suppressd/milter.sock"
lmtp_socket = "unix:/run/suppressd/lmtp.sock"
lmtp_trust = "own"
mail_log = "/var/log/mail.log"
END
sed '1,/^$/d' "$sample" >"$folder/wanted"
setup >"$folder/all" || [ $? -eq 1 ]
sed '1,/^$/d' "$folder/all" >"$folder/printed"
cmp "$folder/wanted" "$folder/printed"
setup --json | grep -q '"lines":"dnl The gate' || fail "no lines as JSON"

# Other sockets, another domain; what the m4 text must not hold any more.
cat >"$config" <<END
milter_socket = "inet:8891@127.0.0.1"
lmtp_socket = "inet:2424@127.0.0.1"
END
setup --bounce-domain b.example.net >"$folder/all"
grep -q 'S=inet:8891@127.0.0.1, F=, ' "$folder/all" || fail "not its milter_socket"
grep -q 'A=TCP \[127.0.0.1\] 2424' "$folder/all" || fail "not its lmtp_socket"
grep -q '^dnl     b.example.net     suppressd:' "$folder/all" || fail "not its domain"
grep -q '^dnl warning: lmtp_trust is not' "$folder/all" || fail "lmtp_trust was not missed"
grep -q '^dnl warning: mail_log is not' "$folder/all" || fail "mail_log was not missed"
! grep -q '/run/suppressd\|bounces.example.com' "$folder/all" || fail "the sample's values are left"

# Without LMTP no mailer; a socket where Sendmail uses none.
mkdir -m 777 "$folder/open"
echo "milter_socket = \"unix:$folder/open/milter.sock\"" >"$config"
code=0
setup >"$folder/all" || code=$?
[ "$code" -eq 1 ] || fail "status $code"
grep -q "^dnl problem: .* below $folder/open, which everybody" "$folder/all" || fail "an unsafe folder"
! grep -q MAILER_DEFINITIONS "$folder/all" || fail "a mailer without lmtp_socket"

# Bad input.
for bad in --mc --nonsense extra; do
    code=0
    setup "$bad" 2>"$folder/said" || code=$?
    [ "$code" -eq 2 ] && grep -q '^usage: ' "$folder/said" || fail "$bad: $code"
done
code=0
setup --mc "$folder/none.cf" 2>"$folder/said" || code=$?
[ "$code" -eq 2 ] && grep -q 'none.cf: No such file' "$folder/said" || fail "no file: $code"
echo 'milter_socket = "unix:/a b"' >"$config"
code=0
setup 2>"$folder/said" || code=$?
[ "$code" -eq 2 ] && grep -q 'unix:/a b: a .mc file' "$folder/said" || fail "a blank: $code"
echo ok
