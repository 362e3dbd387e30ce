"""Writes the same rows in every format, by pandas and pyarrow: writeRows.py FOLDER"""

import sys

import pandas

folder = sys.argv[1]
frame = pandas.DataFrame(
    {
        "amount": [1.5, None, 3.0],
        "visits": [1, 2, 9007199254740993],
        "country": ["de", "größe, \"x\"\nz", ""],
        "zip": ["01234", "99", "5"],
        "seen": [True, False, True],
        "at": pandas.to_datetime(["2026-01-01T00:00:00", "2026-01-02T03:04:05", None]),
    }
)
frame.drop(columns="at").to_csv(f"{folder}/rows.csv", index=False)
for compression in ("snappy", "gzip", "brotli", "zstd", None):
    frame.to_parquet(f"{folder}/rows-{compression}.parquet", compression=compression, row_group_size=2)
