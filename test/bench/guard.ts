/** How rules of a guard do in simulated releases. Run alone with `node test/bench/guard.ts [RUNS]`; 1,000 runs take about ten minutes. */
import { fileURLToPath } from 'node:url';
import { accepts, degradation, detection, falseRollbacks, HEALTHY, nightly, RULES, silence } from '../support/guardSimulation.ts';
import { printTable, type BenchRow } from './table.ts';

const RUNS = 1000;
const HEALTHY_LOOKS = 400;

/** False rollbacks of healthy releases, and median predictions until a candidate that got worse is noticed, per rule. */
export function benchGuard(runs: number = RUNS): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [name, rule] of Object.entries(RULES)) {
    const isOurs = name === 'Modelswitch';
    for (const [healthy, scenario] of Object.entries(HEALTHY)) {
      rows.push({ name: `${name}: false rollbacks, ${healthy}`, value: 100 * falseRollbacks(scenario, rule, runs, 1), unit: '%', ...(isOurs ? { target: '<= 2.5' } : {}) });
    }
    const early = detection(degradation(0), 0, rule, runs, 100_001);
    const late = detection(degradation(HEALTHY_LOOKS), HEALTHY_LOOKS, rule, runs, 200_001);
    const silent = detection(silence(HEALTHY_LOOKS), HEALTHY_LOOKS, rule, runs, 300_001);
    rows.push(
      { name: `${name}: median predictions to notice 2 -> 4 % at 25 %, early`, value: early.median, unit: '', ...(isOurs ? { target: '<= 20000' } : {}) },
      { name: `${name}: the same after 100,000 healthy ones`, value: late.median, unit: '', ...(isOurs ? { target: '<= 20000' } : {}) },
      { name: `${name}: rolled back before those 100,000 ended`, value: 100 * late.before, unit: '%' },
      { name: `${name}: median predictions to notice silence after 100,000 healthy ones`, value: silent.median, unit: '' },
    );
  }
  const ours = RULES['Modelswitch'] ?? accepts;
  for (const perArm of [1, 2, 3, 5, 10, 20]) {
    rows.push(
      { name: `30 nights of ${perArm} batches of 1,000 an arm: false rollbacks`, value: 100 * falseRollbacks(nightly(30, perArm), ours, runs, 400_001), unit: '%', target: '<= 2.5' },
      { name: 'candidates 1.8 times as bad that are not worse', value: 100 * falseRollbacks(nightly(30, perArm, 1.8), accepts, runs, 500_001), unit: '%', target: '<= 2.5' },
    );
  }
  return Promise.resolve(rows);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchGuard(process.argv[2] === undefined ? RUNS : Number(process.argv[2])));
