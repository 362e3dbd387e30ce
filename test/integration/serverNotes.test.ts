import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { FlagStore } from '../../src/core/flags/store.ts';
import { askedWords } from '../../src/core/flags/serverNotes.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { systemClock } from '../../src/extension/platform/clock.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';
import { withDatabase } from '../support/database.ts';

describe('what a server says beside its flags', function () {
  this.timeout(60_000);
  let unleash: SharedUnleash;
  let viewer: UnleashClient;

  before(async () => {
    unleash = await sharedUnleash();
    viewer = clientOf(unleash.url, unleash.tokens.vera);
  });

  it('are the lifetimes of its types of flags, by which it calls one potentially stale', async () => {
    const lifetimes = await viewer.readLifetimes();
    assert.deepEqual([lifetimes.get('release'), lifetimes.get('operational'), lifetimes.has('permission')], [40, 7, false]);
  });

  it('are the names that applications ask for in vain, to a viewer too, told again only when they changed', async function asked() {
    this.timeout(120_000);
    await withDatabase(async ({ url, admin, token, query }) => {
      const client = clientOf(url, token);
      const none = await client.pollAskedFlags(undefined);
      assert.deepEqual(none.changed && none.flags, []);
      // Unleash writes down what applications report every two minutes; this is what it writes.
      const insert = (name: string, application: string, environment: string): Promise<unknown> => query('INSERT INTO unknown_flags (name, app_name, seen_at, environment) VALUES ($1, $2, now(), $3)', [name, application, environment]);
      await insert('fraud-v9', 'scorer', 'production');
      await insert('fraud-v9', 'scorer', 'development');
      await insert('other', 'web', 'production');
      const poll = await client.pollAskedFlags(none.changed ? none.etag : undefined);
      assert.ok(poll.changed);
      assert.deepEqual(poll.flags.map(({ name, reports }) => [name, reports.map(({ application, environment }) => `${application} ${environment}`).toSorted()]), [['fraud-v9', ['scorer development', 'scorer production']], ['other', ['web production']]]);
      assert.match(askedWords(poll.flags[0]!), /^scorer in (production|development), scorer in (production|development); last seen \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
      assert.deepEqual(await client.pollAskedFlags(poll.etag), { changed: false });
      // A flag that is made is no longer unknown.
      await admin.createFlag({ name: 'other' });
      const after = await client.pollAskedFlags(poll.etag);
      assert.deepEqual(after.changed && after.flags.map(({ name }) => name), ['fraud-v9']);
    });
  });

  it('is in the event log which names are archived, by one request for all', async () => {
    const [archived, revived, deleted] = [await freshFlag(), await freshFlag(), await freshFlag()];
    const { alice } = unleash.as;
    for (const { name } of [archived, revived, deleted]) await alice.archive(name);
    await alice.request('POST', `/api/admin/archive/revive/${revived.name}`);
    await alice.deleteArchived(deleted.name);
    const requests: string[] = [];
    const reader = clientOf(unleash.url, unleash.tokens.vera, (url, init) => {
      requests.push(url);
      return fetch(url, init);
    });
    const store = new FlagStore({ reader, project: 'default', clock: systemClock, pollEveryMs: () => 60_000 });
    assert.equal(store.hasRead, false);
    await store.refresh(true);
    assert.equal(store.hasRead, true);
    requests.length = 0;
    const never = `never-${randomBytes(4).toString('hex')}`;
    assert.equal(await store.learnArchived([archived.name, revived.name, deleted.name, never]), true);
    assert.deepEqual([...store.snapshot!.archived], [archived.name]);
    assert.equal(requests.length, 1);
    assert.equal(await store.learnArchived([archived.name, deleted.name, never]), true);
    assert.equal(requests.length, 1);
    // A name that is made and archived meanwhile is asked for again, also when the log was not followed.
    await unleash.as.eddy.createFlag({ name: never });
    await store.refresh(true);
    await unleash.as.alice.archive(never);
    await store.refresh(true);
    await store.learnArchived([never]);
    assert.ok(store.snapshot!.archived.has(never));
    store.dispose();
  });

  it('is asked for again when it did not answer', async () => {
    let isDown = false;
    const reader = clientOf(unleash.url, unleash.tokens.vera, (url, init) => (isDown ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init)));
    const { name } = await freshFlag();
    await unleash.as.alice.archive(name);
    const store = new FlagStore({ reader, project: 'default', clock: systemClock, pollEveryMs: () => 60_000 });
    await store.refresh(true);
    isDown = true;
    assert.equal(await store.learnArchived([name]), false);
    assert.equal(store.snapshot!.archived.has(name), false);
    isDown = false;
    assert.equal(await store.learnArchived([name]), true);
    assert.equal(store.snapshot!.archived.has(name), true);
    store.dispose();
  });
});
