# Shell functions for the tests that open a real window: sourced, never run. The script that sources this sets `name`, the start of
# its messages, and `log`, the file with what the program prints.

# on_display SIZE: a virtual display of that size, as DISPLAY. The server chooses its number itself, so that two never meet. No
# D-Bus goes with it, so that no desktop service answers for the user's.
on_display() {
    local number
    number=$(mktemp)
    Xvfb -displayfd 1 -screen 0 "${1}x24" -nolisten tcp -noreset >"$number" 2>/dev/null &
    server=$!
    disown
    for _ in $(seq 100); do
        [[ -s $number ]] && break
        sleep 0.1
    done
    DISPLAY=:$(cat "$number")
    rm "$number"
    [[ $DISPLAY != : ]] || { echo "$name: Xvfb gives no display" >&2 && exit 1; }
    export DISPLAY
    unset DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY
}
# For a trap: ends what was started.
end_all() { kill -KILL ${pid:-} ${server:-} 2>/dev/null || true; }

# start PROGRAM ARGUMENT...: starts it with a scratch folder instead of the user's home and settings, and sets `pid`.
start() {
    mkdir -p "$home/bin" "$home/data" "$home/run"
    chmod 700 "$home/run"
    env HOME="$home" XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_RUNTIME_DIR="$home/run" \
        PATH="$home/bin:$PATH" LIBGL_ALWAYS_SOFTWARE=1 "$@" >"$log" 2>&1 &
    pid=$!
}

fail() {
    echo "$name: $*" >&2
    import -window root "$pictures/failed.png" || true
    echo '--- what the program printed:' >&2
    cat "$log" >&2
    exit 1
}
alive() { kill -0 "$pid" 2>/dev/null || fail 'the program ended by itself'; }
picture() { import -window root "$pictures/$1.png"; }
colours() { identify -format '%k' "$pictures/$1.png"; }
# How many pixels differ between two pictures.
differing() {
    local pixels
    pixels=$(compare -metric AE "$pictures/$1.png" "$pictures/$2.png" null: 2>&1 || true)
    # From a million on it is written as 1.024e+06.
    [[ $pixels =~ ^[0-9.]+(e\+[0-9]+)? ]] || fail "two pictures cannot be compared: $pixels"
    printf '%.0f\n' "${BASH_REMATCH[0]}"
}

# wait_for WORDS COMMAND...: until the command says yes; after half a minute it fails with the words.
wait_for() {
    local words=$1 end=$((SECONDS + 30))
    shift
    until "$@"; do
        alive
        ((SECONDS < end)) || fail "waited in vain: $words"
        sleep 0.2
    done
}

# settled NAME: takes pictures until two that follow each other are equal.
settled() {
    picture "$1"
    wait_for 'the window does not come to rest' same_again "$1"
}
same_again() {
    mv "$pictures/$1.png" "$pictures/$1-before.png"
    picture "$1"
    local changed
    changed=$(differing "$1" "$1-before")
    rm "$pictures/$1-before.png"
    ((changed == 0))
}

# reacted NAME BEFORE PIXELS: waits until at least so many pixels differ from an earlier picture, and takes a settled one.
reacted() {
    wait_for "nothing new after $2" differs "$@"
    settled "$1"
}
differs() {
    picture "$1"
    (($(differing "$1" "$2") >= $3))
}

# A loaded machine drops steps that follow each other faster.
press() {
    local key
    for key in "$@"; do
        xdotool key "$key"
        sleep 0.4
    done
}
write() { xdotool type --delay 80 "$1" && sleep 0.4; }
point() { xdotool mousemove "$1" "$2" && sleep 0.3; }
click() { point "$1" "$2" && xdotool click 1 && sleep 0.3; }
# drag X Y X Y: from the first place to the second.
drag() {
    point "$1" "$2"
    xdotool mousedown 1
    sleep 0.3
    point $((($1 + $3) / 2)) $((($2 + $4) / 2))
    point "$3" "$4"
    xdotool mouseup 1
    sleep 0.3
}

# Waits for the window and sets `window`. Without a window manager nobody else places it or gives it the keyboard.
find_window() {
    wait_for 'no window with poolscope in its title' has_window
    xdotool windowmove "$window" 0 0 windowfocus "$window"
}
has_window() {
    window=$(xdotool search --onlyvisible --name poolscope 2>/dev/null | head -n 1 || true)
    [[ -n $window ]]
}
# An empty panel has a handful of colours; text, curves and a table have many more.
colourful() {
    picture "$1"
    (($(colours "$1") >= 64))
}

# Ends the program and sets `code`. 143: ended by the signal; 0: heard it and left. Anything else is a crash.
end_program() {
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    [[ $code -eq 143 || $code -eq 0 ]] || fail "exit code $code after SIGTERM"
    if grep -q 'panicked at' "$log"; then fail 'a thread panicked'; fi
}
