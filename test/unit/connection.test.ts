import assert from 'node:assert/strict';
import { Connection, type ConnectionParts } from '../../src/extension/connection/connection.ts';

describe('a connection', () => {
  it('fails with a sentence, and without a request, for a token that cannot stand in a header', async () => {
    let requests = 0;
    const parts = {
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error('not expected'));
      },
      parseBulk: () => Promise.resolve([]),
      clock: { now: () => 0, after: () => ({ dispose: () => undefined }) },
      log: { error: () => undefined, trace: () => undefined },
      pollEveryMs: () => 1000,
      snapshots: { load: () => Promise.resolve(undefined), save: () => undefined },
    } as unknown as ConnectionParts;
    const connection = new Connection('http://unleash.test', 'default', parts);
    await connection.open('user:first-line\nsecond-line');
    const { state } = connection;
    assert.ok(state.kind === 'failed');
    assert.deepEqual([state.error.code, state.error.message.includes('second-line'), requests], ['auth', false, 0]);
  });

  it('tries again for who works while nobody looks, where a failure passes, and leaves no second timer behind', async () => {
    const [answers, timers]: [(() => Promise<Response>)[], number[]] = [[], []];
    const json = (body: unknown): Response => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
    const parts = {
      fetch: (url: string) => answers[0]?.() ?? Promise.resolve(json(url.includes('instance-admin') || url.includes('ui-config') ? { version: '7.0.0', environment: 'OSS' } : { user: { id: 1, username: 'u' }, permissions: [] })),
      parseBulk: () => Promise.resolve([]),
      clock: { now: () => 0, after: (ms: number) => { timers.push(ms); return { dispose: () => undefined }; } },
      log: { error: () => undefined, trace: () => undefined },
      pollEveryMs: () => 1000,
      snapshots: { load: () => Promise.resolve(undefined), save: () => undefined },
    } as unknown as ConnectionParts;
    const connection = new Connection('http://unleash.test', 'default', parts);
    const state = (): string => connection.state.kind;
    await connection.retry();
    assert.equal(state(), 'signedOut', 'nobody has signed in');
    answers.push(() => Promise.reject(new TypeError('fetch failed')));
    await connection.open('user:token');
    const before = timers.length;
    await connection.retry();
    assert.deepEqual([state(), timers.length], ['failed', before]);
    answers.pop();
    await connection.retry();
    assert.equal(state(), 'connected');
    answers.push(() => Promise.resolve(new Response('{}', { status: 401 })));
    await connection.open('user:revoked');
    let asked = 0;
    answers[0] = () => { asked += 1; return Promise.reject(new TypeError('not expected')); };
    await connection.retry();
    assert.deepEqual([state(), asked], ['failed', 0], 'a revoked token does not come back');
  });
});
