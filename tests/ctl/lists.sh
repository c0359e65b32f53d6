#!/bin/sh
# suppressctl import, export and scrub, format by format. No daemon runs here.
folder=$(mktemp -d "${TMPDIR:-/tmp}/suppressd-lists-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
ctl=${SUPPRESSCTL:-./suppressctl}
printf 'database = "%s/s.db"\ncontrol_socket = "%s/none.sock"\n' "$folder" "$folder" >"$folder/conf"
run() { "$ctl" -c "$folder/conf" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }
empty() { rm -f "$folder"/s.db*; }
suppressed() { run list 2>/dev/null | cut -f1,2,6 | tr '\t\n' ' ;'; }

# FORMAT EXIT "who reason stream;..." : the list on standard input, its format found out ("-") or named.
reads() {
    empty
    cat >"$folder/in"
    if [ "$1" = - ]; then run import "$folder/in" >"$folder/out" 2>&1; else
        run import --format "$1" "$folder/in" >"$folder/out" 2>&1
    fi
    code=$?
    [ $code -eq "$2" ] || fail "import $1: exit code $code: $(cat "$folder/in" "$folder/out")"
    [ "$(suppressed)" = "$3" ] || fail "import $1: $(suppressed), not $3: $(cat "$folder/in" "$folder/out")"
}
said() { grep -q -e "$1" "$folder/out" || fail "it did not say '$1': $(cat "$folder/out")"; }

reads - 0 'a@x.example recipient-suppressed -;b@x.example complaint -;' <<'END'
{"SuppressedDestinationSummaries": [
  {"EmailAddress": "A@x.example", "Reason": "BOUNCE", "LastUpdateTime": 1586376000.0},
  {"EmailAddress": "b@x.example", "Reason": "COMPLAINT", "LastUpdateTime": "2020-04-10T21:03:05+00:00"}],
 "NextToken": "[{\"x\""}
{"SuppressedDestinationSummaries": []}
END
run show a@x.example | grep -q "import $folder/in .*: listed 1586376000" || fail "the note: $(run show a@x.example)"
reads - 1 'b@x.example recipient-suppressed -;' <<'END'
{"SuppressedDestinationSummaries": [{"EmailAddress": "a@x.example", "Reason": "WEATHER", "LastUpdateTime": 1},
{"EmailAddress": "b@x.example", "Reason": "BOUNCE", "LastUpdateTime": 1}]}
END
said "$folder/in: line 1: the reason 'WEATHER' is none of ses's"
# SendGrid: blocks look like bounces, so each must be proved; one bad entry costs itself.
cat >"$folder/sendgrid" <<'END'
[{"created":1,"email":"dead@x.example","reason":"550 5.1.1 User unknown","status":"5.1.1"},
 {"created":1,"email":"blocked@x.example","reason":"550 5.7.1 Client host [203.0.113.1] blocked using zen.spamhaus.org","status":"5.7.1"},
 {"created":1,"email":"full@x.example","reason":"452 4.2.2 mailbox full","status":"4.2.2"},
 {"created":1,"email":"vague@x.example","reason":"550","status":""},
 {"created":1,"email":"nobody","reason":"550 5.1.1 User unknown","status":"5.1.1"}, 7, {oops},
 {"created":1,"email":"last@x.example","reason":"550 5.1.1 User unknown","status":"5.1.1"}]
END
reads - 1 'dead@x.example no-such-user -;last@x.example no-such-user -;' <"$folder/sendgrid"
said '6 entries: 2 suppressed, 0 were already, 3 not the recipient.s fault for good, 0 over, 3 bad'
said "line 5: 'nobody': address has no @"
reads sendgrid-bounces 1 'dead@x.example no-such-user -;last@x.example no-such-user -;vague@x.example recipient-suppressed -;' \
    <"$folder/sendgrid"
reads sendgrid-blocks 1 '' <"$folder/sendgrid"
reads - 0 'a@x.example complaint -;' <<'END'
[{"created": 1443651141, "email": "a@x.example", "ip": "192.0.2.1"}]
END
reads - 0 'a@x.example opt-out -;' <<'END'
[{"created": 1443651141, "email": "a@x.example"}]
END
printf 'status,reason,email,created\r\n5.1.1,"550 5.1.1 no such user, sorry",a@x.example,1443651141\r\n' |
    reads - 0 'a@x.example no-such-user -;' || exit 1
printf 'email,created\na@x.example,1443651141' | reads - 0 'a@x.example opt-out -;' || exit 1
# Mailgun: tags are streams.
reads - 1 'a@x.example no-such-user -;' <<'END'
{"items": [{"address": "a@x.example", "code": "550", "error": "No such mailbox", "created_at": "Mon, 06 May 2024 18:11:58 UTC"},
 {"address": "b@x.example", "code": "554", "error": "5.7.1 Message rejected as spam", "created_at": "Mon, 06 May 2024 18:11:58 UTC"}],
 "paging": {"next": "https://x.example/?a={[", "last": "y"}}
END
reads - 0 'a@x.example complaint -;' <<'END'
{"items": [{"address": "a@x.example", "created_at": "Mon, 06 May 2024 18:11:58 UTC"}], "paging": {}}
END
reads - 0 'a@x.example opt-out news;a@x.example opt-out some tag;b@x.example opt-out -;' <<'END'
{"items": [{"address": "a@x.example", "tags": ["some tag", "news"], "created_at": "Fri, 18 Oct 2024 18:28:14 UTC"},
 {"address": "b@x.example", "tags": ["x", "*"], "created_at": "Fri, 18 Oct 2024 18:28:14 UTC"}]}
END
printf 'address,tags,created_at\na@x.example,*,"Fri, 18 Oct 2024 18:28:14 UTC"\n' | reads - 0 'a@x.example opt-out -;' || exit 1
reads - 0 'a@x.example opt-out -;b@x.example recipient-suppressed -;c@x.example complaint -;d@x.example recipient-suppressed -;' <<'END'
{"Suppressions":[{"EmailAddress":"a@x.example","SuppressionReason":"ManualSuppression","Origin":"Recipient","CreatedAt":"2019-12-17T08:58:33-05:00"},
{"EmailAddress":"b@x.example","SuppressionReason":"HardBounce","Origin":"Recipient","CreatedAt":"2019-12-17T08:58:33-05:00"},
{"EmailAddress":"c@x.example","SuppressionReason":"SpamComplaint","Origin":"Recipient","CreatedAt":"2019-12-17T08:58:33-05:00"},
{"EmailAddress":"d@x.example","SuppressionReason":"ManualSuppression","Origin":"Customer","CreatedAt":"2019-12-17T08:58:33-05:00"}]}
END
reads - 1 'a@x.example no-such-user -;c@x.example opt-out -;' <<'END'
{"results":[{"recipient":"a@x.example","type":"transactional","source":"Bounce Rule","description":"550 5.1.1 user unknown"},
{"recipient":"b@x.example","type":"transactional","source":"Bounce Rule","description":"550 5.7.26 DMARC policy failed"},
{"recipient":"c@x.example","type":"non_transactional","source":"Unsubscribe Link","description":""}],"links":[],"total_count":3}
END
printf 'recipient,type\na@x.example,transactional\n' | reads - 0 'a@x.example recipient-suppressed -;' || exit 1
printf 'Email Address,First Name,MEMBER_RATING,CLEAN_TIME\na@x.example,"Ann ""A""",2,2024-01-02 03:04:05\n' |
    reads - 0 'a@x.example recipient-suppressed -;' || exit 1
printf 'Email Address,MEMBER_RATING,UNSUB_TIME\na@x.example,2,2024-01-02 03:04:05\n' | reads - 0 'a@x.example opt-out -;' || exit 1
printf 'Email Address,MEMBER_RATING,OPTIN_TIME\na@x.example,2,2024-01-02 03:04:05\n' | reads - 2 '' || exit 1
# Our own: a domain, a time that is over, a reason that is the sender's fault, one that is none.
printf 'recipient,reason,stream,until,origin\n@x.example,no-such-domain,,,automatic\na@y.example,mailbox-full,news,2099-01-02T03:04:05Z,automatic\nb@y.example,complaint,,2001-01-01,manual\nc@y.example,spam-content,,,automatic\nd@y.example,policy,,,manual\ne@y.example,hunger,,,\nf@y.example,,,soon,\n' |
    reads - 1 '@x.example no-such-domain -;a@y.example mailbox-full news;d@y.example policy -;' || exit 1
printf 'a@x.example\nb@x.example' | reads - 0 'a@x.example recipient-suppressed -;b@x.example recipient-suppressed -;' || exit 1
printf '{"recipient":"a@x.example","reason":"opt-out"}\nnot json\n{"recipient":"b@x.example"}' |
    reads - 1 'a@x.example opt-out -;b@x.example recipient-suppressed -;' || exit 1
printf '{"items":[{"address":"a@x.example","tags":["*"]}' | reads - 1 'a@x.example opt-out -;' || exit 1
printf '\377\376a\0' | reads - 2 '' || exit 1
printf '[' | reads - 1 '' || exit 1
: | reads - 0 '' || exit 1
reads nonsense 2 '' </dev/null

# What one database writes another reads, and writes again as it was; a second time nothing is new.
original() {
    empty
    run add --reason no-such-user joe@x.example '"odd, quoted"@x.example' @dead.example >/dev/null
    run add --reason complaint --note 'he "said", so' ann@x.example >/dev/null
    run add --reason opt-out --stream news bob@x.example >/dev/null
    run add --reason opt-out eve@x.example >/dev/null
    run add --reason mailbox-full --until 30d late@x.example >/dev/null
}
for format in csv ndjson ses sendgrid-bounces sendgrid-spam-reports sendgrid-unsubscribes mailgun-bounces \
    mailgun-complaints mailgun-unsubscribes postmark sparkpost mailchimp-cleaned mailchimp-unsubscribed; do
    for shape in '' --csv; do
        original
        # shellcheck disable=SC2086
        run export --format $format $shape >"$folder/one" 2>/dev/null
        [ $? -le 1 ] || fail "export $format"
        empty
        run import --format $format "$folder/one" >"$folder/out" || fail "import $format $shape: $(cat "$folder/one" "$folder/out")"
        case $(cat "$folder/out") in 0*) fail "$format: nothing to read" ;; esac
        # shellcheck disable=SC2086
        run export --format $format $shape >"$folder/two" || fail "export $format again"
        strip='s/20[0-9-]*T[0-9:]*Z//; s/[A-Z][a-z][a-z], [0-9]* [A-Z][a-z]* 20[0-9]* [0-9:]* UTC//; s/"\(since\|created\)":[0-9]*//; s/^1[0-9]\{9\}//; s/,1[0-9]\{9\},/,,/'
        if [ $format = csv ] || [ $format = ndjson ]; then strip="$strip; s/,[^,]*,automatic.*//; s/\(manual\).*/\1/"; fi
        sed "$strip" "$folder/one" >"$folder/1" && sed "$strip" "$folder/two" >"$folder/2"
        cmp "$folder/1" "$folder/2" || fail "$format $shape: $(diff "$folder/1" "$folder/2")"
        run import --format $format "$folder/one" | grep -q ': 0 suppressed' || fail "$format $shape twice"
    done
