#!/usr/bin/env bash
# Builds poolscope for Windows on Debian and runs it under wine: `windows.sh PROGRAM [PART...]`. PROGRAM is poolscope for this system,
# to compare with. The parts, all of them unless some are named:
#
#   check     that core and app compile for x86_64-pc-windows-gnu, without making programs; `windows.sh check` needs neither PROGRAM
#             nor wine nor a display; not among all of them
#   build     the programs and all tests for x86_64-pc-windows-gnu, with the standard library from source
#   files     what is in the programs: console or none, icon, version, manifest
#   tests     the tests of core and app, and of the suite what is about Windows
#   commands  the command line: the same bytes as PROGRAM, exit codes, long, UNC and Unicode paths, %VAR% in symbol paths
#   offer     poolscope for .etl files: registered, read back from the registry, unregistered
#   window    the window with the sample: driven by keys and mouse, photographed in light and dark, closed
#
# Everything it makes stays in target/windows/, so that a second run is short; pictures are in target/smoke/windows/. Without the
# packages below it says so and does nothing. `--install` as the first argument installs them.
set -euo pipefail
name=windows
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"

# Says that something was not looked at, and counts it where .ci/run counts.
skipped() {
    echo "$name: SKIPPED, $*"
    [[ -z ${POOLSCOPE_SKIPPED:-} ]] || echo "SKIPPED: $*" >>"$POOLSCOPE_SKIPPED"
}
# `check` takes the standard library for Windows from rustup; programs that wine runs are made with Debian's Rust, from the source of its
# standard library, which links with Debian's mingw. What comes after wine is for the window.
mingw=gcc-mingw-w64-x86-64-win32
packages=("$mingw")
for_programs=(
    rustc-web rust-web-src
    g++-mingw-w64-x86-64-win32
    wine wine64
    xvfb xauth xdotool imagemagick mesa-vulkan-drivers
)
install=
if [[ ${1:-} == --install ]]; then
    install=yes
    shift
fi
[[ $* == check ]] || packages+=("${for_programs[@]}")
if [[ -n $install ]]; then
    as_root=()
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    if apt-cache show "$mingw" >/dev/null 2>&1; then
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}"
    fi
fi
missing=()
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
    skipped "nothing was built or run for Windows; these packages of Debian are missing: ${missing[*]}"
    exit 0
fi

if [[ $* != check ]]; then
    program=$(realpath "${1:?the program for this system}")
    shift
