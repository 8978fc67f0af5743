#!/usr/bin/env bash
# Compares the speed of two commits: `bash tests/speed/compare.sh [-n PAIRS] BASE [CHANGE] [-- BENCH…]`, where CHANGE is HEAD
# if it is omitted, and the benches are all of tests/speed. Both are built in worktrees of their own below target/, then their
# benches run in turn, so that a disturbance hits both. A row is printed as slower (or faster) if the median of the pairs'
# ratios is off by more than 3 % and by more than the pairs differ among each other. Exit code 1 if a row is slower.
set -euo pipefail
cd "$(dirname "$0")/../.."

pairs=5
[[ ${1:-} == -n ]] && { pairs=$2; shift 2; }
(($# > 0)) || { sed -n '2,5s/^# //p' "$0"; exit 2; }
base=$1
shift
change=HEAD
if (($# > 0)) && [[ $1 != -- ]]; then change=$1; shift; fi
[[ ${1:-} == -- ]] && shift
benches=("$@")
((${#benches[@]} > 0)) || benches=(load cliffs verdict memory)

root=$PWD/target/compare
mkdir -p "$root"
trees=()
remove_trees() {
    for tree in "${trees[@]}"; do git worktree remove --force "$tree"; done
}
trap remove_trees EXIT
# Fills the array programs with the benches of a commit.
build() {
    local commit tree
    commit=$(git rev-parse --verify "$1^{commit}")
    tree=$root/$commit
    if [[ ! -d $tree ]]; then
        git worktree add --quiet --detach "$tree" "$commit"
        trees+=("$tree")
    fi
    if [[ ! -d $tree/tests/speed ]]; then echo "$1 has no tests/speed" >&2; return 2; fi
    for bench in "${benches[@]}"; do
        CARGO_TARGET_DIR=$root/target-$2 cargo bench --quiet --locked --manifest-path "$tree/Cargo.toml" \
            -p poolscope-speed --bench "$bench" --no-run --message-format=json |
            grep '"target":{"kind":\["bench"\]' | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1 >"$root/$2-$bench"
        [[ -s $root/$2-$bench ]] || { echo "the bench $bench of $1 was not built" >&2; return 2; }
    done
}
build "$base" base
build "$change" change

results=$root/results.tsv
: >"$results"
for ((pair = 1; pair <= pairs; pair++)); do
    for bench in "${benches[@]}"; do
        # The first of a pair changes, too.
        order=(base change)
        ((pair % 2 == 0)) && order=(change base)
        for side in "${order[@]}"; do
            "$(cat "$root/$side-$bench")" --bench --tsv | sed "s/^/$side\t$pair\t/" >>"$results"
        done
    done
    echo "pair $pair of $pairs done" >&2
done

# CPU seconds or bytes of each row: the ratio of each pair, their median, and half of the distance between their quartiles.
awk -F '\t' '
    { key = $2 "\t" $3; if ($1 == "base") base[key] = $4; else change[key] = $4; if (!($3 in seen)) { seen[$3] = 1; rows[++count] = $3 } }
    function sort(values, n,   i, j, t) { for (i = 2; i <= n; i++) { t = values[i]; for (j = i - 1; j > 0 && values[j] > t; j--) values[j + 1] = values[j]; values[j + 1] = t } }
    END {
        printf "%-58s %9s %7s\n", "row (change / base)", "median", "+-"
        for (r = 1; r <= count; r++) {
            n = 0
            for (p = 1; p <= pairs; p++) { key = p "\t" rows[r]; if (base[key] > 0 && key in change) ratio[++n] = change[key] / base[key] }
            if (n == 0) continue
            sort(ratio, n)
            median = n % 2 ? ratio[(n + 1) / 2] : (ratio[n / 2] + ratio[n / 2 + 1]) / 2
            spread = (ratio[n - int(n / 4)] - ratio[1 + int(n / 4)]) / 2
            limit = spread > 0.03 ? spread : 0.03
            worse = median - 1
            word = worse > limit ? "SLOWER" : (-worse > limit ? "faster" : "")
            if (word == "SLOWER") slower++
            printf "%-58s %9.3f %7.3f  %s\n", rows[r], median, spread, word
        }
        printf "%d of %d rows are slower\n", slower, count
        exit slower > 0
    }' pairs="$pairs" "$results"
