import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { CallSite } from '../../../src/core/callsites/model.ts';
import { callSitesOf, fixture } from './parser.ts';

/**
 * Every line of a fixture that mentions a method carries its label: `# -> none`, or one entry per call site that has its
 * method's name on the line, as `is_enabled literal "key"` (several keys: `"a" | "b"`) or `get_variant dynamic cause`, separated by `; `.
 */
function labels(text: string): readonly { readonly line: number; readonly wanted: readonly string[] }[] {
  return text.split('\n').flatMap((content, line) => {
    const label = /# -> (.*)$/.exec(content)?.[1];
    if (label === undefined) {
      assert.doesNotMatch(content, /\b(?:is_enabled|get_variant)\b.*\(|\.(?:is_enabled|get_variant)\b/, `line ${line + 1} needs a label`);
      return [];
    }
    return [{ line, wanted: label === 'none' ? [] : label.split('; ') }];
  });
}

function described({ api, key, keys }: CallSite): string {
  return key.kind === 'dynamic' ? `${api} dynamic ${key.cause}` : `${api} ${key.kind} ${keys.map(({ value }) => JSON.stringify(value)).join(' | ')}`;
}

const FIXTURES = readdirSync(new URL('../../fixtures/callsites/', import.meta.url)).filter((name) => name.endsWith('.py'));

describe('call sites of the labelled fixtures', () => {
  for (const name of FIXTURES) {
    it(`finds exactly what ${name} says`, async () => {
      const text = fixture(name);
      const found = await callSitesOf(text);
      const wanted = labels(text);
      const lines = new Set([...wanted.map(({ line }) => line), ...found.map(({ nameRange }) => nameRange.start.line)]);
      const actual = [...lines].sort((a, b) => a - b).map((line) => ({ line: line + 1, sites: found.filter(({ nameRange }) => nameRange.start.line === line).map(described) }));
      assert.deepEqual(actual, wanted.map(({ line, wanted: sites }) => ({ line: line + 1, sites })));
    });
  }

  it('holds more places without a known key than with one', () => {
    const all = FIXTURES.flatMap((name) => labels(fixture(name))).flatMap(({ wanted }) => wanted.length === 0 ? ['none'] : wanted);
    const known = all.filter((label) => / (?:literal|constant) /.test(label)).length;
    assert.ok(known > 60, `${known} known keys`);
    assert.ok(all.length - known > known, `${all.length - known} others beside ${known} known keys`);
  });

  it('says the reason of a dynamic key in words', async () => {
    const reasons = async (text: string): Promise<readonly string[]> => (await callSitesOf(text)).map(({ key }) => key.kind === 'dynamic' ? key.reason : key.value);
    assert.deepEqual(await reasons([
      'from app.keys import IMPORTED',
      'def check(unleash, key, *args):',
      '    unleash.is_enabled(key)',
      '    unleash.is_enabled(IMPORTED)',
      '    unleash.is_enabled(*args)',
      '    unleash.is_enabled(make_key("a"))',
      '    unleash.is_enabled(KEYS["a"])',
      '    unleash.is_enabled(context={})',
    ].join('\n')), [
      '`key` is a parameter of `check`',
      '`IMPORTED` is imported from `app.keys`',
      'the arguments are unpacked from a variable',
      'the result of `make_key()`',
      '`KEYS["a"]` is not a constant',
      'the call has no `feature_name` argument',
    ]);
  });
});