done
run export --format sendgrid-blocks 2>/dev/null && fail "blocks were written"
original
run export --vocabulary ses | grep -q 'joe@x.example.*Permanent/NoEmail' || fail "--vocabulary"
run export --reason complaint | grep -c @ | grep -qx 1 || fail "--reason"

# An import never shortens, and lengthens where it lasts longer.
empty
run add --until 2d a@x.example >/dev/null && run add b@x.example >/dev/null
printf 'recipient,until\na@x.example,\nb@x.example,2099-01-01\n' | run import - | grep -q '1 suppressed, 1 were already' || fail "length"
[ "$(run list | cut -f4 | tr '\n' ' ')" = '- - ' ] || fail "shortened: $(run list)"

# scrub: other columns byte for byte, the gate's own answers.
empty
run add --reason no-such-user joe@x.example @dead.example >/dev/null && run add --reason opt-out --stream news ann@x.example >/dev/null
printf 'Name;E-Mail ;x\r\n"J; ""J""";JOE@x.example;1\r\nAnn;<ann@x.example>;"two\nlines"\r\nD;d@dead.example;3\r\nBad;nobody;4\r\n"E";e@x.example;5' >"$folder/in"
run scrub --suppressed "$folder/out" <"$folder/in" >"$folder/clean" 2>"$folder/err"
[ $? -eq 1 ] || fail "scrub"
printf 'Name;E-Mail ;x\r\nAnn;<ann@x.example>;"two\nlines"\r\n"E";e@x.example;5' | cmp - "$folder/clean" || fail "clean"
grep -q 'line 6: address has no @' "$folder/err" && grep -q '^5 rows: 2 sendable, 2 suppressed (2 no-such-user), 1 bad' "$folder/err" ||
    fail "$(cat "$folder/err")"
