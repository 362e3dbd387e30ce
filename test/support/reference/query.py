"""Figures of a prediction log by SQL: query.py FILE EDGES, EDGES a JSON mapping of inner edges by column. Prints JSON."""
import json
import sys

import duckdb

path, edges = sys.argv[1], json.loads(sys.argv[2])
source = {'jsonl': f"read_json('{path}', format='newline_delimited')", 'csv': f"read_csv('{path}')", 'parquet': f"read_parquet('{path}')"}[path.rsplit('.', 1)[1]]
column = (lambda name: f'"features.{name}"') if path.endswith('.csv') else (lambda name: f'features.{name}')
db = duckdb.connect()
db.execute("set memory_limit = '4GB'; set threads = 2; set timezone = 'UTC'")
db.execute(f"""create table log as select assigned_arm as arm, unit_id, epoch_ms(ts::timestamptz) as ts, epoch_ms(ts::timestamptz) // 300000 * 300000 as start,
  error is not null as error, latency_ms, score, {column('amount')} as amount, {column('age')} as age, {column('country')} as country from {source}""")


def rows(sql):
    result = db.execute(sql)
    names = [name for name, *_ in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def histogram(name):
    """Counts per arm in bins that hold values up to and including their upper edge."""
    found = rows(f"select arm, count(*)::bigint as n, histogram({name}, {edges[name]}) as counted from log group by arm")
    result = {}
    for row in found:
        counts = [row['counted'].get(edge, 0) for edge in edges[name]]
        result[row['arm']] = counts + [row['n'] - sum(counts)]
    return result


print(json.dumps({
    'windows': rows("""
      with first_seen as (select unit_id, min(ts) as ts from log group by unit_id),
      new_units as (select l.arm, l.start, count(distinct l.unit_id)::bigint as units from log l join first_seen f on f.unit_id = l.unit_id and f.ts = l.ts group by all)
      select arm, start::bigint as start, count(*)::bigint as requests, count(*) filter (error)::bigint as errors, count(*) filter (latency_ms > 80)::bigint as slow, sum(latency_ms) as latency, sum(latency_ms * latency_ms) as squares,
        coalesce(any_value(units), 0)::bigint as units
      from log left join new_units using (arm, start) group by arm, start order by start, arm"""),
    'arms': rows("select arm, count(*)::bigint as requests, count(distinct unit_id)::bigint as units, max(ts)::bigint as last from log group by arm order by arm"),
    # Per unit m requests, of which b were errors: what the dispersion is computed from.
    'dispersion': rows("""select arm, count(*)::bigint as units, sum(m)::bigint as requests, sum(b)::bigint as bad, sum(m * m)::bigint as requestsSquared, sum(b * b)::bigint as badSquared, sum(m * b)::bigint as product
      from (select arm, unit_id, count(*) as m, count(*) filter (error) as b from log group by all) group by arm order by arm"""),
    'histograms': {name: histogram(name) for name in edges},
    'countries': rows("select arm, country, count(*)::bigint as n from log group by all order by arm, country"),
}))
