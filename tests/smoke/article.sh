#!/usr/bin/env bash
# Walks the path of a pool-leak hunt in a real window: `article.sh PROGRAM` opens the sample trace by the file dialog, goes
# down AIFO, NonPaged, Leak and its stack to the allocation call, zooms, filters, finds and runs commands, and compares what the
# table copies with what `PROGRAM report` says. Pictures stay in target/smoke/article/.
#
# `article.sh PROGRAM --pictures FOLDER` walks less and writes the pictures of README.md there instead.
set -euo pipefail
program=$(realpath "$1")
name=article
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
[[ ${2:-} != --pictures ]] || to=$(realpath -m "${3:?a folder for the pictures}")

cd "$(dirname "$0")/../.."
pictures=target/smoke/article
mkdir -p "$pictures"
log=$pictures/program.log
scratch=$(mktemp -d)
trap 'end_all; rm -rf "$scratch"' EXIT
on_display 1280x720
trace=$scratch/sample.etl
"$program" synth --sample "$trace" 2>/dev/null
# The sample's clock, see `poolscope info`.
hz=10000000

# open_window THEME ARGUMENT...: a window of its own, with settings that hold nothing but the theme.
open_window() {
    local theme=$1
    shift
    home=$scratch/$theme
    settings=$home/data/poolscope/settings.json
    mkdir -p "$(dirname "$settings")" "$home/bin"
    echo "{ \"theme\": \"$theme\" }" >"$settings"
    # What the file dialog falls back to where no desktop service answers.
    printf '#!/bin/sh\necho "$*" >>"%s"\necho "%s"\n' "$home/asked" "$trace" \
        >"$home/bin/zenity"
    chmod +x "$home/bin/zenity"
    start "$program" "$@"
    find_window
    xdotool windowsize "$window" 1280 720
    rest
}
# The pointer where nothing shows a tip.
rest() { point 640 715; }
titled() { [[ $(xdotool getwindowname "$window") == "$1" ]]; }
asked() { grep -q -- --file-selection "$home/asked" 2>/dev/null; }

# --- what the program says: by the clipboard and by the settings that it keeps

clipboard() { timeout 5 xclip -selection clipboard -out 2>/dev/null || true; }
# Copies the selected rows and sets `copied` to the last of them, without its empty cells: name, count, size.
copy() {
    local end=$((SECONDS + 20)) text=
    echo nothing | xclip -selection clipboard -in >/dev/null 2>&1
    while :; do
        xdotool key ctrl+c
        sleep 0.3
        text=$(clipboard)
        [[ $text != nothing && -n $text ]] && break
        alive
        ((SECONDS < end)) || fail 'Ctrl+C copies nothing'
    done
    # A row has its whole path in the four key columns, in the last one the frames from the top: the row itself is the last of them.
    copied=$(tail -n 1 <<<"$text" | awk -F'\t' '{ for (i = 1; i <= 4; i++) if ($i != "") key = $i
        n = split(key, frames, ";"); printf "%s\t%s\t%s", frames[n], $5, $6 }')
}
copies() {
    copy
    [[ $copied == "$1" ]]
}
begins_with() {
    press Home
    copies "$1"
}
# The remembered view in ticks as FROM..TO, or "whole"; the program writes it down a moment after the last key.
view() {
    local found
    found=$(tr -d ' \n' <"$settings" | grep -o '"view":[^a-z]*[0-9]\]' | tr -dc '0-9,')
    [[ -n $found ]] && echo "${found/,/..}" || echo whole
}
view_is_not() { [[ $(view) != "$1" ]]; }
view_is() { [[ $(view) == "$1" ]]; }
filters() { tr -d ' \n' <"$settings" | grep -q '"filter":\[{"to"'; }

# row_of TYPE TICKS: count and size of nonpaged Leak in a range of ticks, as the window writes them.
row_of() {
    local range
    range=$(awk -v "r=$2" -v "hz=$hz" 'BEGIN { split(r, t, /\.\./); printf "%.7f..%.7f", t[1] / hz, t[2] / hz }')
    "$program" report "$trace" --by type,paged,tag --range "$range" --format json |
        sed -n "s/.*\"type\":\"$1\",\"paged\":\"NonPaged\",\"tag\":\"Leak\",\"count\":\([0-9]*\),\"size\":\([0-9]*\),.*/\1 \2/p" |
        awk '{ for (n = $1; n >= 1000; n = int(n / 1000)) tail = sprintf(",%03d", n % 1000) tail
               mb = $2 / 1048576; printf(mb < 9.995 ? "%s%s\t%.2f MB" : "%s%s\t%.1f MB", n, tail, mb) }'
}

