"""Answers a question about a dataset of poolscope with Apache Spark, with the same SQL as `poolscope fleet`.

    spark-submit spark.py DATASET QUESTION.sql [--param NAME=VALUE]... [--format text|csv|json]

On one machine: `pip install pyspark`, Java 17, and `python spark.py …`. DATASET may be any location that Spark reads.
"""

import argparse
import csv
import json
import re
import sys

from pyspark.sql import SparkSession

PARAMETER = re.compile(r"--\s*parameter\s+([a-z][a-z0-9_]*)\s*(=\s*([^:]*?)\s*)?:")


def tables(spark, dataset):
    """Names of the tables: the folders that do not begin as hidden ones do."""
    path = spark._jvm.org.apache.hadoop.fs.Path(dataset)
    files = path.getFileSystem(spark._jsc.hadoopConfiguration()).listStatus(path)
    names = [status.getPath().getName() for status in files if status.isDirectory()]
    return sorted(name for name in names if name[0] not in "._")


def parameters(text, given):
    """Values of the parameters that the SQL declares, and of those that were given."""
    values = {}
    for name, is_optional, default in PARAMETER.findall(text):
        if name in given or is_optional:
            values[name] = given.get(name, default)
        else:
            sys.exit(f"the question needs --param {name}=VALUE")
    return {**values, **given}


def answer(spark, dataset, text, given):
    """Columns and rows."""
    for table in tables(spark, dataset):
        spark.read.option("mergeSchema", "true").parquet(f"{dataset}/{table}").createOrReplaceTempView(table)
    values = parameters(text, given)
    if values:
        names = sorted(values)
        schema = ", ".join(f"`{name}` string" for name in names)
        spark.createDataFrame([tuple(values[name] for name in names)], schema).createOrReplaceTempView("parameters")
    result = spark.sql(text.strip().rstrip(";"))
    return result.columns, [list(row) for row in result.collect()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("question", help="a file with SQL")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--format", choices=["text", "csv", "json"], default="text")
    arguments = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in arguments.param)
    with open(arguments.question, encoding="utf-8") as file:
        text = file.read()
    spark = SparkSession.builder.appName("poolscope fleet").getOrCreate()
    columns, rows = answer(spark, arguments.dataset.rstrip("/"), text, given)
    spark.stop()
    if arguments.format == "json":
        objects = [dict(zip(columns, row)) for row in rows]
        json.dump({"columns": columns, "rows": objects}, sys.stdout, default=str)
        print()
    else:
        delimiter = "," if arguments.format == "csv" else "\t"
        csv.writer(sys.stdout, delimiter=delimiter, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
