import assert from 'node:assert/strict';
import { ReleaseStore } from '../../../src/extension/releases/releaseStore.ts';
import type { ReleaseFeatureParts } from '../../../src/extension/releases/lazyReleases.ts';
import type { Target } from '../../../src/extension/connection/connections.ts';
import { data, model } from './assessSupport.ts';

describe('the releases of a window', () => {
  it('take what was read before for no look of now: a reading may be ended before it is done', async () => {
    let reading: object | undefined;
    let refresh = (): void => undefined;
    let asked: unknown;
    const never = (): { dispose: () => void } => ({ dispose: () => undefined });
    const parts = {
      connections: { targets: [], onDidChange: never }, files: { onDidChange: never },
      quality: { load: () => Promise.resolve({ store: { of: () => reading, refresh: (_ref: unknown, _tell: unknown, back: unknown) => { asked = back; refresh(); return Promise.resolve(); } } }) },
    } as unknown as ReleaseFeatureParts;
    const store = new ReleaseStore(parts);
    const target = { folder: { uri: 'file:///work' } } as unknown as Target;
    const read = data([]);
    const readAs = (readAt: number) => (): void => { reading = { data: read, readAt, error: undefined }; };
    refresh = readAs(1);
    assert.equal(await store.readQuality(target, model()), read);
    refresh = () => undefined;
    await assert.rejects(store.readQuality(target, model()), /The reading of fraud was ended before it was done/);
    refresh = readAs(2);
    const back = { since: 2, from: 1 };
    assert.equal(await store.readQuality(target, model(), back), read);
    assert.equal(asked, back);
    store.dispose();
  });
});
