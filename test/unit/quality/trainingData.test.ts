import assert from 'node:assert/strict';
import type { DatasetFacts } from '../../../src/core/models/model.ts';
import { trainingData } from '../../../src/core/quality/trainingData.ts';

const found = (datasets: readonly Partial<DatasetFacts>[], wanted?: string): ReturnType<typeof trainingData> => trainingData({ model: 'fraud', version: '14', datasets: datasets.map((each) => ({ name: 'train', digest: '', ...each })) }, wanted);

describe('the training data of a version', () => {
  for (const [source, path] of [
    ['{"uri": "data/train.csv"}', 'data/train.csv'], ['data/train.csv', 'data/train.csv'], ['file:///srv/data/my%20train.parquet', '/srv/data/my train.parquet'], ['{"uri": "file:///srv/train.csv"}', '/srv/train.csv'],
    ['file:data/train.csv', 'data/train.csv'], ['file://localhost/srv/train.csv', '/srv/train.csv'],
  ] as const) it(`is a file here: ${source}`, () => assert.equal(found([{ source }]).path, path));

  for (const [sourceType, source, words] of [
    ['s3', '{"uri": "s3://bucket/train.csv"}', /comes from s3 s3:\/\/bucket\/train\.csv, which is no file that can be read here/], ['http', '{"url": "https://example.com/t.csv"}', /comes from http https:\/\/example\.com/],
    ['code', '{"tags": {"mlflow.user": "a"}}', /comes from code \{"tags"/], ['local', undefined, /comes from a source that was not logged/], ['local', 'file://nas/train.csv', /no file that can be read here/], ['local', '{', /no file/],
  ] as const) it(`is elsewhere: ${String(source)}`, () => assert.throws(() => found([{ sourceType, ...(source === undefined ? {} : { source }) }]), words));

  it('is the one that was used for training, the one that is named, or the only one', () => {
    const all = [{ name: 'holdout', context: 'eval', source: 'eval.csv' }, { name: 'september', context: 'training', source: 'train.csv', rows: 10 }];
    assert.deepEqual(found(all), { path: 'train.csv', name: 'the training data of fraud 14 (train.csv)', rows: 10 });
    assert.equal(found(all, 'holdout').path, 'eval.csv');
    assert.equal(found([{ context: 'eval', source: 'only.csv' }]).path, 'only.csv');
  });

  it('is asked for where it is not plain which', () => {
    const all = [{ name: 'a', context: 'training', source: 'a.csv' }, { name: 'b', context: 'train', source: 'b.csv' }];
    assert.throws(() => found(all), /has several data sets: say which with drift\.reference\.dataset\. There are: a, b/);
    assert.throws(() => found([{ name: 'september', source: 'a.csv' }], 'septembr'), /has no data set septembr\. Did you mean "september"\?/);
    assert.throws(() => found([]), /names no data set: log it/);
  });
});