fi
parts=("$@")
((${#parts[@]} > 0)) || parts=(build files tests commands offer window)
cd "$(dirname "$0")/../.."

target=x86_64-pc-windows-gnu
export CARGO_TARGET_DIR=target/windows
programs=$PWD/$CARGO_TARGET_DIR/programs
pictures=target/smoke/windows
mkdir -p "$pictures" "$CARGO_TARGET_DIR"
log=$pictures/program.log
: >"$log"
scratch=$(mktemp -d)
export WINEPREFIX=$PWD/$CARGO_TARGET_DIR/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' LC_ALL=C.UTF-8
wine=/usr/lib/wine/wine64
trap 'end_all; [[ ${parts[*]} == check ]] || WINEPREFIX=$WINEPREFIX /usr/lib/wine/wineserver64 -k || true; rm -rf "$scratch"' EXIT

step() { printf '%s: %s (%s s)\n' "$name" "$*" "$SECONDS"; }
failed() {
    echo "$name: $*" >&2
    exit 1
}

# --- build

# Debian's compiler. Libraries are not optimised, since building takes most of the time and nobody measures here; but core is, whose
# tests compute a lot, and the reader of C++ names, which needs ten times the stack else.
# cargo_for_windows CRATES ARGUMENT...: CRATES are those of the standard library that are needed.
cargo_for_windows() {
    local crates=$1
    shift
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine \
        cargo "$@" --locked "-Zbuild-std=$crates" --target "$target" \
        --config 'profile.dev.package."*".opt-level=0' --config profile.dev.package.msvc-demangler.opt-level=2 \
        --config profile.dev.package.poolscope-analysis.codegen-units=1
}
# The code that only Windows compiles is in the program and the libraries; their tests, and the suite, are the same code as here.
part_check() {
    if ! rustup target add "$target"; then
        skipped 'nothing was compiled for Windows: rustup is not here, or cannot fetch its standard library'
        return
    fi
    RUSTFLAGS='-D warnings' CARGO_INCREMENTAL=0 cargo check --locked --target "$target" -p poolscope --lib --bins
}
part_build() {
    local file
    # The same packages, features and profile in both, so that nothing is compiled twice.
    local std=std,panic_abort,test,proc_macro
    cargo_for_windows "$std" test --workspace --lib --test suite --no-run 2>&1 | tee "$CARGO_TARGET_DIR/tests.log"
    cargo_for_windows "$std" build --workspace --bins
    # Without their symbols they are half as large and start sooner.
    mkdir -p "$programs"
    for file in poolscope poolscopew; do
        x86_64-w64-mingw32-strip -o "$programs/$file.exe" "$CARGO_TARGET_DIR/$target/debug/$file.exe"
    done
}

# --- wine

# A folder that wine takes for a machine with Windows; made once.
prepare_wine() {
    local system=$WINEPREFIX/drive_c/windows/system32 library=bcryptprimitives.dll
    if [[ ! -d $system ]]; then
        step 'a folder for wine'
        "$wine" wineboot -i >/dev/null 2>&1 || failed 'wine cannot make its folder'
    fi
    if [[ ! -e $system/$library ]]; then
        x86_64-w64-mingw32-gcc -shared -O2 -o "$system/$library" tests/smoke/bcryptprimitives.c -ladvapi32
    fi
    # One server for everything that follows: programs start sooner.
    /usr/lib/wine/wineserver64 -p600 || true
}
# A path of this system as wine's programs write it.
windows_path() {
    local path
    path=$(realpath -m "$1")
    echo "Z:${path//\//\\}"
}

# --- files

part_files() {
    local file start subsystem
    for file in poolscope poolscopew; do
        # The header's place is at 0x3c; in it, the subsystem at 0x5c: 2 without a console, 3 with one.
        start=$(number 4 60 "$programs/$file.exe")
        subsystem=$(number 2 $((start + 92)) "$programs/$file.exe")
        case $file in
            poolscope) ((subsystem == 3)) ;;
            poolscopew) ((subsystem == 2)) ;;
        esac || failed "$file.exe is made for subsystem $subsystem"
        has_resources "$programs/$file.exe"
    done
    echo "$name: poolscope.exe has a console, poolscopew.exe none; both have icon, version and manifest"
}
# number BYTES PLACE FILE: a little-endian number.
number() { od -An -t "u$1" -j "$2" -N "$1" "$3" | tr -d ' '; }
# Icon (3, 14), version (16), manifest (24), and what is in them.
has_resources() {
    local resources=$scratch/resources kinds kind word
    x86_64-w64-mingw32-objcopy -O binary -j .rsrc "$1" "$resources"
    # The directory of kinds: two counts, then pairs of kind and place.
    kinds=$(od -An -v -t u4 -w8 -j 16 -N $(($(number 2 14 "$resources") * 8)) "$resources" | awk '{ print $1 }')
    for kind in 3 14 16 24; do
        grep -qx "$kind" <<<"$kinds" || failed "$1 has no resource of kind $kind, but these: ${kinds//$'\n'/ }"
    done
    # Texts of the version are UTF-16.
    tr -d '\0' <"$resources" >"$resources.txt"
    for word in longPathAware PerMonitorV2 asInvoker Common-Controls FileDescription ProductVersion \
        "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"; do
        grep -aq "$word" "$resources.txt" || failed "$word is not in the resources of $1"
    done
}

# --- tests

part_tests() {
    local crate
    for crate in base etl symbols analysis recording synth; do
        run_tests "core/$crate" "poolscope_$crate"
    done
    run_tests app poolscope
    run_tests tests suite "${suite_for_windows[@]}"
}
# What the suite says about Windows itself; all else it says about the same code as here.
suite_for_windows=(wpr_driver:: reader_cli:: reader_windows:: paths:: recording_cli:: source::)
# run_tests FOLDER NAME ARGUMENT...: the tests of that name, where cargo would run them.
run_tests() {
    local folder=$1 tests=$2 file
    shift 2
    file=$(sed -n "s|.* (\(.*/$tests-[0-9a-f]*\.exe\))|\1|p" "$CARGO_TARGET_DIR/tests.log" | head -n 1)
    [[ -n $file ]] || failed "the tests $tests are not built"
    file=$(realpath "$file")
    step "the tests of $folder"
    (cd "$folder" && "$wine" "$file" --test-threads 2 "$@") || failed "tests of $folder failed"
}

# --- commands

# run_both ARGUMENT...: both programs, in the scratch folder; their results have to be equal. Line ends are: neither writes CRLF.
run_both() {
    local ours=0 theirs=0
    (cd "$scratch" && "$program" "$@" >ours.out 2>ours.err) || ours=$?
    (cd "$scratch" && "$wine" "$programs/poolscope.exe" "$@" >theirs.out 2>theirs.err) || theirs=$?
    [[ $ours -eq $theirs ]] || failed "poolscope $*: exit code $theirs, here $ours: $(cat "$scratch/theirs.err")"
    cmp "$scratch/ours.out" "$scratch/theirs.out" || failed "poolscope $*: other bytes than here"
    compared=$((compared + 1))
    bytes=$((bytes + $(stat -c %s "$scratch/ours.out")))
}
# windows_run CODE ARGUMENT...: the program for Windows alone, in the scratch folder; sets `said`.
windows_run() {
    local expected=$1 code=0
    shift
    said=$(cd "$scratch" && "$wine" "$programs/poolscope.exe" "$@" 2>&1) || code=$?
    [[ $code -eq $expected ]] || failed "poolscope $*: exit code $code instead of $expected: $said"
}

part_commands() {
    compared=0 bytes=0
    "$program" synth --sample "$scratch/sample.etl" 2>/dev/null
    run_both synth made-up.etl --force --allocations 20000 --stacks keyed --seed 7
    mv "$scratch/made-up.etl" "$scratch/theirs.etl"
    (cd "$scratch" && "$program" synth made-up.etl --allocations 20000 --stacks keyed --seed 7 >/dev/null 2>&1)
    cmp "$scratch/made-up.etl" "$scratch/theirs.etl" || failed 'synth writes another trace'
    local trace
    for trace in sample.etl made-up.etl; do
        run_both info "$trace"
        run_both report "$trace"
        run_both report "$trace" --by process,tag,stack --format csv --no-symbols
        run_both report "$trace" --by function --range 1..40 --where 'type:AIFO' --format json
        run_both series "$trace" --by tag --measure outstanding --points 100 --format csv
        run_both leaks "$trace"
        run_both leaks "$trace" --format json
    done
    run_both symbols sample.etl --offline --path none-here --format csv
    run_both leaks sample.etl --fail-if 'nonpaged_growth > 1MB/min'
    [[ -z $(grep -c $'\r' "$scratch/theirs.out" | grep -v '^0$') ]] || failed 'CRLF in a result'
    run_both info missing.etl
    run_both report --no-such-option
    step "$compared commands, $bytes bytes, the same as here"
    check_paths
    check_symbol_paths
    check_windows_reader
}

# Wine has no event tracing: Windows' own reader fails there, and says so at once.
check_windows_reader() {
    windows_run 1 info sample.etl --reader windows
    [[ $said == *sample.etl* && $said == *Windows* ]] || failed "--reader windows says: $said"
    step "--reader windows without event tracing: $said"
}

# Files as users have them.
check_paths() {
    local long=$scratch unc=$WINEPREFIX/dosdevices/unc/server
    "$program" report "$scratch/sample.etl" --by tag --format csv >"$scratch/expected" 2>/dev/null
    for _ in 1 2 3 4 5; do long+=/$(printf 'x%.0s' {1..70}); done
    mkdir -p "$long" "$scratch/漏れ ünïcode" "$unc"
    cp "$scratch/sample.etl" "$long/leak.etl"
    cp "$scratch/sample.etl" "$scratch/漏れ ünïcode/💧 a&b (c) %d%.etl"
    ln -sfn "$scratch" "$unc/share"
    reads "$(windows_path "$long/leak.etl")"
    reads "\\\\?\\$(windows_path "$long/leak.etl")"
    reads "$(windows_path "$scratch/漏れ ünïcode/💧 a&b (c) %d%.etl")"
    reads '\\server\share\sample.etl'
    reads '.\sample.etl'
    windows_run 1 info '\\server\share\missing.etl'
    [[ $said == *'\\server\share\missing.etl'* ]] || failed "the message names no file: $said"
    rm "$unc/share"
    step 'a long path, an extended one, any script, a share, a relative one'
}
reads() {
    (cd "$scratch" && "$wine" "$programs/poolscope.exe" report "$1" --by tag --format csv >read.out 2>read.err) ||
        failed "$1 is not read: $(cat "$scratch/read.err")"
    cmp "$scratch/expected" "$scratch/read.out" || failed "$1 is read in another way"
}

# %VAR% in symbol paths means the variables of Windows, in any case; one that is not set is told.
check_symbol_paths() {
    local store=$scratch/symbol-store
    mkdir -p "$store"
    said=$(cd "$scratch" && SYMS=$(windows_path "$store") "$wine" "$programs/poolscope.exe" symbols sample.etl --offline \
        --path 'srv*%syms%\x64;%NoSuchVariable%\y' 2>&1) || failed "symbols: $said"
    [[ $said == *'%NoSuchVariable% is not set'* ]] || failed "nothing about a variable that is not set: $said"
    [[ $said != *'%syms%\x64'*'is not set'* ]] || failed "%syms% is not known: $said"
    windows_run 0 symbols sample.etl --offline
    [[ $said == *'AppData\Local\poolscope\symbols'* ]] || failed "the usual store lies elsewhere: $said"
    step 'variables in symbol paths; the usual store lies where programs of Windows keep such things'
}

# --- offer

# value KEY NAME: a value of the registry, as Windows' own tool reads it; an empty name means the default.
value() {
    local which=(/v "$2")
    [[ -n $2 ]] || which=(/ve)
    "$wine" reg query "HKCU\\Software\\$1" "${which[@]}" 2>/dev/null | tr -d '\r' | sed -n 's/.*REG_SZ *//p'
}
key_is_there() { "$wine" reg query "HKCU\\Software\\$1" >/dev/null 2>&1; }

part_offer() {
    local exe command
    exe=$(windows_path "$programs/poolscopew.exe")
    "$wine" reg add 'HKCU\Software\Classes\.etl' /ve /d Somebody.else /f >/dev/null 2>&1
    windows_run 0 associate
    [[ $said == *"$exe is registered"* ]] || failed "associate says: $said"
    command=$(value 'Classes\poolscope.etl\shell\open\command' '')
    [[ $command == "\"$exe\" \"%1\"" ]] || failed "files are opened by $command"
    [[ $(value 'Classes\poolscope.etl\DefaultIcon' '') == "\"$exe\",0" ]] || failed 'no icon'
    [[ $(value 'RegisteredApplications' poolscope) == 'Software\poolscope\Capabilities' ]] || failed 'not registered'
    "$wine" reg query 'HKCU\Software\Classes\.etl\OpenWithProgids' /v poolscope.etl >/dev/null 2>&1 || failed 'not listed'
    [[ $(value 'Classes\.etl' '') == Somebody.else ]] || failed 'the default program was changed'
    windows_run 0 associate --remove
    [[ $(value 'Classes\.etl' '') == Somebody.else ]] || failed 'the default program was removed'
    "$wine" reg delete 'HKCU\Software\Classes\.etl' /ve /f >/dev/null 2>&1
    local key
    for key in 'Classes\poolscope.etl' 'Classes\Applications\poolscopew.exe' 'Classes\.etl\OpenWithProgids' poolscope; do
        ! key_is_there "$key" || failed "$key is left"
    done
    [[ -z $(value 'RegisteredApplications' poolscope) ]] || failed 'still registered'
    windows_run 0 associate --remove
    [[ $said == *'was not registered'* ]] || failed "associate --remove says: $said"
    echo "$name: registered for .etl files, read back, unregistered, the default unchanged"
}

# --- window

# The window's settings in wine's folder: none but the theme, in light.
fresh_settings() {
    local folder
    folder=$(find "$WINEPREFIX/drive_c/users" -maxdepth 4 -type d -name Roaming | head -n 1)/poolscope
    rm -rf "$folder"
    mkdir -p "$folder/data"
    echo '{ "theme": "light" }' >"$folder/data/settings.json"
}
gone() { ! has_window; }
offered() { [[ -n $(value 'Classes\poolscope.etl\shell\open\command' '') ]]; }
# choose COMMAND BEFORE AFTER: runs a command from the palette, between two pictures.
choose() {
    press ctrl+k
    reacted palette "$2" 10000
    write "$1"
    reacted written palette 1000
    press Return
    reacted "$3" written 20000
}
# The window is closed by its key; sets `code`.
quit_window() {
    xdotool key ctrl+q
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    ! kill -0 "$pid" 2>/dev/null || fail 'Ctrl+Q does not end the program'
    code=0
    wait "$pid" || code=$?
    [[ $code -eq 0 ]] || fail "exit code $code after Ctrl+Q"
}

part_window() {
    home=$scratch/home
    on_display 1280x800
    # The desktop of wine that commands started has no display, and would take the window in.
    /usr/lib/wine/wineserver64 -k || true
    /usr/lib/wine/wineserver64 -p600 || true
    # Wine's Direct3D is none that the window can draw with; lavapipe draws what Vulkan asks for.
    export WGPU_BACKEND=vulkan
    fresh_settings
    start "$wine" "$programs/poolscopew.exe" --demo
    find_window
    xdotool windowsize "$window" 1280 800
    point 640 795
    wait_for 'the window stays blank' colourful opened
    settled opened
    press Home Left Right Right Right Down
    reacted keys opened 200
    click 560 600
    reacted mouse keys 50
    choose 'theme: dark' mouse dark
    choose 'open .etl' dark offer
    # From the harmless button to the other one.
    press shift+Tab Return
    wait_for 'the box does not offer poolscope' offered
    reacted offered offer 1000
    press Escape
    reacted closed offered 10000
    quit_window
    step "the window: $(colours opened) colours, dark $(colours dark), offered itself, ended by its key with exit code $code"
    windows_run 0 associate --remove
    hand_over
    message
}

# The program with a console hands over to the one without, and the shell goes on at once.
hand_over() {
    start "$wine" "$programs/poolscope.exe" --demo
    local begun=$SECONDS
    code=0
    wait "$pid" || code=$?
    [[ $code -eq 0 ]] || fail "exit code $code when handing over"
    pid=$server
    find_window
    wait_for 'the window stays blank' colourful handed_over
    xdotool key ctrl+q
    wait_for 'Ctrl+Q does not close the window' gone
    step "poolscope.exe handed over in $((SECONDS - begun)) s with its window"
}
# What cannot be written to a console is said in a box.
message() {
    start "$wine" "$programs/poolscopew.exe" --no-such-option
    wait_for 'no box says what is wrong' has_window
    sleep 1
    picture message
    xdotool windowfocus "$window" key Return
    code=0
    wait "$pid" || code=$?
    [[ $code -eq 2 ]] || fail "exit code $code after wrong usage"
    step 'wrong usage is said in a box, exit code 2'
}

# --- all of it

for part in "${parts[@]}"; do
    declare -F "part_$part" >/dev/null || failed "there is no part $part"
    step "$part"
    [[ $part == check || $part == build || $part == files ]] || prepare_wine
    "part_$part"
done
step "done: ${parts[*]}"
