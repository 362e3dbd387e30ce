import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { seeded } from './guardSimulation.ts';
import { START } from './qualityRecords.ts';

/** A file as services write it, as large as one likes: nothing but a part of it is held. */
export interface ManyRecords {
  readonly count: number;
  readonly seed?: number;
  readonly units?: number;
  /** Over how long a time the records are spread. */
  readonly spanMs?: number;
  readonly firstId?: number;
}

const PART = 5000;
const COUNTRIES = ['DE', 'FR', 'US', 'PL'];
const DAY_MS = 86_400_000;
/** Columns in the order in which `record` writes them; features as columns of their own. */
const COLUMNS = ['ts', 'request_id', 'unit_id', 'environment', 'service', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features.amount', 'features.age', 'features.country', 'score', 'latency_ms', 'error'];

interface Generated {
  readonly ts: string;
  readonly request: number;
  readonly unit: number;
  readonly isCandidate: boolean;
  readonly amount: number;
  readonly age: number;
  readonly country: string;
  readonly score: number;
  readonly latency: number;
  readonly isError: boolean;
}

/** Records of sticky users in the order of time, the same for the same seed. Latency has the tail that services have. */
function* generated({ count, seed = 1, units = 500_000, spanMs = 7 * DAY_MS, firstId = 0 }: ManyRecords): Generator<Generated> {
  const random = seeded(seed);
  for (let index = 0; index < count; index += 1) {
    const unit = Math.floor(random() * units);
    const isCandidate = (unit * 7919) % 10_007 < 2502;
    yield {
      ts: new Date(START + Math.floor((index * spanMs) / count)).toISOString(), request: firstId + index, unit, isCandidate,
      amount: Math.round(random() * 100_000) / 100, age: 18 + Math.floor(random() * 60), country: COUNTRIES[Math.floor(random() * COUNTRIES.length)] ?? 'DE',
      score: Math.round(random() * 1e4) / 1e4, latency: Math.round(-2500 * Math.log(1 - random())) / 100, isError: random() < (isCandidate ? 0.03 : 0.02),
    };
  }
}

function json({ ts, request, unit, isCandidate, amount, age, country, score, latency, isError }: Generated): string {
  return `{"ts":"${ts}","request_id":"r-${request}","unit_id":"u-${unit}","environment":"production","service":"credit","flag":"fraud-v2","assigned_arm":"${isCandidate ? 'candidate' : 'current'}","model_version":"${isCandidate ? 14 : 13}",` +
    `"role":"serving","fallback":false,"batch_id":null,"features":{"amount":${amount},"age":${age},"country":"${country}"},"score":${score},"latency_ms":${latency},"error":${isError ? '"timeout"' : 'null'}}\n`;
}

function csv({ ts, request, unit, isCandidate, amount, age, country, score, latency, isError }: Generated): string {
  return `${ts},r-${request},u-${unit},production,credit,fraud-v2,${isCandidate ? 'candidate,14' : 'current,13'},serving,false,,${amount},${age},${country},${score},${latency},${isError ? 'timeout' : ''}\n`;
}

/** Writes records as JSON Lines, or as CSV where the name ends so; `append` adds JSON Lines to a file. */
export async function writeManyRecords(path: string, options: ManyRecords, { append = false } = {}): Promise<void> {
  const file = createWriteStream(path, { flags: append ? 'a' : 'w' });
  const isCsv = path.endsWith('.csv');
  let [part, held] = [isCsv ? `${COLUMNS.join(',')}\n` : '', 0];
  for (const each of generated(options)) {
    part += isCsv ? csv(each) : json(each);
    held += 1;
    if (held < PART) continue;
    if (!file.write(part)) await once(file, 'drain');
    [part, held] = ['', 0];
  }
  file.end(part);
  await finished(file);
}
