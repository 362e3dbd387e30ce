/** How often drift alarms where there is none, beside a cell for every category. Run alone with `node test/bench/drift.ts [RUNS]`; 1,000 runs take about five minutes. */
import { fileURLToPath } from 'node:url';
import { CHANCE, chanceAlarms } from '../support/driftSimulation.ts';
import { printTable, type BenchRow } from './table.ts';

const RUNS = 1000;

/** False alarms of pairs that are alike, per cent; the level is 5. */
export function benchDrift(runs: number = RUNS): Promise<BenchRow[]> {
  return Promise.resolve(Object.entries(CHANCE).map(([name, { scenario }]): BenchRow => {
    const { alarms, plain } = chanceAlarms(scenario, runs, 1);
    return { name, value: (100 * alarms) / runs, unit: '%', target: 'about 5 at most', ...(plain === undefined ? {} : { baseline: { name: 'a cell for every category', value: (100 * plain) / runs } }) };
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchDrift(process.argv[2] === undefined ? RUNS : Number(process.argv[2])));
