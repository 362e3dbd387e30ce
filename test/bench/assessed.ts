/** False rollbacks of simulated healthy releases by the code that decides in production. Run alone with `node test/bench/assessed.ts [RUNS]`. */
import { fileURLToPath } from 'node:url';
import { assessed } from '../support/assessedReleases.ts';
import { COUNTED, degradation, detection, fallingSilent, falseRollbacks, HEALTHY, LATE_SOURCES, toldLate, type Rule, type Scenario } from '../support/guardSimulation.ts';
import { printTable, type BenchRow } from './table.ts';

const RUNS = 1000;
const HEALTHY_LOOKS = 400;
/** Minutes by which records come later than Unleash counts, and of an hour when the share changes. */
const [LAG, ADVANCED] = [3, 32];
const STEPS = [[0, 0.05], [0.05, 0.25], [0.05, 0.95]] as const;
const rule = (scenario: Scenario): Rule => assessed(scenario, false);

/** The scenarios of `guard.ts` through `assessRelease`: stages are set in an event log, windows are of five minutes, one look a minute. */
export function benchAssessed(runs: number = RUNS): Promise<BenchRow[]> {
  const rows: BenchRow[] = Object.entries(HEALTHY).map(([name, scenario]) => ({ name: `false rollbacks, ${name}`, value: 100 * falseRollbacks(scenario, rule, runs, 500_001), unit: '%', target: '<= 2.5' }));
  const early = detection(degradation(0), 0, rule, runs, 600_001);
  const late = detection(degradation(HEALTHY_LOOKS), HEALTHY_LOOKS, rule, runs, 700_001);
  const counted = falseRollbacks(COUNTED, rule, runs, 500_001);
  const [silent, half] = [0, 0.5].map((left) => detection(fallingSilent(HEALTHY_LOOKS, { left }), HEALTHY_LOOKS, rule, runs, 800_001));
  const [lateSilent, lateHalf] = [0, 0.5].map((left) => detection(fallingSilent(HEALTHY_LOOKS, { left, lag: LAG }), HEALTHY_LOOKS, rule, runs, 800_001));
  const [advanced, advancedHalf] = [0, 0.5].map((left) => detection(fallingSilent(ADVANCED, { left, lag: LAG, from: 0.05 }), ADVANCED, rule, runs, 800_001));
  const lateRows = Object.entries(LATE_SOURCES).map(([name, told]): BenchRow => {
    const shares = STEPS.map(([from, to]) => falseRollbacks(toldLate(from, to, ADVANCED, 250, told), rule, Math.ceil(runs / STEPS.length), 900_001));
    return { name: `false rollbacks where the share goes to 5, 25 or 95 % within an hour, ${name}`, value: 100 * Math.max(...shares), unit: '%', target: '<= 2.5' };
  });
  return Promise.resolve([
    ...rows,
    { name: 'median predictions to notice 2 -> 4 % at 25 %, early', value: early.median, unit: '', target: '<= 20000' },
    { name: 'the same after 100,000 healthy ones', value: late.median, unit: '', target: '<= 20000' },
    { name: 'taken back before those 100,000 ended', value: 100 * late.before, unit: '%', target: '<= 2.5' },
    { name: 'false rollbacks, 5, 25, 5 %, records beside counters by the hour, 2 % of them lost', value: 100 * counted, unit: '%', target: '<= 2.5' },
    { name: 'median predictions to notice a candidate that falls silent at 25 % after 100,000 healthy ones', value: silent?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: 'the same of one of which every second record is missing', value: half?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: `silent, records ${LAG} min later than counters`, value: lateSilent?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: `every second record missing, records ${LAG} min later than counters`, value: lateHalf?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: `silent from an advance from 5 to 25 % on, records ${LAG} min later than counters`, value: advanced?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: 'every second record missing from then on', value: advancedHalf?.median ?? Number.NaN, unit: '', target: '<= 20000' },
    { name: 'taken back before any of them', value: 100 * Math.max(...[silent, half, lateSilent, lateHalf, advanced, advancedHalf].map((each) => each?.before ?? 1)), unit: '%', target: '<= 2.5' },
    ...lateRows,
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchAssessed(process.argv[2] === undefined ? RUNS : Number(process.argv[2])));
