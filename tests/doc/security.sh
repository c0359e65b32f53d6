#!/bin/sh
# Every test that SECURITY.md names is there: `path` or `path::function`, below tests/.
set -eu
here=${srcdir:-.}
count=0
for named in $(grep -o '`[a-z0-9_/]*\.\(py\|c\|sh\)\(::[a-z_0-9]*\)\{0,1\}`' "$here/SECURITY.md" | tr -d '`' | grep /); do
    case $named in tests/*) named=${named#tests/} ;; esac
    file=$here/tests/${named%%::*}
    [ -f "$file" ] || { echo "SECURITY.md names $named: there is no $file"; exit 1; }
    case $named in
    *::*) grep -Eq "(^def |^int |START_TEST\()${named#*::}\(?" "$file" ||
        { echo "SECURITY.md names $named: $file has no such test"; exit 1; } ;;
    esac
    count=$((count + 1))
done
echo "$count tests are named, and there"
[ "$count" -ge 50 ]
