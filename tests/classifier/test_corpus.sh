#!/bin/sh
# Scores the classifier on real replies where a corpus is at hand: $SUPPRESSD_CORPUS,
# or ../shared/corpus beside the source, with ../tools/score-replies next to it.
corpus=${SUPPRESSD_CORPUS:-${srcdir:-.}/../shared/corpus}
score=$corpus/../tools/score-replies
if ! test -f "$corpus/replies.tsv" || ! test -x "$score"; then
    echo "no corpus at $corpus (set SUPPRESSD_CORPUS): skipped"
    exit 77
fi
exec python3 "$score" --suppressctl ./suppressctl --corpus "$corpus" --misses
