import assert from 'node:assert/strict';
import { durationWords, parseDuration } from '../../../src/core/base/duration.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { semanticProblems } from '../../../src/core/workspace/semantics.ts';

const file = (...stages: string[]): string => `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    plan:\n${stages.map((each) => `      - ${each}\n`).join('')}`;
const plan = (text: string) => loadWorkspaceFile(text).config?.models[0]?.plan;
/** `line: message` of each problem, lines counted from 1. */
const problems = (...stages: string[]): string[] => loadWorkspaceFile(file(...stages)).problems.map(({ message, range }) => `${range.start.line + 1}: ${message}`);

describe('the plan of a release', () => {
  it('is none for a flag that is on for the current version: raising it would take the candidate back', () => {
    const upsideDown = (entry: string, more = ''): ReturnType<typeof loadWorkspaceFile> => loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    switches: [${entry}]\n${more}    plan:\n      - {environment: production, percent: 5}\n`);
    for (const [entry, more] of [['{flag: fraud-v2, on: current, off: candidate}'], ['{flag: fraud-v2, off: candidate}'], ['{flag: fraud-v2, on: "13"}', '    current: "13"\n'], ['{flag: fraud-v2, off: challenger}']] as const) {
      const { config, problems } = upsideDown(entry, more);
      assert.equal(config?.models[0]?.plan, undefined, entry);
      assert.match(problems.map(({ message }) => message).join('\n'), /The plan of fraud cannot be followed: fraud-v2 gives the current version more when it is raised/);
    }
    for (const entry of ['{flag: fraud-v2, on: candidate, off: current}', '{flag: fraud-v2, on: "14"}', '{flag: fraud-v2, off: candidate, variants: {treatment: candidate}}']) assert.equal(upsideDown(entry).config?.models[0]?.plan?.length, 1, entry);
  });

  it('is none where two variants of a flag serve the same side: what is counted and shown is of one', () => {
    const said = (variants: string, listed = RIGHT): string => {
      const { config, problems: found } = loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    candidate: "14"\n    switches: [{flag: fraud-v2, variants: {${variants}}}]\n${listed}`);
      return `${config?.models[0]?.plan?.length ?? 'none'} ${found.filter(({ severity }) => severity === 'error').map(({ message, range }) => `${range.start.line + 1}: ${message}`).join()}`;
    };
    const RIGHT = '    plan:\n      - {environment: production, percent: 5}\n';
    assert.match(said('a: candidate, b: "14", c: current'), /^none 7: The plan of fraud cannot be followed: a plan compares one variant for the candidate with one for the current version: a and b of fraud-v2 both serve the candidate\.$/);
    assert.match(said('a: candidate, b: current, c: champion'), /^none 7: .*b and c of fraud-v2 both serve the current version\.$/);
    assert.equal(said('a: candidate, b: current, c: "9"'), '1 ');
    assert.equal(said('a: candidate, b: candidate', ''), 'none ', 'without a plan nothing is compared by it');
  });

  it('is none of a model that several flags switch: a release is of one flag, and their records would be counted together', () => {
    const said = (switches: string): string => {
      const { config, problems: found } = loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    switches: [${switches}]\n    plan:\n      - {environment: production, percent: 5}\n`);
      return `${config?.models[0]?.plan?.length ?? 'none'} ${found.map(({ severity, message }) => `${severity} ${message}`).join()}`;
    };
    assert.equal(said('{flag: a, on: candidate}'), '1 ');
    assert.match(said('{flag: a, on: candidate}, {flag: b, on: candidate}'), /^none error The plan of fraud cannot be followed: a release is of one flag, and fraud is switched by a and b, whose records would be counted together\. Map each flag as a model of its own/);
  });

  it('is read with everything that a stage may say', () => {
    const [first, second] = plan(file('{environment: production, segment: internal, percent: 100, hold: 1h30m, gates: [approval]}', '{environment: production, percent: 5, hold: 7d, min_predictions: 2000, auto: true}')) ?? [];
    assert.deepEqual({ ...first, range: undefined }, { environment: 'production', segment: 'internal', percent: 100, hold: 5_400_000, minPredictions: 0, gates: ['approval'], areGatesListed: true, auto: false, range: undefined });
    assert.deepEqual({ ...second, range: undefined }, { environment: 'production', percent: 5, hold: 604_800_000, minPredictions: 2000, gates: ['suites', 'compatibility', 'statistics'], auto: true, range: undefined });
    assert.equal(second?.range.start.line, 6);
  });

  it('warns of metrics without a source: nothing is judged by them', () => {
    const said = (quality: string): string[] => loadWorkspaceFile(`${file('{environment: development, percent: 5}')}    quality: ${quality}\n`).problems.map(({ severity, message, range }) => `${range.start.line + 1} ${severity} ${message}`);
    const warning = ['7 warning quality has metrics, but names no source, so nothing is judged by them: add source: {log: logs/predictions-*.jsonl}.'];
    assert.deepEqual(['{guardrails: [{name: errors, bad: error}]}', '{signals: [{name: a, mean: score}]}', '{source: {log: a}, guardrails: [{name: errors, bad: error}]}', '{guardrails: []}'].map(said), [warning, warning, [], []]);
  });

  it('asks for statistics only where a guardrail is declared that they go by', () => {
    const said = (gates: string, quality = ''): string[] => loadWorkspaceFile(`${file(`{environment: development, percent: 5${gates}}`)}${quality === '' ? '' : `    quality: ${quality}\n`}`).problems.map(({ code, severity, message, range }) => `${range.start.line + 1} ${code} ${severity} ${message}`);
    const wrong = '6 plan error Stage 1 of fraud asks for statistics, and no guardrail can show that the candidate is not worse: declare one below quality, such as guardrails: [{name: errors, bad: error}], or take statistics out of its gates.';
    for (const quality of ['', '{source: {log: a}}', '{guardrails: []}', '{source: {log: a}, signals: [{name: a, mean: score}]}']) assert.deepEqual(said(', gates: [suites, statistics]', quality), [wrong], quality);
    assert.deepEqual([said(''), said(', gates: [suites]'), said(', gates: [statistics]', '{source: {log: a}, guardrails: [{name: errors, bad: error}]}')], [[], [], []]);
    assert.equal(said(', gates: [statistics]', '{source: {log: a}, guardrails: [{name: errors, bad: eror}]}').length, 1, 'what is wrong with the guardrail is told at its place');
  });

  it('of variants has weights', () => {
    assert.deepEqual(plan(file('{environment: production, percent: 50, weights: {v14: 20}}', '{environment: production, percent: 50, weights: {v14: 50}}'))?.map(({ weights }) => weights), [{ v14: 20 }, { v14: 50 }]);
  });

  it('is not followed at all when one stage is wrong', () => {
    assert.equal(plan(file('{environment: production, percent: 5}', '{environment: production, percent: 250}')), undefined);
    assert.equal(plan(file('{environment: production, percent: 25}', '{environment: production, percent: 5}')), undefined);
  });

  const wrong: Record<string, { stages: string[]; says: RegExp[] }> = {
    'a percentage out of range': { stages: ['{environment: production, percent: 250}'], says: [/^6: .*whole number from 1 to 100/] },
    'a percentage that is none': { stages: ['{environment: production, percent: half}'], says: [/^6: .*whole number from 1 to 100/] },
    'no percentage': { stages: ['{environment: production}'], says: [/^6: .*percent/] },
    'no environment': { stages: ['{percent: 5}'], says: [/^6: .*environment/] },
    'a hold that is no duration': { stages: ['{environment: development, percent: 5, hold: soon}'], says: [/^6: .*duration, such as 30m, 1h/] },
    'an unknown gate': { stages: ['{environment: development, percent: 5, gates: [prayer]}'], says: [/^6: .*suites, compatibility, statistics, approval/] },
    'a misspelt key': { stages: ['{environment: development, percent: 5, hodl: 1h}'], says: [/^6: .*hodl.*hold/] },
    'a stage that lowers': { stages: ['{environment: development, percent: 25}', '{environment: development, percent: 5}'], says: [/^7: Stage 2 of fraud lowers development from 25 % to 5 %: a plan only goes up/] },
    'a stage that changes nothing': { stages: ['{environment: development, percent: 25}', '{environment: development, percent: 25, hold: 1d}'], says: [/^7: Stage 2 of fraud leaves development at 25 %/] },
    'weights over 100 %': { stages: ['{environment: development, percent: 25, weights: {a: 60, b: 60}}'], says: [/^6: Stage 1 of fraud gives its variants 120 % in all/] },
    'all of production at once': { stages: ['{environment: production, percent: 100}'], says: [/^6: Stage 1 of fraud exposes all of production at once/] },
    'no holdback': { stages: ['{environment: production, percent: 50, hold: 1d}', '{environment: production, percent: 95}', '{environment: production, percent: 100}'], says: [/^8: Stage 3 of fraud ends the comparison, and the stage before it \(95 %\) has no hold/] },
  };
  for (const [what, { stages, says }] of Object.entries(wrong)) {
    it(`says at its line what is wrong: ${what}`, () => {
      const found = problems(...stages);
      assert.equal(found.length, says.length, found.join('\n'));
      for (const [index, pattern] of says.entries()) assert.match(found[index] ?? '', pattern);
    });
  }

  it('warns where everyone is compared beside members of a segment, whom nothing leaves out of what is counted', () => {
    const stages = ['{environment: production, segment: internal, percent: 100}', '{environment: production, percent: 5}', '{environment: production, percent: 25}'];
    const said = (quality: string, ...listed: string[]): string[] => loadWorkspaceFile(`${file(...listed.length === 0 ? stages : listed)}${quality}`).problems.map(({ severity, message, range }) => `${range.start.line + 1} ${severity} ${message}`);
    const quality = (where: string): string => `    quality: {source: {log: a}, guardrails: [{name: errors, bad: error}]${where}}\n`;
    assert.deepEqual([said(''), said(quality(', where: features.group != "internal"'))], [[], []]);
    const [found = '', ...more] = said(quality(''));
    assert.match(found, /^7 warning Stage 2 of fraud compares everyone in production, of whom the members of segment internal have the candidate at 100 %: .*neither lets the release go on nor takes it back\. Leave them out, such as by quality: \{where: 'coalesce\(features\.group, ""\) != "internal"'\}/);
    assert.deepEqual(more, []);
    const beta = '{environment: production, segment: beta, percent: 50}';
    assert.match(said(quality(''), stages[0]!, beta, stages[1]!).join('\n'), /of segment internal have the candidate at 100 %, of beta have the candidate at 50 %: .*where: 'coalesce\(features\.group, ""\) != "internal" and coalesce\(features\.group, ""\) != "beta"'/, 'all of them');
    assert.match(said(quality(''), stages[1]!, stages[0]!, stages[2]!).join('\n'), /^7 warning Stage 2 of fraud compares everyone in production/, 'also where the segment comes later');
    assert.deepEqual(said(quality(''), '{environment: production, segment: internal, percent: 5}', stages[1]!, stages[2]!), [], 'who has no more than everyone is one of them');
    assert.deepEqual(said('    quality: {source: {exec: [a]}, guardrails: [{name: errors, bad: error}]}\n'), [], 'what a command leaves out is not known');
  });

  it('with a holdback, or that only names development and a segment, has nothing wrong', () => {
    assert.deepEqual(problems('{environment: development, percent: 100}', '{environment: staging, segment: internal, percent: 100}', '{environment: production, percent: 5}', '{environment: production, percent: 95, hold: 7d}', '{environment: production, percent: 100}'), []);
  });

  it('is compared with what the server has, once that is known', () => {
    const { config } = loadWorkspaceFile(file('{environment: prodution, percent: 5}', '{environment: production, segment: interal, percent: 5}'));
    assert.deepEqual(semanticProblems(config!, {}), []);
    const found = semanticProblems(config!, { environments: ['development', 'production'], segments: ['internal'] });
    assert.deepEqual(found.map(({ code, range }) => [code, range.start.line + 1]), [['unknownEnvironment', 6], ['unknownSegment', 7]]);
    assert.match(found[1]?.message ?? '', /no segment "interal".*Did you mean.*internal/);
  });
});

describe('durations', () => {
  for (const [text, ms] of [['90s', 90_000], ['15m', 900_000], ['1h30m', 5_400_000], ['7d', 604_800_000], ['2w', 1_209_600_000], ['0s', 0], ['5min', 300_000], ['1.5h', 5_400_000], ['1 h 30 min', 5_400_000], ['250ms', 250]] as const) {
    it(`${text} is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
  }

  for (const text of ['', '7', 'd', '1.h', '-1h', '1h ', '1y', 'soon', '1h5']) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseDuration(text), undefined));
  }

  it('are told by their two largest units', () => {
    assert.deepEqual([0, 45_000, 90_000, 5_400_000, 604_800_000, 93_784_000].map(durationWords), ['0 s', '45 s', '1 min 30 s', '1 h 30 min', '7 d', '1 d 2 h']);
  });
});
