#!/usr/bin/env python3
"""Reads the identities and functions of the sample's modules, files their PDBs as a symbol store, writes modules.json.

Called by build.sh: describe.py BUILD_FOLDER TABLE STORE OUT. Reads nothing but the PE headers, the RSDS record and what
llvm-pdbutil printed; never guesses a value.
"""

import json
import pathlib
import re
import shutil
import struct
import sys
import uuid

PROCEDURE = re.compile(r"S_[GL]PROC32 \[size = \d+\] `([^`]+)`\s+parent = \d+, end = \d+, addr = (\d+):(\d+), code size = (\d+)")


def read_image(path):
    """The header fields that a trace records about an image, its sections, and its RSDS record."""
    data = path.read_bytes()
    (header,) = struct.unpack_from("<I", data, 0x3C)
    assert data[header : header + 4] == b"PE\0\0", path
    section_count, timestamp = struct.unpack_from("<HI", data, header + 6)
    (optional_size,) = struct.unpack_from("<H", data, header + 20)
    optional = header + 24
    assert struct.unpack_from("<H", data, optional)[0] == 0x20B, path
    image_size, _, checksum = struct.unpack_from("<III", data, optional + 56)
    debug_rva, debug_size = struct.unpack_from("<II", data, optional + 112 + 6 * 8)
    sections = []
    for index in range(section_count):
        _, rva, raw_size, raw = struct.unpack_from("<IIII", data, optional + optional_size + index * 40 + 8)
        sections.append((rva, raw_size, raw))

    def offset(rva):
        return next(raw + rva - start for start, size, raw in sections if start <= rva < start + size)

    for entry in range(offset(debug_rva), offset(debug_rva) + debug_size, 28):
        kind, _, record = struct.unpack_from("<III", data, entry + 12)
        if kind == 2:
            record = offset(record)
            assert data[record : record + 4] == b"RSDS", path
            guid = uuid.UUID(bytes_le=data[record + 4 : record + 20])
            (age,) = struct.unpack_from("<I", data, record + 20)
            name = data[record + 24 : data.index(b"\0", record + 24)].decode()
    return sections, guid, age, name, image_size, timestamp, checksum


def functions(listing, sections):
    found = [
        {"name": name, "rva": sections[int(segment) - 1][0] + int(offset), "size": int(size)}
        for name, segment, offset, size in PROCEDURE.findall(listing)
    ]
    return sorted(found, key=lambda function: function["rva"])


def main(build, table, store, out):
    modules = []
    for line in pathlib.Path(table).read_text().splitlines():
        if line.startswith("#"):
            continue
        file, pdb, _, kind, _, nt_path = line.split("\t")
        sections, guid, age, name, image_size, timestamp, checksum = read_image(pathlib.Path(build, file))
        assert name == pdb, (name, pdb)
        found = functions(pathlib.Path(build, pdb + ".symbols").read_text(), sections)
        assert found, pdb
        folder = pathlib.Path(store, pdb, f"{guid.hex.upper()}{age:X}")
        folder.mkdir(parents=True)
        shutil.copyfile(pathlib.Path(build, pdb), folder / pdb)
        modules.append(
            {
                "file": file,
                "path": nt_path,
                "kind": kind,
                "pdb": pdb,
                "guid": str(guid),
                "age": age,
                "image_size": image_size,
                "timestamp": timestamp,
                "checksum": checksum,
                "functions": found,
            }
        )
    text = json.dumps({"modules": modules}, indent=1)
    # One line per function, so that a change can be read in a diff.
    text = re.sub(r"\{\s+(\"name\"[^{}]+?)\s+\}", lambda match: "{ " + re.sub(r"\s+", " ", match[1]) + " }", text)
    pathlib.Path(out).write_text(text + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
