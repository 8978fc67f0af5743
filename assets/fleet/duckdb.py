"""Runs SQL with Python's duckdb module: {"setup": …, "query": …} on standard input, columns and rows as JSON on standard output."""

import datetime
import decimal
import json
import math
import sys

import duckdb


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    request = json.load(sys.stdin)
    connection = duckdb.connect()
    try:
        connection.execute(request["setup"])
        result = connection.execute(request["query"])
        columns = [column[0] for column in result.description or []]
        rows = [[plain(value) for value in row] for row in (result.fetchall() if columns else [])]
    except duckdb.Error as error:
        sys.exit(str(error))
    json.dump({"columns": columns, "rows": rows}, sys.stdout, ensure_ascii=False)


main()
