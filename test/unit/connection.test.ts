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
});
