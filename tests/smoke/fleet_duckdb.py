"""Answers a question with DuckDB alone, without poolscope: `fleet_duckdb.py DATASET QUESTION.sql [NAME=VALUE]…` prints JSON."""

import json
import re
import sys
from pathlib import Path

import duckdb


def main():
    dataset, text = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")
    given = dict(pair.split("=", 1) for pair in sys.argv[3:])
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    for table in sorted(path.name for path in dataset.iterdir() if path.is_dir()):
        files = [str(path) for path in sorted((dataset / table).glob("*/*.parquet"))]
        relation = connection.read_parquet(files, hive_partitioning=True, union_by_name=True)
        relation.create_view(table)
    values = {name: default.strip() for name, default in re.findall(r"-- parameter (\w+) =([^:]*):", text)} | given
    connection.execute("CREATE TABLE parameters (" + ", ".join(f"{name} VARCHAR" for name in values) + ")")
    connection.execute(f"INSERT INTO parameters VALUES ({', '.join('?' for _ in values)})", list(values.values()))
    result = connection.execute(text)
    columns = [column[0] for column in result.description]
    json.dump({"rows": [dict(zip(columns, row)) for row in result.fetchall()]}, sys.stdout, default=str)


main()