# --- the way through the window

# Down the largest children from AIFO to the allocation call; sets `call` to its name.
walk_down() {
    press Home
    copy
    # Sorted by size, another type may stand first: what is typed goes to the row that starts so.
    if [[ $copied != AIFO* ]]; then
        write aifo
        copy
    fi
    [[ $copied == AIFO$'\t'* ]] || fail "no way to AIFO: $copied"
    local before= way=
    for _ in 1 2 3; do
        way+="${copied%%$'\t'*} "
        press Right
        copy
    done
    [[ "$way${copied%%$'\t'*}" == 'AIFO NonPaged Leak [Root]' ]] || fail "the way down is $way${copied%%$'\t'*}"
    while [[ $copied != "$before" ]]; do
        before=$copied
        xdotool key --delay 150 Right Right Right Right Right Right
        copy
    done
    call=${copied%%$'\t'*}
    [[ $call == 'ntoskrnl.exe!ExAllocatePoolWithTag'* ]] || fail "the way down ends at $call"
}

open_by_dialog() {
    titled poolscope || fail 'the window does not start empty'
    press ctrl+o
    wait_for 'Ctrl+O asks nobody for a file' asked
    wait_for 'the trace does not open' titled 'sample.etl - poolscope'
    settled opened
}

# Ctrl+Shift+C copies the whole stack, from the allocation call outwards.
check_stack() {
    press ctrl+shift+c
    wait_for 'Ctrl+Shift+C copies no stack' stack_copied
}
stack_copied() {
    local stack
    stack=$(clipboard)
    # Source lines may follow the frames.
    [[ $stack == "$call"*$'\n'myfault.sys* && $(tail -n 1 <<<"$stack") == ntdll.dll* ]]
}

# The plot's edges in a window of 1280x720 with both side panels.
left=285 right=831 middle=180
# Selects the middle third of the plot and takes the picture NAME. A very busy machine may lose a step of the mouse: then once more.
drag_middle_third() {
    local third=$(((right - left) / 3)) try
    settled before_drag
    for try in 1 2 3; do
        drag $((left + third)) $middle $((right - third)) $middle
        rest
        settled "$1"
        # The shade alone is more.
        (($(differing "$1" before_drag) < 20000)) || return 0
    done
    fail "the drag selects nothing, $try times"
}

# Into the middle third and into the exact middle half: the figures of the row under the cursor are those of the report.
check_zoom() {
    local whole half third
    drag_middle_third selected
    press ctrl+period
    wait_for 'Ctrl+. does not zoom' view_is_not whole
    third=$(view)
    awk -v "r=$third" -v "hz=$hz" 'BEGIN { split(r, t, /\.\./); end = 61.167 * hz
        exit !(t[1] > end * 0.31 && t[1] < end * 0.36 && t[2] > end * 0.64 && t[2] < end * 0.69) }' ||
        fail "the middle third is not at $third ticks"
    settled zoomed
    # A click on a row, then the whole way again: the keys are the table's again.
    click 560 560
    rest
    walk_down
    [[ $copied == "$call"$'\t'"$(row_of AIFO "$third")" ]] || fail "in the third: $copied, not $(row_of AIFO "$third")"
    press ctrl+shift+period
    wait_for 'Ctrl+Shift+. does not show everything' view_is whole
    whole=$(row_of AIFO "0..611674634")
    wait_for "the whole trace has other figures than $whole" copies "$call"$'\t'"$whole"
    press ctrl+equal
    wait_for 'Ctrl+= does not zoom' view_is_not whole
    half=$(view)
    [[ $half == 15291865[89]..45875597[567] ]] || fail "the middle half is not at $half ticks"
    wait_for 'the middle half has other figures' copies "$call"$'\t'"$(row_of AIFO "$half")"
    echo "$name: $call has $whole; in the middle half $(row_of AIFO "$half"); in the third $(row_of AIFO "$third")"
    press ctrl+shift+period
    wait_for 'Ctrl+Shift+. does not show everything' view_is whole
}

