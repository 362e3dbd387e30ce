"""Asks MLflow's own schema enforcement: one JSON line in, one out.

In: {"columns": [{"from", "nullable", "to", "required"}]}; out: a list with null (accepted) or the sentence of the refusal for each.
"""
import json
import logging
import sys
import warnings

import pandas as pd
from mlflow.models.utils import _enforce_schema
from mlflow.types import ColSpec, DataType, Schema

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

DATA = {
    "boolean": ([True, False], "bool"),
    "integer": ([3, 4], "int32"),
    "long": ([3, 4], "int64"),
    "float": ([1.5, 2.5], "float32"),
    "double": ([1.5, 2.5], "float64"),
    "string": (["x", "y"], None),
    "binary": ([b"x", b"y"], "object"),
    "datetime": (["2026-01-01", "2026-01-02"], "datetime64[ns]"),
}


def series(name, nullable):
    values, dtype = DATA[name]
    if not nullable:
        return pd.Series(values, dtype=dtype)
    # As pandas itself represents the column once a value is missing.
    if name in ("integer", "long"):
        return pd.Series([values[0], None], dtype="float64")
    if name == "boolean":
        return pd.Series([values[0], None], dtype="object")
    return pd.Series([values[0], None], dtype=dtype)


def refusal(pair):
    schema = Schema([ColSpec(DataType[pair["to"]], "x", required=pair["required"])])
    columns = {} if pair["from"] is None else {"x": series(pair["from"], pair["nullable"])}
    try:
        _enforce_schema(pd.DataFrame({"other": [1, 2], **columns}), schema)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


print(json.dumps([refusal(pair) for pair in json.loads(sys.stdin.readline())["columns"]]))
