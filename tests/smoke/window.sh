#!/usr/bin/env bash
# Opens the window for real: `window.sh PROGRAM` starts `PROGRAM --demo` on a virtual display, waits for its window and for a picture
# in it, presses keys, looks whether they changed anything, and ends it. Fails when the program dies, shows nothing, or ignores
# the keys. The pictures stay in target/smoke/ for someone to look at.
set -euo pipefail
program=$(realpath "$1")

if [[ -z ${POOLSCOPE_SMOKE_DISPLAY:-} ]]; then
    export POOLSCOPE_SMOKE_DISPLAY=1
    exec xvfb-run -a -s '-screen 0 1280x800x24' bash "$0" "$program"
fi

cd "$(dirname "$0")/../.."
pictures=target/smoke
mkdir -p "$pictures"
home=$(mktemp -d)
log=$pictures/program.log

# Settings of whoever runs this are neither read nor written.
env HOME="$home" XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" LIBGL_ALWAYS_SOFTWARE=1 \
    "$program" --demo >"$log" 2>&1 &
pid=$!
trap 'kill -KILL $pid 2>/dev/null || true; rm -rf "$home"' EXIT

fail() {
    echo "smoke: $*" >&2
    import -window root "$pictures/failed.png" || true
    echo '--- what the program printed:' >&2
    cat "$log" >&2
    exit 1
}
alive() { kill -0 "$pid" 2>/dev/null || fail 'the program ended by itself'; }
picture() { import -window root "$pictures/$1.png"; }
colours() { identify -format '%k' "$pictures/$1.png"; }
differing() { compare -metric AE "$pictures/$1.png" "$pictures/$2.png" null: 2>&1 || true; }
press() {
    local key
    for key in "$@"; do
        xdotool key "$key"
        sleep 0.4 # a loaded machine drops steps that follow each other faster
    done
}

window=
for _ in $(seq 120); do
    alive
    window=$(xdotool search --onlyvisible --name poolscope 2>/dev/null | head -n 1 || true)
    [[ -n $window ]] && break
    sleep 0.5
done
[[ -n $window ]] || fail 'no window with poolscope in its title within a minute'
# Without a window manager nobody else places the window or gives it the keyboard.
xdotool windowmove "$window" 0 0 windowfocus "$window"

# An empty panel has a handful of colours; text, curves and a table have many more.
count=0
for _ in $(seq 60); do
    alive
    picture opened
    count=$(colours opened)
    ((count >= 64)) && break
    sleep 0.5
done
((count >= 64)) || fail "the window stays blank: $count colours"
sleep 2
picture opened

press Home Left Right Right Right Down
alive
picture keys
press Home Left
alive
picture collapsed
changed=$(differing keys collapsed)
[[ $changed =~ ^[0-9]+ ]] && ((BASH_REMATCH[0] > 200)) || fail "the keys changed nothing: $changed pixels"

kill -TERM "$pid"
code=0
wait "$pid" || code=$?
# 143: ended by the signal; 0: heard it and left. Anything else is a crash.
[[ $code -eq 143 || $code -eq 0 ]] || fail "exit code $code after SIGTERM"
if grep -q 'panicked at' "$log"; then fail 'a thread panicked'; fi
echo "smoke: window $window, $(colours opened) colours, $changed pixels changed by keys, exit code $code; pictures in $pictures/"
