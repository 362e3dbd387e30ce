import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { AppError } from '../../src/core/base/errors.ts';
import { applyCreateSegment, membersWords, planCreateSegment, segmentValues, valuesProblem, type SegmentCreator } from '../../src/core/flags/createSegment.ts';
import { mayCreateSegment } from '../../src/core/flags/permissions.ts';
import { FlagStore } from '../../src/core/flags/store.ts';
import { ManualClock } from '../support/manualClock.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Ran { readonly code: number | null; readonly text: string; readonly errors: string }

describe('creating a segment that a plan names', function () {
  this.timeout(60_000);
  let unleash: SharedUnleash;
  let client: UnleashClient;
  const made: string[] = [];

  before(async () => {
    unleash = await sharedUnleash();
    client = clientOf(unleash.url, unleash.tokens.eddy);
  });
  after(async () => {
    for (const { id, name } of await unleash.as.alice.segments()) if (made.includes(name)) await unleash.as.alice.request('DELETE', `/api/admin/segments/${id}`);
  });

  function newName(): string {
    const name = `made-${randomBytes(4).toString('hex')}`;
    made.push(name);
    return name;
  }
  const wish = (segment: string): { segment: string; field: string; values: string[] } => ({ segment, field: 'userId', values: ['7', '8'] });
  const exists = async (name: string): Promise<boolean> => (await unleash.as.alice.segments()).some((each) => each.name === name);
  const refusal = (code: string, words: RegExp) => (error: unknown): boolean => error instanceof AppError && error.code === code && words.test(error.message);

  function run(token: string, ...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [program, 'segment', ...args], { cwd: tmpdir(), env: { ...process.env, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: token } });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, text, errors })));
  }

  it('makes one whose members have one of the values, and tells so before', async () => {
    const name = newName();
    const plan = await planCreateSegment(client, unleash.url, wish(name));
    assert.equal(await exists(name), false);
    assert.equal(membersWords(plan.constraint), 'userId is one of 7, 8');
    const { id } = await applyCreateSegment(client, plan);
    const known = (await client.readSegments()).find((each) => each.id === id);
    assert.deepEqual(known, { id, name, constraints: [{ contextName: 'userId', operator: 'IN', values: ['7', '8'], inverted: false, caseInsensitive: false }] });
  });

  it('makes no second one of a name, whoever was first', async () => {
    const name = newName();
    const plan = await planCreateSegment(client, unleash.url, wish(name));
    await applyCreateSegment(clientOf(unleash.url, unleash.tokens.alice), plan);
    await assert.rejects(planCreateSegment(client, unleash.url, wish(name)), refusal('conflict', /has a segment "made-\w+" already: nothing was written/));
    await assert.rejects(applyCreateSegment(client, { ...plan, constraint: { ...plan.constraint, values: ['9'] } }), refusal('conflict', /./));
    assert.deepEqual((await client.readSegments()).filter((each) => each.name === name).map(({ constraints }) => constraints[0]?.values), [['7', '8']]);
  });

  it('says which permission is lacking, and makes nothing', async () => {
    const name = newName();
    const viewer = clientOf(unleash.url, unleash.tokens.vera);
    assert.deepEqual([mayCreateSegment(await viewer.readIdentity()), mayCreateSegment(await client.readIdentity())], [false, true]);
    const plan = await planCreateSegment(viewer, unleash.url, wish(name));
    await assert.rejects(applyCreateSegment(viewer, plan), refusal('forbidden', /lacks the permission .*CREATE_SEGMENT/));
    assert.equal(await exists(name), false);
  });

  it('looks whether it arrived when the answer is lost', async () => {
    const lost = (arrives: boolean): SegmentCreator => ({
      readSegments: (signal) => client.readSegments(signal),
      createSegment: async (segment) => {
        if (arrives) await client.createSegment(segment);
        throw new AppError('timeout', 'no answer in time');
      },
    });
    const [arrived, gone] = [newName(), newName()];
    assert.equal((await applyCreateSegment(lost(true), await planCreateSegment(client, unleash.url, wish(arrived)))).name, arrived);
    await assert.rejects(applyCreateSegment(lost(false), await planCreateSegment(client, unleash.url, wish(gone))), refusal('timeout', /no answer in time/));
    assert.equal(await exists(gone), false);
  });

  it('refuses names and values that cannot be', async () => {
    for (const bad of [{ segment: ' ' }, { segment: 'x'.repeat(256) }, { field: '' }, { values: [] }]) await assert.rejects(planCreateSegment(client, unleash.url, { ...wish('x'), ...bad }), refusal('validation', /./));
    assert.deepEqual(segmentValues(' a, b ,, a,c d '), ['a', 'b', 'c d']);
    assert.equal(valuesProblem(['eu'], ['eu', 'us']), undefined);
    assert.match(valuesProblem(['asia'], ['eu', 'us']) ?? '', /does not allow the value "asia".* eu, us/);
  });

  it('is known to the store of somebody who is shown no events of segments, although no flag uses it', async () => {
    const store = new FlagStore({ reader: client, project: 'default', clock: new ManualClock(), pollEveryMs: () => 1000 });
    try {
      await store.refresh();
      const name = newName();
      await applyCreateSegment(client, await planCreateSegment(client, unleash.url, wish(name)));
      await store.expectChange({ segments: true });
      assert.equal([...store.snapshot?.segments.values() ?? []].some((each) => each.name === name), true);
    } finally {
      store.dispose();
    }
  });

  it('is a command, which says what it would do, does it, and tells a viewer why not', async () => {
    const name = newName();
    const { eddy, vera } = unleash.tokens;
    const given = ['--name', name, '--members', 'userId=7, 8'];
    assert.deepEqual(await run(eddy, ...given, '--dry-run'), { code: 0, text: `segment ${name}: none -> userId is one of 7, 8 (dry run)\n`, errors: '' });
    assert.equal(await exists(name), false);
    const refused = await run(vera, ...given);
    assert.match(refused.errors, /lacks the permission .*CREATE_SEGMENT/);
    assert.deepEqual([refused.code, await exists(name)], [3, false]);
    const { code, text } = await run(eddy, ...given, '--json');
    const told = JSON.parse(text) as { plan: { segment: string; constraint: { values: string[] } }; outcome: { kind: string; id: number } };
    assert.deepEqual([code, told.plan.segment, told.plan.constraint.values, told.outcome.kind], [0, name, ['7', '8'], 'done']);
    assert.match((await run(eddy, '--name', name, '--members', 'userId')).errors, /--members takes a context field and its values/);
  });
});
