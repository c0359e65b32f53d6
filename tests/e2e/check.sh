#!/bin/sh
# The end-to-end suite as one test of `make check`. 77 tells automake that it was skipped.
skip()
{
    echo "skipped: $*"
    exit 77
}

PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip "a private Postfix needs root"
command -v postfix >/dev/null || skip "Postfix is not installed (apt-get install postfix)"
[ -n "$PYTHON" ] || skip "no Python with pytest (apt-get install python3-pytest)"
exec "$PYTHON" -B -m pytest -p no:cacheprovider --tb=short -rfEs --durations=5 \
    "${srcdir:-.}/tests/e2e"
