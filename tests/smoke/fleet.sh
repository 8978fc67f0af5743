#!/usr/bin/env bash
# Three hundred made-up hosts in three nights: `fleet.sh PROGRAM [HOSTS [NIGHTS [ALLOCATIONS]]]` writes their traces, exports them, stops
# an export in its middle and continues it, and asks all ready questions: DuckDB alone, `PROGRAM fleet` through DuckDB in Python and as a
# program, and Apache Spark in local mode. The rows have to be the same, and the planted leak has to be found. It prints times, sizes and
# memory.
#
# DuckDB and Spark come from PyPI into target/smoke/fleet/venv; Spark needs Java 17. What is missing is said and left out, and counted
# where .ci/run counts. The traces and the dataset are removed at the end; FLEET_SCRATCH names another folder for them.
set -euo pipefail
program=$(realpath "$1")
hosts=${2:-300} nights=${3:-3} allocations=${4:-6000}
cd "$(dirname "$0")/../.."
place=$PWD/target/smoke/fleet
mkdir -p "$place"
scratch=$(mktemp -d -p "${FLEET_SCRATCH:-$place}")
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "fleet: $*" >&2
    exit 1
}
skipped() {
    echo "fleet: SKIPPED, $*"
    [[ -z ${POOLSCOPE_SKIPPED:-} ]] || echo "SKIPPED: fleet: $*" >>"$POOLSCOPE_SKIPPED"
}
load() { echo "load average $(cut -d' ' -f1-3 /proc/loadavg)"; }
# measured WORDS COMMAND...: runs it; prints wall and CPU seconds and the largest resident set.
measured() {
    local words=$1
    shift
    python3 - "$words" "$@" <<'PYTHON'
import resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[2:])
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime
print(f"{sys.argv[1]}: {seconds:.1f} s, {cpu:.1f} s of CPU, {used.ru_maxrss / 1024:.0f} MB at most", flush=True)
sys.exit(done.returncode)
PYTHON
}

venv=$place/venv
if [[ ! -x $venv/bin/python ]]; then
    python3 -m venv "$venv" || fail 'python3 -m venv is missing'
fi
for package in duckdb duckdb-cli pyspark; do
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$package" || skipped "$package from PyPI"
done
mkdir -p "$scratch/program" "$scratch/python"
[[ ! -x $venv/bin/duckdb ]] || ln -s "$venv/bin/duckdb" "$scratch/program/duckdb"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$venv/bin/python" >"$scratch/python/python3"
chmod +x "$scratch/python/python3"

cargo build --quiet --release -p poolscope-synth --example fleet
target/release/examples/fleet "$scratch/traces" "$hosts" "$nights" "$allocations"
echo "$hosts hosts, $nights nights: $((hosts * nights)) traces, $(du -sm "$scratch/traces" | cut -f1) MB"

dataset=$scratch/dataset
# Stopped in its middle: nothing of a trace is there in part.
"$program" export "$scratch/traces" --to "$dataset/" --no-symbols >/dev/null 2>"$scratch/stopped.txt" &
pid=$!
until [[ $(find "$dataset/traces" -name '*.parquet' 2>/dev/null | wc -l) -ge 5 ]]; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
done
kill -KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
done_before=$(find "$dataset/traces" -name '*.parquet' | wc -l)
for trace in $(find "$dataset/traces" -name '*.parquet' -printf '%f\n'); do
    for table in allocations modules processes stacks suspects tags; do
        [[ -n $(find "$dataset/$table" -name "$trace") ]] || fail "$trace is done, and $table has nothing of it"
    done
done
echo "stopped after $done_before of $((hosts * nights)) traces; $(find "$dataset" -name '*.part' | wc -l) files in part, hidden"
load
measured "the rest exported" "$program" export "$scratch/traces" --to "$dataset/" --no-symbols
measured "nothing left to do" "$program" export "$scratch/traces" --to "$dataset/" --no-symbols
[[ -z $(find "$dataset" -name '*.part') ]] || fail 'files in part are left'
[[ $(find "$dataset/traces" -name '*.parquet' | wc -l) -eq $((hosts * nights)) ]] || fail 'traces are missing'
for table in "$dataset"/*/; do
    echo "$(basename "$table"): $(du -sk --apparent-size "$table" | cut -f1) KB"
done
measured "a light dataset exported" "$program" export "$scratch/traces" --to "$scratch/light/" --only suspects,tags --no-symbols
echo "the light dataset: $(du -sk --apparent-size "$scratch/light" | cut -f1) KB"

# ask ENGINE QUESTION [--param NAME=VALUE]...: the answer as JSON in a file.
ask() {
    local engine=$1 question=$2
    shift 2
    local answer=$scratch/$question.$engine.json
    case $engine in
    duckdb)
        local given=()
        for word in "$@"; do [[ $word == --param ]] || given+=("$word"); done
        "$venv/bin/python" tests/smoke/fleet_duckdb.py "$dataset" "assets/fleet/$question.sql" "${given[@]}" >"$answer"
        ;;
    spark)
        PYSPARK_PYTHON=$venv/bin/python "$venv/bin/spark-submit" --conf spark.ui.enabled=false assets/fleet/spark.py "$dataset" \
            "assets/fleet/$question.sql" "$@" --format json >"$answer" 2>"$scratch/spark.log" || fail "$(tail -20 "$scratch/spark.log")"
        ;;
    *) PATH=$scratch/$engine:/usr/bin:/bin "$program" fleet "$dataset" "$question" "$@" --format json >"$answer" ;;
    esac
}
engines=(duckdb python)
[[ -e $scratch/program/duckdb ]] && engines+=(program) || skipped 'the program duckdb'
command -v java >/dev/null && [[ -x $venv/bin/spark-submit ]] && engines+=(spark) || skipped 'Spark: it needs Java and pyspark'
questions=(
    'leaking-tags'
    'growth-by-driver-version'
    'hosts-off-the-norm --param min_size=100000'
    'first-night'
    'top-stacks --param tag=MyFl'
)
load
for question in "${questions[@]}"; do
    read -ra words <<<"$question"
    for engine in "${engines[@]}"; do
        began=$(date +%s%N)
        ask "$engine" "${words[@]}"
        echo "${words[0]} by $engine: $((($(date +%s%N) - began) / 1000000)) ms"
    done
done
python3 tests/smoke/fleet_answers.py "$scratch" "$hosts" "$nights" "${engines[@]}"

# Size and memory of one large trace.
"$program" synth "$scratch/large.etl" --allocations 1000000 --merged --stacks keyed 2>/dev/null
measured 'a trace of a million allocations exported' "$program" export "$scratch/large.etl" --to "$scratch/large/" --no-symbols
measured 'the same trace reported by stack' "$program" report "$scratch/large.etl" --no-symbols --format csv >"$scratch/report.csv"
tail -n 1 "$scratch/report.csv" | grep ' MB at most'
for table in "$scratch/large"/*/; do
    echo "$(basename "$table"): $(du -sk --apparent-size "$table" | cut -f1) KB"
done
load
