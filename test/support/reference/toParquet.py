"""A Parquet file of JSON Lines, a part at a time: toParquet.py FROM TO [ROWS_A_GROUP]"""
import io
import sys

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

source, target = sys.argv[1:3]
schema = pa.schema([('ts', pa.timestamp('ms', 'UTC')), ('batch_id', pa.string()), ('error', pa.string())])
writer, rest = None, b''
with open(source, 'rb') as file:
    while True:
        part = file.read(64 << 20)
        data = rest + part
        cut = data.rfind(b'\n') + 1
        rest, data = data[cut:], data[:cut]
        if not data:
            break
        table = pj.read_json(io.BytesIO(data), parse_options=pj.ParseOptions(explicit_schema=schema))
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table, row_group_size=int(sys.argv[3]) if len(sys.argv) > 3 else len(table))
writer.close()
