import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dependsOnSdk, murmur3, rolloutBucket } from '../../../src/core/personas/bucket.ts';
import { drawResult } from '../../../src/core/personas/draw.ts';
import { namedContext } from '../../../src/core/personas/model.ts';
import { sdkFeature, startSdk, type OfflineSdk } from '../../support/sdk.ts';
import { environment, gradual, seeded } from '../flags/rolloutSupport.ts';

/** What the Unleash SDK hashes with; it has no types. */
const murmurHash3 = createRequire(import.meta.url)('murmurhash3js') as { x86: { hash32(text: string, seed: number): number } };

describe('the bucket of a sticky value', () => {
  it('is by the published test vectors of MurmurHash3, x86, 32 bit', () => {
    const vectors: [string, number, number][] = [
      ['', 0, 0], ['', 1, 0x514e28b7], ['', 0xffffffff, 0x81f16f39], ['test', 0, 0xba6bd213], ['test', 0x9747b28c, 0x704b81dc],
      ['Hello, world!', 0, 0xc0363e43], ['Hello, world!', 0x9747b28c, 0x24884cba], ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
      ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd], ['a', 0x9747b28c, 0x7fa09ea6], ['aa', 0x9747b28c, 0x5d211726], ['aaa', 0x9747b28c, 0x283e0130], ['aaaa', 0x9747b28c, 0x5a97808a],
    ];
    for (const [text, seed, hash] of vectors) assert.equal(murmur3(text, seed), hash, `${text} with seed ${seed}`);
  });

  it('is by the values of the client specification of Unleash', () => {
    assert.deepEqual([rolloutBucket('gr1', '123'), rolloutBucket('groupX', '999')], [73, 25]);
  });

  it('hashes as the library does that Unleash uses, whatever the text', () => {
    const random = seeded(5);
    for (let index = 0; index < 2000; index += 1) {
      const text = Array.from({ length: Math.floor(random() * 24) }, () => String.fromCharCode(Math.floor(random() * (index % 2 === 0 ? 128 : 0x3000)))).join('');
      assert.equal(murmur3(text, index), murmurHash3.x86.hash32(text, index), JSON.stringify(text));
    }
  });

  describe('against the real SDK', () => {
    let sdk: OfflineSdk;
    before(async () => {
      sdk = await startSdk(Array.from({ length: 100 }, (_, percent) => sdkFeature(`at ${percent + 1}`, environment(gradual(percent + 1, {}, { groupId: 'fraud' })))), []);
    });
    after(() => sdk.stop());

    it('is the smallest rollout that exposes the value', () => {
      for (const userId of ['7', 'ann', 'a-much-longer-user-id@example.com', 'zoé', '日本', '']) {
        const exposed = Array.from({ length: 100 }, (_, percent) => percent + 1).filter((percent) => sdk.isEnabled(`at ${percent}`, { userId }));
        if (userId === '') assert.deepEqual(exposed, []);
        else assert.equal(exposed[0], rolloutBucket('fraud', userId), userId);
        const drawn = Array.from({ length: 100 }, (_, percent) => percent + 1)
          .filter((percent) => drawResult(gradual(percent, {}, { groupId: 'fraud' }), namedContext({ name: '', userId, properties: {} }).context).kind === 'in');
        assert.deepEqual(drawn, exposed, userId);
      }
    });
  });

  it('knows where SDKs of other languages may hash other bytes', () => {
    assert.deepEqual([dependsOnSdk('fraud', '7'), dependsOnSdk('fraud', 'zoé'), dependsOnSdk('betrüger', '7')], [false, true, true]);
  });
});
