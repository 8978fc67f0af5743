#!/usr/bin/env bash
# Builds the look-alike modules of the built-in sample, keeps their PDBs as a symbol store under symbols/, and writes
# modules.json. The images themselves are thrown away: the sample trace only needs their identities.
#
# Needs clang, lld-link and llvm-pdbutil (Debian: clang lld llvm) and python3. Made with LLVM 14; another version may give other
# identities, and then the sample trace has to be written anew. The same version gives the same bytes, in any folder.
set -euo pipefail
cd "$(dirname "$0")"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# Names of things that a PDB would otherwise take from this machine are fixed: its folders stand in the compiler's command line, which is kept.
compile=(--target=x86_64-pc-windows-msvc -std=c11 -O1 -g -gcodeview -ffreestanding -fno-stack-protector -fno-ident
    -fno-optimize-sibling-calls -fno-builtin -mno-incremental-linker-compatible -Wall -Wextra -Werror -Wno-unused-function -Wno-main
    -ffile-compilation-dir=. -resource-dir=. -nostdinc)
link=(/nologo /nodefaultlib /machine:x64 /debug /Brepro /opt:noicf /opt:noref /incremental:no
    '/pdbaltpath:%_PDB%' /pdbsourcepath:.)

cp src/*.c src/*.h "$build"
while IFS=$'\t' read -r file pdb source kind entry _; do
    case $file in '#'*) continue ;; esac
    options=("/entry:$entry")
    case $kind:$file in
        kernel:*) options+=(/subsystem:native /driver /base:0x140000000) ;;
        user:*.exe) options+=(/subsystem:windows) ;;
        *) options+=(/subsystem:windows /dll) ;;
    esac
    (
        cd "$build"
        clang "${compile[@]}" -c "$source.c" -o "$source.obj"
        lld-link "${link[@]}" "${options[@]}" "/out:$file" "/pdb:$pdb" "$source.obj"
        llvm-pdbutil dump -symbols "$pdb" >"$pdb.symbols"
    )
done <modules.tsv

rm -rf symbols
python3 describe.py "$build" modules.tsv symbols modules.json
if grep -rlaF -e "$build" -e "$PWD" -e "${build%/*}/" symbols modules.json; then
    echo "a name of this machine is in the files above" >&2
    exit 1
fi
du -sh symbols
