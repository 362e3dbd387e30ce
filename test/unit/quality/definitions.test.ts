import assert from 'node:assert/strict';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import type { WorkspaceFile } from '../../../src/core/workspace/config.ts';
import type { Problem } from '../../../src/core/workspace/source.ts';

function load(quality: string): WorkspaceFile {
  return loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n${quality.split('\n').map((line) => `      ${line}`).join('\n')}\n`);
}

/** `line: message [what is underlined]` of each problem. */
function problems(quality: string): string[] {
  const written = `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n${quality.split('\n').map((line) => `      ${line}`).join('\n')}\n`;
  const say = ({ message, range }: Problem): string => `${range.start.line + 1}: ${message} [${written.slice(range.start.offset, range.end.offset)}]`;
  return loadWorkspaceFile(written).problems.map(say);
}

describe('quality in modelswitch.yaml', () => {
  it('knows three kinds of references of drift', () => {
    const reference = (written: string): unknown => load(`drift: {reference: ${written}}`).config?.models[0]?.quality?.drift.reference;
    assert.deepEqual(reference('data/train.csv'), { kind: 'file', path: 'data/train.csv' });
    assert.deepEqual(reference('{training: candidate}'), { kind: 'training', version: 'candidate' });
    assert.deepEqual(reference('{training: "13", dataset: train}'), { kind: 'training', version: '13', dataset: 'train' });
    assert.deepEqual([reference('{weeks_ago: 1}'), reference('{weeks_ago: 2, hours: 6}')], [{ kind: 'earlier', weeks: 1, hours: 24 }, { kind: 'earlier', weeks: 2, hours: 6 }]);
    assert.match(problems('drift: {reference: {weeks_ago: 0}}').join(), /^6: .*reference\.weeks_ago must be a whole number from 1 to 52, such as 1\./);
    assert.match(problems('drift: {reference: {weeks_ago: 1, hours: 200}}').join(), /^6: .*reference\.hours must be a whole number from 1 to 168/);
    for (const wrong of ['{trainig: candidate}', '7']) {
      assert.match(problems(`drift: {reference: ${wrong}}`).join(), /^6: .*must be a file, such as data\/train\.parquet, the training data of a version, such as \{training: candidate\}, or the same hours of an earlier week, such as \{weeks_ago: 1, hours: 24\}/, wrong);
    }
  });

  it('knows how many hours of production drift looks at', () => {
    const hours = (written: string): unknown => load(written).config?.models[0]?.quality?.drift.windowHours;
    assert.deepEqual(['labels: {field: x}', 'drift: {reference: a.csv}', 'drift: {window: 7d}', 'drift: {window: 1h}', 'drift: {window: 90 min 30 min}', 'drift: {reference: {weeks_ago: 1, hours: 6}}', 'drift: {reference: {weeks_ago: 1, hours: 6}, window: 2h}'].map(hours), [24, 24, 168, 1, 2, 6, 2]);
    for (const wrong of ['8d', '30min', '1h30m', '0h', 'soon', '24']) assert.deepEqual(problems(`drift: {window: ${wrong}}`).map((problem) => problem.replace(/^.*must/, 'must')), [`must be a duration of whole hours from 1h to 7d, such as 24h. [${wrong}]`], wrong);
  });

  it('knows columns of a reference that is a file, and of no other', () => {
    const columns = (written: string): unknown => load(`drift: ${written}`).config?.models[0]?.quality?.drift.columns;
    assert.deepEqual(columns('{reference: data/train.csv, weight: w, unit: who}'), { weight: 'w', unit: 'who' });
    assert.deepEqual(problems('drift: {reference: {training: candidate}, weight: w}'), []);
    assert.match(problems('drift: {reference: {weeks_ago: 1}, weight: w}').join(), /^6: .*drift\.weight: is a column of the reference, which must be a file, such as data\/train\.parquet/);
    assert.match(problems('drift: {unit: who}').join(), /^6: .*drift\.unit: is a column of the reference/);
  });

  it('is read into metrics, sources and labels', () => {
    const { config, problems: found } = load(`source: {log: logs/predictions-*.jsonl}
labels: {field: defaulted, mature_after: 7d, absent_means: 0}
where: features.group != "internal"
guardrails:
  - {name: errors, bad: "error", max_ratio: 1.2, min_rate: 0.001}
  - {name: slow answers, bad: "latency_ms > 80", max_ratio: 1.25}
signals:
  - {name: conversion, mean: converted, better: higher, margin: 0.005}
  - {name: accuracy, measure: accuracy, margin: 0.01}
by: [features.country]
drift: {reference: data/train.parquet, features: [amount, age, country]}`);
    assert.deepEqual(found, []);
    const quality = config?.models[0]?.quality;
    assert.deepEqual(quality?.source, { kind: 'log', log: ['logs/predictions-*.jsonl'], outcomes: [] });
    assert.deepEqual(quality.labels, { field: 'defaulted', matureAfterMs: 604_800_000, absentMeans: 0, threshold: 0.5, band: 0.1 });
    assert.deepEqual(quality.metrics.map(({ name, role, kind, better, labelled, maxRatio, minRate, margin }) => [name, role, kind, better, labelled, maxRatio, minRate, margin]), [
      ['errors', 'guardrail', 'bad', 'lower', false, 1.2, 0.001, 0],
      ['slow answers', 'guardrail', 'bad', 'lower', false, 1.25, 0, 0],
      ['conversion', 'signal', 'mean', 'higher', true, 1.2, 0, 0.005],
      ['accuracy', 'signal', 'mean', 'higher', true, 1.2, 0, 0.01],
    ]);
    assert.equal(quality.where?.evaluate({ features: { group: 'internal' } }), false);
    assert.equal(quality.metrics[1]?.expression?.evaluate({ latency_ms: 90 }), true);
  });

  it('takes Prometheus and commands', () => {
    const { config, problems: found } = load(`source:
  prometheus:
    url: http://localhost:9090
    design_effect: 2
    queries:
      errors: {total: 'sum(increase(p_total{arm="$arm"}[$range]))', bad: 'sum(increase(p_total{arm="$arm",outcome="error"}[$range]))'}
guardrails: [{name: errors, bad: error}]`);
    assert.deepEqual(found, []);
    const source = config?.models[0]?.quality?.source;
    assert.equal(source?.kind === 'prometheus' && source.prometheus.designEffect, 2);
    assert.deepEqual(source?.kind === 'prometheus' && [source.prometheus.latency, source.prometheus.slices], [undefined, {}]);
    const asked = (more: string, by = '[features.country]'): string => `source: {prometheus: {url: "http://localhost:9090", design_effect: 2, queries: {}, ${more}}}\nby: ${by}`;
    const told = load(asked("latency: {buckets: 'seconds_bucket{arm=\"$arm\"}', unit: s}, slices: {features.age > 60: senior}", '[features.country, features.age > 60]')).config?.models[0]?.quality?.source;
    assert.deepEqual(told?.kind === 'prometheus' && [told.prometheus.latency, told.prometheus.slices], [{ buckets: 'seconds_bucket{arm="$arm"}', unitMs: 1000 }, { 'features.country': 'country', 'features.age > 60': 'senior' }]);
    assert.match(problems(asked('latency: {buckets: seconds_bucket}')).join(), /^6: .*prometheus\.latency lacks unit, which must be s or ms\. \[latency\]$/);
    assert.match(problems(asked('slices: {features.country: "no label"}')).join(), /^6: .*slices\..* must be the name of a label, such as country\. \["no label"\]$/);
    assert.deepEqual(problems(asked('slices: {contry: country}')), ['6: source.prometheus.slices.contry: by has no entry contry, whose label this would be. [country]']);
    assert.match(problems(asked('tenant: a', '[features.age > 60]')).join(), /^7: by\[0\]: features\.age > 60 is no name that a label can have: .* \[features\.age > 60\]$/);
    assert.deepEqual(load('source: {exec: [python, windows.py]}').config?.models[0]?.quality?.source, { kind: 'exec', command: ['python', 'windows.py'] });
  });

  it('says at its line, and at its word, what is wrong with an expression', () => {
    assert.deepEqual(problems('guardrails:\n  - {name: a, bad: "latency_ms >> 80"}'), ['7: guardrails[0].bad: ">" is not expected here: a field, a number or a text is missing. [>]']);
    assert.deepEqual(problems("guardrails:\n  - {name: a, bad: 'eror'}"), ['7: guardrails[0].bad: there is no field eror. Did you mean "error"? A field of the outcome needs a name that is not so near. [\'eror\']']);
    assert.deepEqual(problems('where: score'), ['6: where: a condition takes true or false, and this is a number: compare it, such as > 0. [score]']);
    assert.deepEqual(problems('by: [features]'), ['6: by[0]: features holds fields: name one of them, such as features.amount. [features]']);
    assert.deepEqual(problems('guardrails:\n  - {name: a, bad: "score >\\x20\\"x\\""}').map((each) => each.replace(/ \[.*/, '')), ['7: guardrails[0].bad: > compares a number with a text, which are never equal.']);
  });

  it('says what else is wrong, and reads the rest', () => {
    assert.match(problems('guardrails: [{name: a}]')[0] ?? '', /^6: .*needs bad, mean or measure/);
    assert.match(problems('guardrails: [{name: a, bad: error, mean: score}]')[0] ?? '', /not bad and mean/);
    assert.match(problems('source: {log: a, exec: [b]}')[0] ?? '', /names log and exec: keep one/);
    assert.match(problems('labels: {mature_after: week}')[0] ?? '', /must be a duration, such as 7d/);
    assert.match(problems('guardrails: [{name: a, bad: error, max_ratio: 0.5}]')[0] ?? '', /at least 1/);
    assert.match(problems('signals: [{name: a, measure: f1}]')[0] ?? '', /must be one of accuracy/);
    assert.match(problems('guardrails: [{name: a, bad: error}]\nsignals: [{name: a, mean: score}]')[0] ?? '', /a stands twice/);
    const { config, problems: found } = load('guardrails: [{name: a, bad: error, maxratio: 2}]');
    assert.match(found[0]?.message ?? '', /Unknown key "maxratio".*Did you mean "max_ratio"/);
    assert.equal(config?.models[0]?.quality?.metrics.length, 1);
  });
});
