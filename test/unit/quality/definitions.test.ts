import assert from 'node:assert/strict';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import type { WorkspaceFile } from '../../../src/core/workspace/config.ts';
import type { Problem } from '../../../src/core/workspace/source.ts';

/** Where the section stands in its file. */
const written = (quality: string): string => `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n${quality.split('\n').map((line) => `      ${line}`).join('\n')}\n`;

/** Without that there is no source, which most of these leave out. */
function load(quality: string): WorkspaceFile {
  const { problems, ...file } = loadWorkspaceFile(written(quality));
  return { ...file, problems: problems.filter(({ message }) => !message.startsWith('quality has metrics, but names no source')) };
}

/** `line: message [what is underlined]` of each problem. */
function problems(quality: string): string[] {
  const say = ({ message, range }: Problem): string => `${range.start.line + 1}: ${message} [${written(quality).slice(range.start.offset, range.end.offset)}]`;
  return load(quality).problems.map(say);
}

describe('quality in modelswitch.yaml', () => {
  it('takes no bad that is true of every record without an error: both arms would be bad alike, and nothing could be seen', () => {
    const said = (bad: string): string => problems(`guardrails: [{name: errors, bad: '${bad}'}]`).join();
    for (const bad of ['error != "timeout"', 'error not in ["timeout", "refused"]', 'not error', 'error is null', 'latency_ms > 80 or error != "timeout"']) {
      assert.match(said(bad), /^6: guardrails\[0\]\.bad: is true of records without error, so that every answer is bad: write error and \.\.\., such as error and error != "timeout"\. /, bad);
    }
    for (const bad of ['error', 'error and error != "timeout"', 'error == "timeout"', 'error or latency_ms is null', 'error or latency_ms > 0.5', 'error or features.amount is null', 'fallback or error in ["timeout"]', 'label != outcome', 'latency_ms != 80']) assert.equal(said(bad), '', bad);
  });

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

  it('knows when an outcome is absent only by mature_after', () => {
    assert.deepEqual(problems('labels: {absent_means: 0, mature_after: 0s}'), []);
    assert.match(problems('labels: {absent_means: 0}').join(), /^6: .*labels\.absent_means: needs mature_after beside it: how long/);
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

  it('says which addresses and labels of arms Prometheus could not be asked by', () => {
    const said = (url: string, more = ''): string => problems(`source: {prometheus: {url: "${url}", design_effect: 1, queries: {}${more}}}`).join('\n');
    assert.match(said('localhost:9090'), /^6: source\.prometheus\.url: must start with http:\/\/ or https:\/\/: write it with its scheme, such as http:\/\/localhost:9090\. \["localhost:9090"\]$/);
    assert.match(said('ftp://p'), /url: must start with http/);
    assert.match(said('prometheus'), /url: is not an address/);
    assert.match(said('http://p:9090/graph?g0=up'), /url: must be the address of the server only/);
    assert.match(said('http://u:secret@p:9090'), /^6: "url" is an address with credentials in it\. .*Modelswitch: Sign In to Prometheus" or with PROMETHEUS_URL and PROMETHEUS_TOKEN in the environment\./);
    for (const url of ['http://localhost:9090', 'https://vm.example.com/select/7/prometheus/', 'http://[::1]:9090']) assert.equal(said(url), '', url);
    for (const arms of ['{candidate: x, current: x}', '{candidate: current}', '{current: candidate}']) assert.match(said('http://p', `, arms: ${arms}`), /^6: source\.prometheus\.arms: says \S+ for candidate and current, so both arms would be told alike: name the label of each\./, arms);
    assert.match(said('http://p', ', arms: {challenger: x}'), /^6: source\.prometheus\.arms\.challenger: there is no arm challenger: name candidate and current\. \[x\]$/);
    assert.equal(said('http://p', ', arms: {candidate: blue, current: green}'), '');
    assert.match(said('http://p', ', lookback: 0s'), /^6: source\.prometheus\.lookback: must be at least 1s, such as 1d: nothing is read otherwise\. \[0s\]$/);
    assert.match(problems('skew: {exec: [a], lookback: 0s}').join(), /^6: skew\.lookback: must be at least 1s/);
  });

  it('takes slices by one field or several, and of a log a bare name for a feature', () => {
    const slices = (by: string): unknown => load(`by: ${by}`).config?.models[0]?.quality?.slices.map(({ text }) => text);
    assert.deepEqual(['country', 'features.country', '[country, features.age > 60]', 'service'].map(slices), [['features.country'], ['features.country'], ['features.country', 'features.age > 60'], ['service']]);
    assert.deepEqual(problems('by: servce'), ['6: by: there is no field servce. Did you mean "service"? A field of the outcome needs a name that is not so near. [servce]']);
    assert.match(problems('labels: {field: converted}\nby: converted').join(), /^7: by: converted is a field of the outcome, .* \[converted\]$/);
    assert.match(problems('by: 7').join(), /^6: .*by must be a field, or a list of fields, such as \[features\.country\]/);
    const labelled = load('source: {prometheus: {url: "http://p", design_effect: 2, queries: {}}}\nby: country').config?.models[0]?.quality?.source;
    assert.deepEqual(labelled?.kind === 'prometheus' && labelled.prometheus.slices, { country: 'country' });
  });

  it('counts slices that two entries of by would call alike once, and says so; a field of the record is none of the features', () => {
    const slices = (text: string): unknown => load(text).config?.models[0]?.quality?.slices.map(({ text: entry }) => entry);
    assert.deepEqual(slices('by: [country, features.country, features.country, lower(features.country)]'), ['features.country', 'lower(features.country)']);
    assert.deepEqual(problems('by: [country, features.country]'), ['6: by[1]: has the slices of country, which stands before it: leave it out, for they are counted once. [features.country]']);
    assert.deepEqual([slices('by: [service, features.service, features.serviced]'), problems('by: [service, features.service, features.serviced]')], [['service', 'features.service', 'features.serviced'], []]);
    const labelled = load('source: {prometheus: {url: "http://p", design_effect: 2, queries: {}}}\nby: [country, features.country]').config?.models[0]?.quality?.source;
    assert.deepEqual(labelled?.kind === 'prometheus' && labelled.prometheus.slices, { country: 'country' });
  });

  it('says at its line, and at its word, what is wrong with an expression', () => {
    assert.deepEqual(problems('guardrails:\n  - {name: a, bad: "latency_ms >> 80"}'), ['7: guardrails[0].bad: ">" is not expected here: a field, a number or a text is missing. [>]']);
    assert.deepEqual(problems("guardrails:\n  - {name: a, bad: 'eror'}"), ['7: guardrails[0].bad: there is no field eror. Did you mean "error"? A field of the outcome needs a name that is not so near. [\'eror\']']);
    assert.deepEqual(problems('where: score'), ['6: where: a condition takes true or false, and this is a number: compare it, such as > 0. [score]']);
    assert.deepEqual(problems('by: [features]'), ['6: by[0]: features holds fields: name one of them, such as features.amount. [features]']);
    assert.deepEqual(problems('guardrails:\n  - {name: a, bad: "score >\\x20\\"x\\""}').map((each) => each.replace(/ \[.*/, '')), ['7: guardrails[0].bad: > compares a number with a text, which are never equal.']);
  });

  it('says what no other source than a log goes by: an error where it decides who is compared, or by what', () => {
    const beside = 'where: error\nlabels: {mature_after: 7d}\ndrift: {window: 24h}\nskew: {exec: [a]}';
    const said = (source: string): string[] => load(`source: {${source}, outcomes: b.jsonl}\n${beside}`).problems.map(({ severity, message, range }) => `${range.start.line + 1} ${severity} ${message}`).sort();
    assert.deepEqual(said('exec: [a]'), [
      '10 warning skew: needs the records of a log, so it is not measured here.',
      '6 error source.outcomes: is of a log, and nobody reads it here: what metrics of outcomes come to is for the command to tell, in the window of the prediction.',
      '7 error where: is of a log, and the command would count everybody all the same: select whom to compare there, and leave where out.',
      '8 warning labels: is of a log, and not gone by here: which outcomes count, and as what, is what the command says.',
      '9 warning drift: needs the records of a log, so it is not measured here.',
    ]);
    const prometheus = said('prometheus: {url: "http://p:9090", design_effect: 1, queries: {}}');
    assert.deepEqual(prometheus.map((each) => each.split(' ', 2).join(' ')), ['10 warning', '6 error', '7 error', '8 warning', '9 warning']);
    assert.match(prometheus[2] ?? '', /the queries of Prometheus would count everybody all the same: select whom to compare in each of them, and leave where out/);
    assert.deepEqual(said('log: a.jsonl'), []);
    assert.deepEqual(load('source: {exec: [a]}\nby: country\nwindow: 1h\nguardrails: [{name: right, measure: accuracy, margin: 0.1}]').problems, [], 'what a command may tell by itself');
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

  it('has an error for each key that nobody knows: a guardrail that is not read guards nothing', () => {
    const said = (text: string): string[] => loadWorkspaceFile(`version: 1\n${text}`).problems.map(({ severity, message, range }) => `${range.start.line + 1} ${severity} ${message}`);
    const model = (...lines: string[]): string[] => said(`models:\n  fraud:\n    flag: fraud-v2\n${lines.map((line) => `    ${line}\n`).join('')}`);
    const not = 'the model is not judged with it';
    assert.deepEqual(model('quality:', '  guardrail: [{name: a, bad: error}]', '  wher: "score > 0"'), [
      `6 error Unknown key "guardrail" in models.fraud.quality; ${not}. Did you mean "guardrails"?`, `7 error Unknown key "wher" in models.fraud.quality; ${not}. Did you mean "where"?`,
    ]);
    for (const [section, key] of [['guardrails: [{name: a, bad: error, maxratio: 3}]', 'maxratio'], ['signals: [{name: a, mean: x, magrin: 3}]', 'magrin'], ['source: {log: a, outcome: b}', 'outcome'], ['labels: {mature: 7d}', 'mature'], ['drift: {windows: 24h}', 'windows'], ['skew: {exec: [a], samples: 5}', 'samples'], ['source: {prometheus: {url: "http://p:9090", design_effect: 1, queries: {a: {total: "t{a=\\"$arm\\"}", bads: x}}}}', 'bads']] as const) {
      assert.match(model('quality:', `  ${section}`).join('\n'), new RegExp(`^6 error Unknown key "${key}" in models\\.fraud\\.quality\\.\\S+; ${not}\\.`, 'm'), section);
    }
    assert.deepEqual(model('guard: {on_breech: previous}'), ['5 error Unknown key "on_breech" in models.fraud.guard; the model is not guarded with it. Did you mean "on_breach"?']);
    assert.match(model('qualty: {guardrails: []}', 'gaurd: {}').join('\n'), /^5 error Unknown key "qualty" in models\.fraud; the model is not judged with it\. Did you mean "quality"\?\n6 error Unknown key "gaurd" in models\.fraud; the model is not guarded/);
  });

  it('leaves keys that are somebody else\'s by their name, anchors and what is merged as they are', () => {
    const { config, problems: found } = loadWorkspaceFile(`version: 1
x-shared:
  quality: &quality {guardrails: [{name: errors, bad: error}], window: 1h, x-owner: risk}
  guard: &guard {on_breach: previous, x-why: nights}
models:
  fraud: {flag: fraud-v2, quality: {<<: *quality, source: {log: a}}, guard: *guard, x-note: mine}
`);
    assert.deepEqual(found.map(({ path }) => path?.at(-1)).sort(), ['x-note', 'x-owner', 'x-shared', 'x-why']);
    assert.ok(found.every(({ severity }) => severity === 'warning'), found.map(({ message }) => message).join('\n'));
    assert.deepEqual([config?.models[0]?.quality?.metrics.length, config?.models[0]?.quality?.windowMs, config?.models[0]?.guard?.onBreach], [1, 3_600_000, 'previous']);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['guardrails: [{name: a, bad: error, min_rate: 5}]', /^6: guardrails\[0\]\.min_rate: is a rate of bad events, from 0 to less than 1: 5 % is 0\.05\. \[5\]$/],
    ['guardrails: [{name: a, bad: error, limit: 2}]', /^6: guardrails\[0\]\.limit: is a share, more than 0 and less than 1: 2 % is 0\.02\. \[2\]$/],
    ['guardrails: [{name: a, bad: error, limit: 0}]', /limit: is a share, more than 0 and less than 1, such as 0\.05 for 5 %/],
    ['guardrails: [{name: a, measure: accuracy, limit: 95}]', /limit: is a share, .*: 95 % is 0\.95\. \[95\]$/],
    ['signals: [{name: a, measure: accuracy, limit: 0.9}]', /^6: signals\[0\]\.limit: is of guardrails: a signal only holds the ramp, .* \[0\.9\]$/],
    ['guardrails: [{name: a, measure: pr_auc}]', /^6: guardrails\[0\]\.measure: guards nothing: pr_auc has no interval here, so it is shown and decides nothing\. List it below signals.* \[pr_auc\]$/],
    ['signals: [{name: a, measure: pr_auc, margin: 0.1}]', /^6: signals\[0\]\.margin: is not gone by: pr_auc has no interval here/],
    ['guardrails: [{name: Missing answers, bad: error}]', /^6: guardrails\[0\]\.name: missing answers is the guardrail that is there by itself, .*: choose another name\. \[Missing answers\]$/],
    ['signals: [{name: a, measure: accuracy, better: lower}]', /^6: signals\[0\]\.better: accuracy is better the higher it is: leave it out\. \[lower\]$/],
    ['guardrails: [{name: a, measure: brier, better: higher, margin: 0.01}]', /^6: guardrails\[0\]\.better: brier is better the lower it is: leave it out\. \[higher\]$/],
    ['signals: [{name: a, measure: accuracy, margin: 1}]', /margin: is a difference of shares, less than 1: 1 % is 0\.01/],
    ['guardrails: [{name: a, mean: converted == 1, limit: 3}]', /limit: is a share/],
    ['guardrails: [{name: a, bad: error, accept_ratio: 1}]', /accept_ratio: must be more than 1: a candidate as good as the current version could never go on/],
    ['guardrails: [{name: a, bad: error, margin: 0.01}]', /margin: is for means: .* is max_ratio/],
    ['signals: [{name: a, mean: converted, max_ratio: 2}]', /max_ratio: is for bad events: how much worse a mean may be is margin, in its own units/],
    ['window: 0s', /^6: window: must be at least 1s, such as 5min, and so long that most windows have records of both arms\. \[0s\]$/],
    ['window: 999ms', /^6: window: must be at least 1s/],
    ['labels: {field: label}', /^6: labels\.field: label is what the prediction says, not what turned out to be true: name the field of the outcome, such as outcome or defaulted\. \[label\]$/],
    ['labels: {field: score}', /labels\.field: score is what the prediction says/],
    ['where: converted == 1', /^6: where: converted is a field of the outcome, which is not known yet when a prediction is counted: name one of the prediction, such as features\.converted\. /],
    ['by: [features.country, lower(region)]', /^6: by\[1\]: region is a field of the outcome/],
  ];
  for (const [text, says] of wrong) {
    it(`says what is wrong with ${text}`, () => {
      const found = problems(text);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', says);
    });
  }

  it('warns of a guardrail of a difference without a margin, which would let nothing go on, and judges by it all the same', () => {
    const warned = (text: string): readonly unknown[] => {
      const { config, problems: found } = load(text);
      return [found.map(({ severity }) => severity), config?.models[0]?.quality?.metrics.length];
    };
    for (const [text, says] of [
      ['guardrails: [{name: a, measure: accuracy}]', /^6: guardrails\[0\]\.measure: has no margin: nobody can show .* such as margin: 0\.01, or list it below signals\. \[accuracy\]$/],
      ['guardrails: [{name: a, mean: latency_ms, limit: 500}]', /^6: guardrails\[0\]\.mean: has no margin: .* such as margin: 5, /],
      ['guardrails: [{name: a, mean: latency_ms, margin: 0}]', /^6: guardrails\[0\]\.margin: is 0: .* \[0\]$/],
    ] as const) {
      assert.match(problems(text).join('\n'), says);
      assert.deepEqual(warned(text), [['warning'], 1]);
    }
    assert.deepEqual(problems('guardrails: [{name: a, mean: latency_ms, margin: 5}]\nsignals: [{name: b, measure: accuracy}]'), []);
  });

  it('takes numbers at the edge, means in units of their own, and an accept_ratio below max_ratio', () => {
    assert.deepEqual(problems('guardrails: [{name: a, bad: error, min_rate: 0, limit: 0.999, max_ratio: 1, accept_ratio: 1.01}, {name: b, bad: error, min_rate: 0.999, max_ratio: 2, accept_ratio: 1.5}, {name: c, mean: latency_ms, limit: 500, margin: 20}, {name: d, measure: entropy, limit: 2, margin: 0.1}]\nsignals: [{name: area, measure: pr_auc}]\nwindow: 1s'), []);
    assert.deepEqual(load('guardrails: [{name: a, bad: error, min_rate: 5}, {name: b, bad: error}]').config?.models[0]?.quality?.metrics.map(({ name }) => name), ['b'], 'a metric is not judged by other numbers than were written');
  });

  describe('of Prometheus says which queries could never alarm', () => {
    const asked = (query: string, metric = 'guardrails: [{name: errors, bad: error}]', more = ''): string[] => problems(`source: {prometheus: {url: "http://localhost:9090", design_effect: 2, queries: {errors: {${query}}}${more}}}\n${metric}`);
    const [ALL, BAD] = ['total: \'p{arm="$arm"}\'', 'bad: \'e{arm="$arm"}\''];
    const mean = (role: string, written: string): string => `${role}: [{name: errors, ${written}}]`;

    it('with what to write', () => {
      assert.deepEqual(asked(`${ALL}, ${BAD}`), []);
      assert.deepEqual(asked(`total: 'p', ${BAD}`), ['6: source.prometheus.queries.errors.total: has no $arm, so both arms would be told alike: write the label that says the arm, such as {arm="$arm"}. [\'p\']']);
      assert.match(asked(`${ALL}, bad: 'e'`).join(), /^6: source\.prometheus\.queries\.errors\.bad: has no \$arm[^,]*, so[^]* \['e'\]$/);
      assert.match(asked(ALL).join(), /^6: source\.prometheus\.queries\.errors: counts all, and not the bad ones: add bad, or good/);
      assert.match(asked(`${ALL}, ${BAD}, good: 'g{arm="$arm"}'`).join(), /errors\.good: is told twice: keep bad or good/);
      assert.match(asked(`${ALL}, ${BAD}, sum: 's{arm="$arm"}'`).join(), /errors\.sum: is for means/);
      assert.match(asked(`${ALL}, ${BAD}`, undefined, ', latency: {buckets: b, unit: s}').join(), /latency\.buckets: has no \$arm/);
    });

    it('and which means have no interval', () => {
      const sum = `${ALL}, sum: 's{arm="$arm"}'`;
      assert.deepEqual(asked(`${sum}, squares: 'q{arm="$arm"}'`, mean('guardrails', 'mean: latency_ms, margin: 5')), []);
      assert.match(asked(sum, mean('guardrails', 'mean: latency_ms, margin: 5')).join(), /errors: tells a mean without squares, which has no interval, so it could never alarm: add squares, .* such as converted == 1/);
      assert.deepEqual([asked(sum, mean('signals', 'mean: converted == 1')), asked(sum, mean('signals', 'measure: accuracy'))], [[], []], 'their values are 0 and 1');
      assert.match(asked(ALL, mean('signals', 'mean: latency_ms')).join(), /errors: has no sum of the values/);
      assert.match(asked(`${sum}, ${BAD}`, mean('signals', 'mean: converted == 1')).join(), /errors\.bad: is for bad events/);
      const { config, problems: found } = load(`source: {prometheus: {url: "http://localhost:9090", design_effect: 2, queries: {errors: {${sum}}}}}\n${mean('signals', 'mean: latency_ms')}`);
      assert.deepEqual([found.map(({ severity }) => severity), config?.models[0]?.quality?.metrics.length], [['warning'], 1]);
      assert.match(found[0]?.message ?? '', /it is shown and decides nothing\. Add squares/);
    });
  });
});
