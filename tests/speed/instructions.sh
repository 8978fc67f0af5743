#!/usr/bin/env bash
# Counts the instructions of the engine's hot loops under callgrind and compares them with the bounds in instructions.txt:
# `bash tests/speed/instructions.sh`. Counts hardly depend on the machine's load, unlike times. With --write the bounds are
# written anew, a quarter above what was counted: after a change that is worth its price, or that made a loop cheaper.
# Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/../.."
bounds=tests/speed/instructions.txt
write=0
[[ ${1:-} == --write ]] && write=1

command -v valgrind >/dev/null || { echo "valgrind is not installed: apt-get install valgrind" >&2; exit 2; }
cargo build --release --locked -p poolscope-speed --bin hot-loops
program=${CARGO_TARGET_DIR:-target}/release/hot-loops
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
records=$("$program" write "$folder/plain.etl")
"$program" write-compressed "$folder/compressed.etl" >/dev/null

# One thread: the same work in the same order. Of the memory's zeros the system is in charge.
export RAYON_NUM_THREADS=1
count() {
    valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$program" "$1" "$2" 2>"$folder/err" >/dev/null
    sed -n 's/^==[0-9]*== Collected : //p' "$folder/err"
}

printf '%-16s %12s %12s   instructions per record, of %s records\n' loop counted bound "$records"
failed=0
new=()
for loop in walk decompress load load-stacks report report-stacks; do
    trace=$folder/plain.etl
    [[ $loop == decompress ]] && trace=$folder/compressed.etl
    instructions=$(count "$loop" "$trace")
    [[ -n $instructions ]] || { cat "$folder/err" >&2; exit 2; }
    per_record=$((instructions / records))
    bound=$(sed -n "s/^$loop //p" "$bounds" 2>/dev/null || true)
    printf '%-16s %12s %12s\n' "$loop" "$per_record" "${bound:-none}"
    new+=("$loop $((per_record * 5 / 4))")
    if ((write == 0)) && { [[ -z $bound ]] || ((per_record > bound)); }; then failed=1; fi
done
if ((write == 1)); then
    printf '%s\n' "${new[@]}" >"$bounds"
    echo "written: $bounds"
elif ((failed == 1)); then
    echo "a loop takes more instructions than its bound in $bounds: make it cheaper, or write the bounds anew with --write" >&2
    exit 1
fi
