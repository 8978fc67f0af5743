#!/usr/bin/env bash
# Opens the window for real: `window.sh PROGRAM` starts `PROGRAM --demo` on a virtual display, waits for its window and for a picture
# in it, presses keys, looks whether they changed anything, and ends it. Fails when the program dies, shows nothing, or ignores
# the keys. The pictures stay in target/smoke/ for someone to look at.
set -euo pipefail
program=$(realpath "$1")
name=smoke
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"

cd "$(dirname "$0")/../.."
pictures=target/smoke
mkdir -p "$pictures"
home=$(mktemp -d)
trap 'end_all; rm -rf "$home"' EXIT
log=$pictures/program.log
on_display 1280x800
start "$program" --demo

find_window
# Away from everything that would show a tip.
point 640 795
wait_for 'the window stays blank' colourful opened
settled opened

press Home Left Right Right Right Down
alive
reacted keys opened 200
press Home Left
alive
reacted collapsed keys 200
changed=$(differing keys collapsed)

end_program
echo "$name: window $window, $(colours opened) colours, $changed pixels changed by keys, exit code $code; pictures in $pictures/"
