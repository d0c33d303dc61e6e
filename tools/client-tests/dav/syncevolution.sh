#!/usr/bin/env bash
# SyncEvolution at an address book (URL, USER, PASSWORD): imports two cards, lists, exports, sees a change by another client,
# deletes. Runs inside dbus-run-session with a HOME of its own; CLIENTS_PYTHON runs cards.py.
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
se() { timeout 60 syncevolution --daemon=no "$@" backend=carddav database="$URL" username="$USER" password="$PASSWORD"; }
card() { printf 'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:se-%s\r\nFN:Jürgen %s\r\nN:%s;Jürgen;;;\r\nTEL;TYPE=CELL:+49 1\r\nEND:VCARD\r\n' "$1" "$1" "$1"; }
{ card one; echo; card two; } >"$HOME/in.vcf" # an empty line between two
[ -z "$(se --print-items)" ]
se --import "$HOME/in.vcf"
[ "$(se --print-items | wc -l)" = 2 ]
[ "$(se --export - | grep -c '^FN:Jürgen')" = 2 ]
"$CLIENTS_PYTHON" "$tests/cards.py" rename se-one 'Jürgen Three'
se --export - | grep -q '^FN:Jürgen Three'
timeout 60 syncevolution --daemon=no --delete-items backend=carddav database="$URL" username="$USER" password="$PASSWORD" '' '' '*'
[ -z "$(se --print-items)" ]
echo 'imported, listed, exported, a change seen, deleted'
