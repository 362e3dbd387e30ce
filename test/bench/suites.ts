import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpSubject } from '../../src/adapters/predictors/httpSubject.ts';
import type { SubjectContent } from '../../src/core/suites/schema.ts';
import type { Row } from '../../src/core/suites/model.ts';
import { checklistFolder, checklistPython } from '../support/checklist.ts';
import { startMlserver } from '../support/mlserver.ts';
import { FunctionSubject, run, type Ran } from '../support/suiteRuns.ts';
import { median, type BenchRow } from './table.ts';

const CONCURRENCY = 8;
const SECONDS = 4;
const ROUNDS = 3;

/** A scoring server of MLflow's form that does next to nothing, in a process of its own: what is slow is who asks. */
const SERVER = `
const { createServer } = require('node:http');
const server = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => { text += chunk; });
  request.on('end', () => {
    const { data } = JSON.parse(text).dataframe_split;
    response.end(JSON.stringify({ predictions: data.map(([income]) => 1 / (1 + Math.exp((income - 50) / 20))) }));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());
`;

async function startServer(program = SERVER): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(createInterface({ input: child.stdout }), 'line') as [string];
  return { url: `http://127.0.0.1:${port}`, stop: async () => { child.stdin.end(); await once(child, 'exit'); } };
}

async function* rows(count: number): AsyncGenerator<Row> {
  for (let index = 0; index < count; index += 1) yield { income: (index * 7919) % 100, name: 'Tom' };
  await Promise.resolve();
}

const suite = (sample = ''): string => `output: {score: "$.predictions[0]"}\ndata: {file: a.jsonl${sample}}\ntests: [{id: known, kind: expectation, expect: {between: [0.1, 1]}}]`;

/** Requests per second of the load generator, in a process of its own as it is meant to be used. */
async function autocannon(url: string, body: unknown): Promise<number> {
  const child = spawn(process.execPath, ['node_modules/autocannon/autocannon.js', '--json', '--no-progress', '-c', String(CONCURRENCY), '-d', String(SECONDS), '-m', 'POST', '-H', 'content-type: application/json', '-b', JSON.stringify(body), url], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  await once(child, 'close');
  const { requests, non2xx, errors } = JSON.parse(text) as { requests: { total: number; average: number }; non2xx: number; errors: number };
  if (non2xx + errors > 0) throw new Error(`autocannon: ${non2xx} answers without 2xx, ${errors} errors`);
  return requests.average;
}

async function cases(url: string, content: SubjectContent, count: number, text = suite()): Promise<{ readonly ran: Ran; readonly perSecond: number }> {
  const subject = new HttpSubject(url, content);
  const started = performance.now();
  const ran = await run(text, subject, { rowsOf: () => rows(count) });
  const seconds = (performance.now() - started) / 1000;
  await subject.close();
  return { ran, perSecond: count / seconds };
}

function outcomeOf({ test }: Ran): string {
  const { counts, failures, outcome } = test('known');
  return JSON.stringify({ counts, failures, outcome });
}

async function speed(name: string, url: string, path: string, content: SubjectContent, body: unknown, count: number, text?: string): Promise<BenchRow[]> {
  const one = { ...content, http: url, batch_size: 1, concurrency: CONCURRENCY };
  const [raw, ours]: [number[], number[]] = [[], []];
  // What is compiled while it runs is compiled before it is measured.
  await cases(url, one, Math.min(count, 20_000), text);
  // In turns, so that what slows the machine slows both.
  for (let round = 0; round < ROUNDS; round += 1) {
    raw.push(await autocannon(`${url}${path}`, body));
    ours.push((await cases(url, one, count, text)).perSecond);
  }
  const sequential = await cases(url, { ...one, concurrency: 1 }, 2000, text);
  const parallel = await cases(url, { ...one, batch_size: 32 }, 2000, text);
  if (outcomeOf(sequential.ran) !== outcomeOf(parallel.ran)) throw new Error('batches and concurrency change the verdict');
  const batched = await cases(url, { ...one, batch_size: 32 }, count, text);
  return [
    { name: `${name}: cases per second, one row a request, ${CONCURRENCY} at once`, value: median(ours), unit: '/s', target: `>= ${Math.round(0.8 * median(raw))}`, baseline: { name: 'autocannon', value: median(raw) } },
    { name: `${name}: cases per second, 32 rows a request; same verdict as one by one`, value: batched.perSecond, unit: '/s', baseline: { name: 'one after another', value: sequential.perSecond } },
  ];
}

/** A server of two classes in the form of MLflow's, that the tests of CheckList are compared on: an opinion on one name, and a rise where income is high. */
const CLASSES = SERVER.replace(/response\.end[^\n]*/, `response.end(JSON.stringify({ predictions: data.map(([income, name]) => {
      const x = income > 80 ? 160 - income : income;
      const risk = 1 / (1 + Math.exp((x - 50) / 20));
      const second = name === 'Ahmed' ? Math.min(1, risk + 0.2) : risk;
      return [1 - second, second];
    }) }));`);

const CHECKLIST_SUITE = `output: {proba: "$.predictions[0]", classes: [low, high]}
data: {file: a.jsonl}
tests:
  - {id: known, kind: expectation, expect: {that: proba.high >= 0.1}}
  - {id: name-blind, kind: invariance, change: {name: [Anna, Ahmed]}, tolerance: {abs: 0.01, rel: 0}}
  - {id: income-up, kind: directional, change: {income: {add: 10}}, expect: decrease, class: high, tolerance: {abs: 0.005, rel: 0}}
`;

/** The same tests written with CheckList, over the same rows and the same server, in the same run: what both find must be the same. */
async function besideCheckList(): Promise<BenchRow[]> {
  const count = 5000;
  const python = await checklistPython();
  const server = await startServer(CLASSES);
  try {
    const theirs: { seconds: number; asked: number; tests: Record<string, { failed: number; skipped: number }> }[] = [];
    const ours: number[] = [];
    let wrong = '';
    for (let round = 0; round < ROUNDS; round += 1) {
      const ran = spawnSync(python, [join(checklistFolder, 'run.py'), server.url, String(count)], { encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`CheckList: ${ran.stderr}`);
      theirs.push(JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as (typeof theirs)[number]);
      const { ran: { test }, perSecond } = await cases(server.url, { http: server.url }, count, CHECKLIST_SUITE);
      ours.push(count / perSecond);
      const found = Object.fromEntries(['known', 'name-blind', 'income-up'].map((id) => [id, { failed: test(id).counts.failed, skipped: test(id).counts.skipped }]));
      if (JSON.stringify(found) !== JSON.stringify(theirs[0]?.tests)) wrong = `CheckList finds ${JSON.stringify(theirs[0]?.tests)}, Modelswitch ${JSON.stringify(found)}`;
    }
    if (wrong !== '') throw new Error(wrong);
    return [{ name: `the same three tests over ${count} rows; the same failures and skips (${JSON.stringify(theirs[0]?.tests).replaceAll('"', '')})`, value: median(ours), unit: 's', baseline: { name: `CheckList, which asks ${((theirs[0]?.asked ?? 0) / count).toFixed(0)} times a row`, value: median(theirs.map(({ seconds }) => seconds)) } }];
  } finally {
    await server.stop();
  }
}

/** Milliseconds from the model's first answer to the first failing case that is told, on a model that takes 50 ms for a row; data of 100,000 rows. */
async function firstResult(): Promise<BenchRow[]> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const abort = new AbortController();
    let [answered, told] = [0, 0];
    const subject = new FunctionSubject(async () => {
      await delay(50);
      if (answered === 0) answered = performance.now();
      return { document: { predictions: [2] } };
    }, { batchSize: 1, concurrency: 8 });
    await run(suite(), subject, { rowsOf: () => rows(100_000), signal: abort.signal, onEvent: (event) => {
      if (event.kind !== 'example' || told !== 0) return;
      told = performance.now();
      abort.abort();
    } }).catch(() => undefined);
    times.push(told - answered);
  }
  return [{ name: 'from the model\'s first answer (50 ms a row) to the first failing case told, 100,000 rows', value: median(times), unit: 'ms', target: '<= 300' }];
}

