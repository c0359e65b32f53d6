#!/bin/sh
# Every page is formatted without a complaint and has its lists.
# 77 tells automake "skipped".
command -v man >/dev/null || { echo "no man here"; exit 77; }
code=0
for page in man/suppressctl.1 man/suppressd.8 man/suppressd.conf.5 man/suppressd-rules.5; do
    # Lines that hold a builder's long folder names cannot be filled; that is no fault.
    said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=all -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null |
        grep -vE "cannot adjust line|can't break line|cannot break line")
    [ -z "$said" ] || { echo "$page: $said"; code=1; }
    if grep -n '@[A-Za-z]*@' "$page"; then echo "$page: not filled in"; code=1; fi
    command -v mandoc >/dev/null || continue
    said=$(mandoc -T lint -W warning "$page" | grep -v 'missing date')
    [ -z "$said" ] || { echo "$page: $said"; code=1; }
done
grep -q '^\.B gate_mode' man/suppressd.conf.5 && grep -q '^\.TP' man/suppressctl.1 &&
    grep -q '^\.B no-such-user' man/suppressd-rules.5 || { echo "a list is missing"; code=1; }
# What the section on limits names are settings and counters.
for name in $(sed -n '/^\.SH LIMITS/,/^\.SH [^L]/s/^\.BR "\([a-z_, ]*\)" .*/\1/p' man/suppressd.8 | tr , ' '); do
    grep -qx "\.B $name" man/suppressd.conf.5 || { echo "limits: there is no setting $name"; code=1; }
done
for name in $(sed -n '/^\.SH LIMITS/,/^\.SH [^L]/s/.*(counted as \([a-z_, ]*\)).*/\1/p' man/suppressd.8 | tr , ' '); do
    grep -q "{\"$name\"," "${srcdir:-.}/daemon/counters.c" || { echo "limits: there is no counter $name"; code=1; }
done
exit $code
