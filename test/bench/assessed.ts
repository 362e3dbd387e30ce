/** False rollbacks of simulated healthy releases by the code that decides in production. Run alone with `node test/bench/assessed.ts [RUNS]`. */
import { fileURLToPath } from 'node:url';
import { assessed } from '../support/assessedReleases.ts';
import { COUNTED, degradation, detection, fallingSilent, falseRollbacks, HEALTHY, type Rule, type Scenario } from '../support/guardSimulation.ts';
import { printTable, type BenchRow } from './table.ts';

const RUNS = 1000;
const HEALTHY_LOOKS = 400;
const rule = (scenario: Scenario): Rule => assessed(scenario, false);

/** The scenarios of `guard.ts` through `assessRelease`: stages are set in an event log, windows are of five minutes, one look a minute. */
export function benchAssessed(runs: number = RUNS): Promise<BenchRow[]> {
  const rows: BenchRow[] = Object.entries(HEALTHY).map(([name, scenario]) => ({ name: `false rollbacks, ${name}`, value: 100 * falseRollbacks(scenario, rule, runs, 500_001), unit: '%', target: '<= 2.5' }));
  const early = detection(degradation(0), 0, rule, runs, 600_001);
  const late = detection(degradation(HEALTHY_LOOKS), HEALTHY_LOOKS, rule, runs, 700_001);
  const counted = falseRollbacks(COUNTED, rule, runs, 500_001);
  const [silent, half] = [0, 0.5].map((left) => detection(fallingSilent(HEALTHY_LOOKS, left), HEALTHY_LOOKS, rule, runs, 800_001));
  return Promise.resolve([
    ...rows,
    { name: 'median predictions to notice 2 -> 4 % at 25 %, early', value: early.median, unit: '', target: '<= 20000' },
    { name: 'the same after 100,000 healthy ones', value: late.median, unit: '', target: '<= 20000' },
    { name: 'taken back before those 100,000 ended', value: 100 * late.before, unit: '%', target: '<= 2.5' },
    { name: 'false rollbacks, 5, 25, 5 %, records beside counters by the hour, 2 % of them lost', value: 100 * counted, unit: '%', target: '<= 2.5' },
    { name: 'median predictions to notice a candidate that falls silent at 25 % after 100,000 healthy ones', value: silent?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: 'the same of one of which every second record is missing', value: half?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: 'taken back before either', value: 100 * Math.max(silent?.before ?? 1, half?.before ?? 1), unit: '%', target: '<= 2.5' },
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchAssessed(process.argv[2] === undefined ? RUNS : Number(process.argv[2])));
