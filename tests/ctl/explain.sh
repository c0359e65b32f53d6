#!/bin/sh
# suppressctl explain: the verdict in words, with what the caller knows of the server.
ctl=${SUPPRESSCTL:-./suppressctl}
code=0

# expect TEXT ARGUMENT...
expect() {
    text=$1
    shift
    said=$("$ctl" explain "$@" 2>&1)
    printf '%s\n' "$said" | grep -qF -- "$text" || { echo "FAIL: $*: no '$text' in: $said"; code=1; }
}

expect 'reason    no-such-user (permanent)' '550 5.1.1 User unknown'
expect "fault     the recipient's address" '550 5.1.1 User unknown'
expect 'suppress  the address is suppressed at once' 550 5.1.1 User unknown
expect 'suppress  the address stays in use' '550 5.7.1 Blocked'
expect 'suppress  nothing yet: the failure is temporary' '450 4.1.1 User unknown'
expect 'to do     The server calls this temporary: try again later.' '450 4.1.1 User unknown'
expect 'rule      none; the status 5.1.1 decides' '550 5.1.1'
expect 'rule      none' '550'
expect 'provider  google' --mta gmail-smtp-in.l.google.com '550 no'
expect 'reason    mailbox-full' --status 5.2.2 'cannot deliver'
expect 'see       https://' '550 5.1.1 The email account that you tried to reach does not exist'
expect 'which reply?' --mta
"$ctl" --json explain '550 5.1.1 User unknown' | grep -q '"todo":"Stop sending' || { echo "FAIL: --json"; code=1; }
exit $code
