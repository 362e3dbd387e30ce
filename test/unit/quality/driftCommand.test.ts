import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drift } from '../../../src/cli/commands/quality.ts';
import type { CliContext } from '../../../src/cli/context.ts';

interface Ran { readonly code: number; readonly out: string; readonly warned: string }

describe('the exit code of drift', () => {
  let cwd: string;
  beforeEach(() => { cwd = mkdtempSync(join(tmpdir(), 'modelswitch-drift-command-')); });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  /** A log of both arms, in each of the environments. */
  function log(environments: readonly string[] = ['production'], rows = 400): void {
    const records = environments.flatMap((environment) => Array.from({ length: rows }, (_, row) => ({ ts: new Date(Date.now() - 1000 * (row + 1)).toISOString(), request_id: `${environment} ${row}`, unit_id: `u-${row}`, environment, flag: 'fraud-v2', assigned_arm: row % 4 < 2 ? 'candidate' : 'current', features: { amount: (row * 7) % 101 } })));
    writeFileSync(join(cwd, 'log.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }

  async function ran(section: string, own: CliContext['own'] = {}): Promise<Ran> {
    writeFileSync(join(cwd, 'modelswitch.yaml'), `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n      source: {log: log.jsonl}\n      guardrails: [{name: errors, bad: error}]\n${section}`);
    const [out, warned]: [string[], string[]] = [[], []];
    const context: CliContext = { options: {}, operands: [], env: {}, cwd, signal: new AbortController().signal, write: (text) => void out.push(text), own, warn: (sentence) => void warned.push(sentence), progress: () => undefined };
    return { code: await drift.run(context), out: out.join(''), warned: warned.join(' ') };
  }

  it('is 0 where all was compared, 5 where the reference has no feature of the log, though the arms were compared with each other', async () => {
    log();
    writeFileSync(join(cwd, 'train.csv'), `amount\n${Array.from({ length: 400 }, (_, row) => (row * 7) % 101).join('\n')}\n`);
    const fine = await ran('      drift: {reference: train.csv}\n');
    assert.equal(fine.code, 0, fine.out);
    writeFileSync(join(cwd, 'other.csv'), `price\n${'1\n2\n'.repeat(50)}`);
    const other = await ran('      drift: {reference: other.csv}\n');
    assert.deepEqual([other.code, /candidate and other\.csv have no feature in common/.test(other.out), /candidate against current/.test(other.out)], [5, true, true], other.out);
  });

  it('is 5 without an earlier week, in whichever environment; without a reference the arms suffice', async () => {
    log(['production', 'staging']);
    const { code, out } = await ran('      drift: {reference: {weeks_ago: 1, hours: 3}}\n');
    assert.deepEqual([code, out.split('nothing was compared with drift.reference').length], [5, 3], out);
    assert.equal((await ran('      drift: {window: 24h}\n')).code, 0);
  });

  it('is refused for a reference without a row, and for a list without a feature', async () => {
    log();
    writeFileSync(join(cwd, 'train.csv'), 'amount\n');
    await assert.rejects(ran('      drift: {reference: train.csv}\n'), { message: /train\.csv has no row/ });
    await assert.rejects(ran('      drift: {features: []}\n'), ({ message }: Error) => message.includes('modelswitch.yaml') || message.includes('names no feature'));
  });

  it('is 5 where the command of skew tells too few requests, also where those are skewed', async () => {
    log();
    writeFileSync(join(cwd, 'few.mjs'), `import { createInterface } from 'node:readline';\nlet at = 0;\nfor await (const line of createInterface({ input: process.stdin })) { const { request_id, features } = JSON.parse(line); if (at++ % 5 === 0) console.log(JSON.stringify({ request_id, features: { amount: features.amount + 1 } })); }\n`);
    const { code, out, warned } = await ran(`      skew: {exec: [${JSON.stringify(process.execPath)}, few.mjs], sample: 200}\n`, { skew: true });
    assert.deepEqual([code, /ALARM/.test(out), /insufficient data: other values in 100 % of 40 requests/.test(out), /^Feature skew is not known: the command told 40 of 200 requests\.$/.test(warned)], [5, false, true, true], `${out} ${warned}`);
  });

  it('goes by what the command of skew recomputes of requests whose ids are whole numbers beyond 2^53, which it may print as numbers', async () => {
    const line = (row: number): string => `{"ts":${Date.now() - 1000 * (row + 1)},"request_id":${9_007_199_254_741_001n + BigInt(row)},"flag":"fraud-v2","assigned_arm":"${row % 2 === 0 ? 'candidate' : 'current'}","features":{"amount":${row}}}\n`;
    writeFileSync(join(cwd, 'log.jsonl'), Array.from({ length: 200 }, (_, row) => line(row)).join(''));
    writeFileSync(join(cwd, 'same.mjs'), `import { createInterface } from 'node:readline';\nfor await (const line of createInterface({ input: process.stdin })) console.log(line.replace(/"request_id":"(\\d+)"/, process.argv[2] === 'numbers' ? '"request_id":$1' : '$&'));\n`);
    for (const how of ['numbers', 'texts']) {
      const { code, out, warned } = await ran(`      skew: {exec: [${JSON.stringify(process.execPath)}, same.mjs, ${how}], sample: 200}\n`, { skew: true });
      assert.deepEqual([code, /equal in all 200 requests/.test(out), warned], [0, true, ''], out);
    }
  });
});
