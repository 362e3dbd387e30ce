import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareReleased, quality } from '../../../src/cli/commands/quality.ts';
import type { CliContext } from '../../../src/cli/context.ts';

/** Every request of the candidate fails, none of the current version. */
async function ran(command: (context: CliContext) => Promise<number>, warnings: readonly string[], options: CliContext['options'] = {}, isEmpty = false, more = ''): Promise<{ readonly code: number; readonly out: string; readonly warned: readonly string[]; readonly progress: readonly string[] }> {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://localhost').searchParams.get('query') ?? '';
    const last = asked.includes('errors_total') && asked.includes('current') ? '0' : '5000';
    const seconds = Math.floor(Date.now() / 1000);
    const upTo: readonly (readonly [labels: object, last: string])[] = asked.includes('_bucket') ? [[{ le: '0.05' }, '4000'], [{ le: '+Inf' }, '5000']] : [[{}, last]];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'success', warnings, data: { resultType: 'matrix', result: (isEmpty ? [] : upTo).map(([metric, value]) => ({ metric, values: [[seconds - 590, '0'], [seconds - 60, value]] })) } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cwd = mkdtempSync(join(tmpdir(), 'modelswitch-command-'));
  const [out, warned, progress]: [string[], string[], string[]] = [[], [], []];
  try {
    writeFileSync(join(cwd, 'modelswitch.yaml'), `version: 1
models:
  fraud:
    flag: fraud-v2
    quality:
      source:
        prometheus:
          url: http://127.0.0.1:${(server.address() as AddressInfo).port}
          design_effect: 1
          lookback: 10m
          latency: {buckets: 'seconds_bucket{arm="$arm"}', unit: s}
          queries: {errors: {total: 'predictions_total{arm="$arm"}', bad: 'errors_total{arm="$arm"}'}}
      guardrails: [{name: errors, bad: error}]
${more}`);
    const context: CliContext = { options, operands: [], env: {}, cwd, signal: new AbortController().signal, write: (text) => void out.push(text), own: {}, warn: (sentence) => void warned.push(sentence), progress: (line) => void progress.push(line) };
    return { code: await command(context), out: out.join(''), warned, progress };
  } finally {
    server.close();
    rmSync(cwd, { recursive: true });
  }
}

describe('the exit code of quality and compare', () => {
  for (const [name, command] of [['quality', (context: CliContext) => quality.run(context)], ['compare', compareReleased]] as const) {
    it(`${name}: 1 where a guardrail is worse, 5 where the source told a part only`, async () => {
      const whole = await ran(command, []);
      assert.match(whole.out, /worse/);
      assert.deepEqual([whole.code, whole.warned], [1, []]);
      const part = await ran(command, ['store-1 is down']);
      assert.match(part.out, /worse[^]*Prometheus: store-1 is down/);
      assert.deepEqual([part.code, part.warned], [5, ['The source told a part only, by which nothing is decided: store-1 is down.']]);
    });
  }

  it('is 5 where the source has no record: a pipeline does not go on because nobody looked', async () => {
    for (const command of [(context: CliContext) => quality.run(context), compareReleased]) {
      const { code, warned } = await ran(command, [], {}, true);
      assert.deepEqual([code, warned.at(-1)], [5, 'The source has no record of this model: nothing was compared.']);
    }
  });

  it('how far the source has been read is told meanwhile, and wiped off before the report', async () => {
    const { progress } = await ran((context) => quality.run(context), []);
    assert.match(progress.join('\n'), /^(?:fraud: \d+ % read\n)*fraud: 100 % read\n$/);
  });

  it('the JSON of quality has latency quantiles with their buckets, and no number above the last boundary', async () => {
    const { out } = await ran((context) => quality.run(context), [], { json: true });
    const { arms } = JSON.parse(out) as { arms: { arm: string; latencyMs: unknown }[] };
    const latencyMs = { p50: { low: 0, high: 50, value: 31.25 }, p95: { low: 50, high: 'Infinity', value: null }, p99: { low: 50, high: 'Infinity', value: null } };
    assert.deepEqual(arms.map(({ arm, latencyMs: told }) => [arm, told]), [['candidate', latencyMs], ['current', latencyMs]]);
  });

  it('is that of an environment that is not there: the queries of Prometheus know none, so modelswitch.yaml says which there are', async () => {
    const plan = '    plan: [{environment: development, percent: 100}, {environment: production, percent: 5}, {environment: production, percent: 100}]\n';
    for (const command of [(context: CliContext) => quality.run(context), compareReleased]) {
      await assert.rejects(ran(command, [], { environment: 'nosuch' }, false, plan), { code: 'network', message: 'modelswitch.yaml knows no environment "nosuch". There are: development, production. Which one the numbers of Prometheus are of, its queries say.' });
      await assert.rejects(ran(command, [], { environment: 'development' }), { code: 'network', message: /^modelswitch\.yaml knows no environment "development"\. There are: production\./ });
      await assert.rejects(ran(command, [], { environment: 'production' }, false, 'unleash: {environment: live}\n'), { code: 'network', message: /There are: live\./ });
      for (const [environment, more] of [['production', ''], ['development', plan], ['live', 'unleash: {environment: live}\n']] as const) assert.equal((await ran(command, [], { environment }, false, more)).code, 1, environment);
    }
  });
});