# To the selection and back: the first row is another one, then the same again.
check_filter() {
    local first
    press Home
    copy
    first=$copied
    walk_down
    press ctrl+Return
    wait_for 'Ctrl+Enter does not filter' filters
    press Home
    wait_for 'the filter leaves other rows' copies "AIFO"$'\t'"$(row_of AIFO "0..611674634")"
    settled filtered
    press ctrl+z
    wait_for 'Ctrl+Z does not bring the rows back' begins_with "$first"
}

check_find() {
    press Home
    settled before_find
    press ctrl+f
    reacted find_bar before_find 1000
    write myfault.sys
    press Return Escape
    copy
    [[ $copied == myfault.sys* ]] || fail "found $copied instead of myfault.sys"
    settled found
}

# A command by its name, and the list of keys.
check_commands() {
    press ctrl+equal
    wait_for 'Ctrl+= does not zoom' view_is_not whole
    settled before_palette
    press ctrl+k
    reacted palette before_palette 100000
    write 'zoom whole'
    press Return
    wait_for 'the palette does not run the command' view_is whole
    settled before_keys
    press F1
    reacted keys before_keys 100000
    press Escape
    reacted after_keys keys 100000
}

walk_all() {
    open_window light
    open_by_dialog
    walk_down
    check_stack
    settled stack
    check_zoom
    check_filter
    check_find
    check_commands
    end_program
    echo "$name: all of the way, exit code $code, $SECONDS s; pictures in $pictures/"
}

# --- the pictures of README.md

# keep NAME: the picture as it is now, small.
keep() {
    rest
    settled "$1"
    convert "$pictures/$1.png" -strip +dither -colors 255 "PNG8:$to/$1.png"
}

write_pictures() {
    mkdir -p "$to"
    open_window light "$trace"
    wait_for 'the trace does not open' titled 'sample.etl - poolscope'
    settled opened
    drag_middle_third selected
    keep selected
    end_program
    open_window dark "$trace"
    wait_for 'the trace does not open' titled 'sample.etl - poolscope'
    settled opened
    drag_middle_third selected
    press ctrl+period
    wait_for 'Ctrl+. does not zoom' view_is_not whole
    click 560 560
    walk_down
    # Until the words about copying are gone.
    sleep 8
    keep zoomed
    press ctrl+shift+l
    sleep 2
    keep suspects
    press ctrl+shift+i
    wait_for 'no flame graph' colourful flame
    point 640 500
    sleep 1
    settled flame
    keep flame
    listings
    keep growers
    end_program
}

# Two listings of poolmon, an hour apart, pasted into the recording page.
listings() {
    local allocs
    press ctrl+r
    sleep 1
    click 664 74
    for allocs in 4000 19307; do
        poolmon_screen "$allocs" | xclip -selection clipboard -i
        click 800 108
        press ctrl+v
        sleep 1
    done
    settled growers
}
# poolmon_screen BLOCKS: what poolmon prints when the tag Leak holds so many blocks of 2064 bytes.
poolmon_screen() {
    cat <<SCREEN
 Memory:16776756K Avail: 9123456K  PageFlts:  1234   InRam Krnl:12345K P:654321K
 Commit:12345678K Limit:19398196K Peak:13456789K            Pool N:  38000K P:  9000K
 System pool information
 Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc

 Leak Nonp $1 (   0)          0 (   0)  $1 $(($1 * 2064)) (      0)     2064
 Ntff Paged    1746581 (  110)    1743110 (  108)       3471    7164144 (   2064)     2064
 File Nonp     $((2600000 + $1)) (  126)    $((2596502 + $1)) (  124)       3498    1119360 (    640)      320
 MmSt Paged      91250 (    9)      91020 (    9)        230     662400 (      0)     2880
 Thre Nonp      $((41000 + $1 / 10)) (    1)      $((40312 + $1 / 20)) (    1)   $((688 + $1 / 10 - $1 / 20))  $(((688 + $1 / 10 - $1 / 20) * 1488)) (      0)     1488
 EtwB Nonp        5120 (    0)       4987 (    0)        133    1089536 (      0)     8192
 Irp  Nonp     9120334 (  803)    9119310 (  803)       1024     524288 (      0)      512
 Toke Paged      22310 (    0)      21940 (    0)        370     757760 (      0)     2048
SCREEN
}

if [[ -n ${to:-} ]]; then write_pictures; else walk_all; fi
