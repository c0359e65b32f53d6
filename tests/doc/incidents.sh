#!/bin/sh
# The committed page of incidents is what the simulation would print today.
"${SIMULATION:-./tests/daemon/ledger/test_incident_simulation}" --page | diff -u "${srcdir:-.}/doc/incidents.md" - && exit 0
echo "stale: ./tests/daemon/ledger/test_incident_simulation --page >doc/incidents.md"
exit 1
