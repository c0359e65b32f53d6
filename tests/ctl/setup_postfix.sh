#!/bin/sh
# Runs the pytest cases of `suppressctl setup postfix`; 77 tells automake "skipped".
here=${srcdir:-.}/tests/ctl
python=${PYTHON:-python3}
PATH=$PATH:/usr/sbin
export PATH
command -v postconf >/dev/null || { echo "no Postfix here"; exit 77; }
$python -c 'import pytest' 2>/dev/null || { echo "no pytest here"; exit 77; }
CONF=${srcdir:-.}/conf
export CONF
SUPPRESSCTL=$PWD/suppressctl exec "$python" -B -m pytest -q -p no:cacheprovider \
    "$here/test_setup_postfix.py"
