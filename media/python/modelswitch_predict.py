"""Calls a function for each row: modelswitch_predict.py MODULE:FUNCTION [--batch]

One process answers all rows, so a model is loaded once. A line of JSON {"id", "inputs"} on stdin becomes a line {"id", "output"} or {"id", "error"} on
stdout, which belongs to this protocol: what the function prints goes to stderr. `inputs` is a row (with --batch: a list of rows) as a dict.
The process ends when stdin closes.
"""

import datetime
import decimal
import importlib
import json
import os
import sys
import traceback


def plain(value):
    """What json does not know: NumPy's numbers and arrays, pandas' frames and series, dates."""
    for convert in ("tolist", "to_dict"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (set, tuple)):
        return list(value)
    if hasattr(value, "__dict__"):
        return vars(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def find(name):
    module, _, function = name.partition(":")
    found = importlib.import_module(module)
    for part in function.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} cannot be called")
    return found


def without_nan(value):
    """JSON has no NaN and no infinities: they are written as texts."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {str(key): without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(each) for each in value]
    return value


def encode(answer):
    try:
        return json.dumps(answer, default=plain, allow_nan=False, skipkeys=False)
    except ValueError:
        # Slower, and needed only where there is such a number.
        return json.dumps(without_nan(json.loads(json.dumps(answer, default=plain))), allow_nan=False)


def main():
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    # Whatever prints, in Python or below it, prints to stderr.
    os.dup2(2, 1)
    sys.path.insert(0, os.getcwd())
    function = find(sys.argv[1])
    protocol.write('{"ready": true}\n')
    protocol.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = encode({"id": request["id"], "output": function(request["inputs"])})
        except Exception as error:  # the model's, which is an answer about this row
            traceback.print_exc(file=sys.stderr)
            answer = json.dumps({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
        protocol.write(answer + "\n")
        protocol.flush()


if __name__ == "__main__":
    main()
