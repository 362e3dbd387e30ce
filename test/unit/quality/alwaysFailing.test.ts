import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { records, START } from '../../support/qualityRecords.ts';

/** What is found of a log that writes a text where all went well, and null where `wellIs` is null. */
function found(wellIs: string | null, { bad = 'error', candidateErrors = 0.3, currentErrors = 0.02 } = {}): { readonly verdict: string | undefined; readonly because: string | undefined; readonly said: readonly string[] } {
  const definition = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad }] }).quality ?? assert.fail();
  const collector = new Collector(definition, { flags: ['fraud-v2'] });
  for (const record of records({ count: 8000, candidateErrors, currentErrors })) collector.add({ ...record, error: record.error ?? wellIs }, () => 'record');
  const data = collector.data(START + 90 * 86_400_000, []);
  const [errors] = compareArms(data, definition, 'production').metrics;
  return { verdict: errors?.verdict, because: errors?.because, said: data.notes.messages.filter((words) => words.includes('count as failed')) };
}

describe('a log that says something in error where all went well', () => {
  it('lets no candidate go on, and says so', () => {
    for (const text of ['OK', '200', 'success']) {
      const { verdict, because, said } = found(text);
      assert.equal(verdict, 'undecided', text);
      assert.match(because ?? '', /^([\d,]+) of \1 records of the current version count as failed, so the field error may say something where all went well: log null there, or let bad name what is an error, such as error and error != "OK"$/);
      assert.deepEqual(said, [`errors: ${because}.`]);
    }
  });

  it('tells what it should by what is named as an error, and where none is told as null', () => {
    assert.deepEqual([found('OK', { bad: 'error and error != "OK"' }).verdict, found(null).verdict], ['worse', 'worse']);
    const { verdict, said } = found('OK', { bad: 'error and error != "OK"', candidateErrors: 0.05, currentErrors: 0.05 });
    assert.deepEqual([verdict, said], ['not worse', []]);
    assert.deepEqual(found(null, { candidateErrors: 0.2, currentErrors: 0.9 }).verdict, 'not worse', 'a current version that fails often is one that fails');
  });
});
