"""Compares the answers of several engines, and looks for what was planted: `fleet_answers.py FOLDER HOSTS NIGHTS ENGINE…`.

FOLDER has QUESTION.ENGINE.json for each. The planted fleet is described in core/synth/src/fleet.rs: from the second night on every
third host has version 2.1.0.0 of myfault.sys, which leaks tag MyFl, and HOST0007 holds far more of tag Cach.
"""

import json
import math
import sys
from pathlib import Path

QUESTIONS = ["leaking-tags", "growth-by-driver-version", "hosts-off-the-norm", "first-night", "top-stacks"]


def is_same(one, other):
    """Numbers may differ in their last digit: engines add them in another order."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=0.11)
    return one == other


def compare(question, answers):
    (first, rows), *others = answers.items()
    assert rows, f"{question}: {first} has no rows"
    for engine, other in others:
        assert len(other) == len(rows), f"{question}: {first} has {len(rows)} rows, {engine} {len(other)}"
        for number, (one, two) in enumerate(zip(rows, other)):
            assert list(one) == list(two), f"{question}: columns {list(one)} and {list(two)}"
            for column in one:
                assert is_same(one[column], two[column]), f"{question}, row {number}: {first} {one}, {engine} {two}"
    print(f"{question}: {len(rows)} rows, the same from {', '.join(answers)}")
    return rows


def main():
    folder, hosts, nights, engines = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]

    def answer(question, engine):
        return json.loads((folder / f"{question}.{engine}.json").read_text(encoding="utf-8"))["rows"]

    rows = {question: compare(question, {engine: answer(question, engine) for engine in engines}) for question in QUESTIONS}
    updated = (hosts + 2) // 3
    # Verdicts on traces of two minutes may be too uncertain for a few of them, and for more in one night alone.
    most = math.floor(0.9 * updated)
    leak = rows["leaking-tags"][0]
    assert (leak["tag"], leak["driver"]) == ("MyFl", "myfault.sys"), leak
    assert most <= leak["hosts"] <= updated, (leak, updated)
    assert 0.8 * updated * (nights - 1) - 1 <= leak["traces"] <= updated * (nights - 1), (leak, updated)
    night = next(row for row in rows["first-night"] if row["tag"] == "MyFl")
    assert night["first_night"] == "2026-03-03" and night["nights_without_it_before"] == 1, night
    assert night["lowest_version"] == night["highest_version"] == "2.1.0.0", night
    assert 0.75 * updated <= night["hosts_on_first_night"] <= updated, (night, updated)
    of_driver = [row for row in rows["growth-by-driver-version"] if (row["tag"], row["driver"]) == ("MyFl", "myfault.sys")]
    versions = {row["driver_version"]: row for row in of_driver}
    assert most <= versions["2.1.0.0"]["leaking_hosts"] <= updated, versions
    assert versions["2.0.7.0"]["leaking_hosts"] == 0, versions
    assert rows["growth-by-driver-version"][0]["driver_version"] == "2.1.0.0"
    assert rows["hosts-off-the-norm"][0]["host"] == "HOST0007", rows["hosts-off-the-norm"][0]
    assert rows["hosts-off-the-norm"][0]["tag"] == "Cach", rows["hosts-off-the-norm"][0]
    top = rows["top-stacks"][0]
    assert top["driver"] == "myfault.sys" and top["hosts"] > updated, top
    print(
        f"found: MyFl leaks with version 2.1.0.0 of myfault.sys, since 2026-03-03, on {leak['hosts']} of {updated} hosts that have it;",
        "HOST0007 holds Cach",
    )


main()