/** Heap after a collection, in MB. */
function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

async function memory(): Promise<BenchRow[]> {
  const at: number[] = [];
  let asked = 0;
  const subject = new FunctionSubject((row) => {
    asked += 1;
    if (asked % 100_000 === 0) at.push(heap());
    return { document: { predictions: [Number(row['income']) / 100] } };
  }, { batchSize: 32, concurrency: 8 });
  // What was asked is kept by the stand-in, for tests.
  subject.requests.push = () => 0;
  const started = performance.now();
  await run(suite().replace('expectation, expect: {between: [0.1, 1]}', 'invariance, change: {name: {typos: 1}}, min_pass: 0.5'), subject, { rowsOf: () => rows(1_000_000), onEvent: () => undefined });
  const seconds = (performance.now() - started) / 1000;
  return [
    { name: 'heap at 1,000,000 generated cases (2,000,000 rows asked)', value: at.at(-1) ?? Number.NaN, unit: 'MB', baseline: { name: 'at 50,000 cases', value: at[0] ?? Number.NaN } },
    { name: 'cases per second without a server', value: 1_000_000 / seconds, unit: '/s' },
  ];
}

/** Suites beside a load generator on the same server, and what a million cases hold. */
export async function benchSuites(): Promise<BenchRow[]> {
  const server = await startServer();
  const mlserver = await startMlserver();
  try {
    const kserve: SubjectContent = { format: 'kserve-v2', model: 'risk' };
    const tensor = (name: string, datatype: string, value: unknown): unknown => ({ name, shape: [1, 1], datatype, data: [value] });
    return [
      ...await besideCheckList(),
      ...await firstResult(),
      ...await speed('a server that does nothing', server.url, '/invocations', {}, { dataframe_split: { columns: ['income', 'name'], data: [[40, 'Tom']] } }, 80_000),
      ...await speed('a real MLServer', mlserver.url, '/v2/models/risk/infer', kserve, { inputs: [tensor('income', 'FP64', 40), tensor('name', 'BYTES', 'Tom')] }, 3_000, suite().replace('$.predictions[0]', '$.outputs[0].data[1]')),
      ...await memory(),
    ];
  } finally {
    await server.stop();
    await mlserver.stop();
  }
}
