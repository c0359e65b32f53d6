#!/bin/sh
# The committed page of questions is what the program would print today.
"${SUPPRESSCTL:-./suppressctl}" explain --questions | diff -u "${srcdir:-.}/doc/questions.md" - && exit 0
echo "stale: ./suppressctl explain --questions >doc/questions.md"
exit 1