sed 's/20[0-9-]* [0-9:]* UTC//' "$folder/out" | tr -d '\r' >"$folder/2"
printf 'Name;E-Mail ;x;suppressed_reason;suppressed_since\n"J; ""J""";JOE@x.example;1;no-such-user;\nD;d@dead.example;3;no-such-user;\nBad;nobody;4;malformed-address;\n' |
    cmp - "$folder/2" || fail "suppressed: $(cat "$folder/2")"
printf 'ann@x.example\nzoe@x.example\n' | run scrub --stream news 2>/dev/null | grep -qx zoe@x.example || fail "a line each"
printf 'ann@x.example\n' | run --json scrub --stream news 2>&1 | grep -q '"suppressed":1,"bad":0,"reasons":{"opt-out":1}' || fail "--json"
printf 'a,b\n1,2\n' | run scrub 2>/dev/null >/dev/null; [ $? -eq 2 ] || fail "no column"
printf '\357\273\277email\n' >"$folder/bom"
printf '\357\273\277email\njoe@x.example\n' | run scrub 2>/dev/null | cmp - "$folder/bom" || fail "byte order mark"
printf 'database = "%s/none.db"\n' "$folder" >"$folder/conf"
run scrub </dev/null 2>/dev/null; [ $? -eq 3 ] || fail "no database"
exit 0
