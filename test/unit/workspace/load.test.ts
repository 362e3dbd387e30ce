import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { WorkspaceConfig } from '../../../src/core/workspace/config.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import type { Problem } from '../../../src/core/workspace/source.ts';

/** A problem as `line:column-line:column code text-at-range`, lines from 1. */
function where(content: string, { range, code }: Problem): string {
  const { start, end } = range;
  return `${start.line + 1}:${start.column + 1} ${code} ${content.slice(start.offset, end.offset)}`;
}

const found = (content: string): string[] => loadWorkspaceFile(content).problems.map((problem) => where(content, problem));
const messages = (content: string): string[] => loadWorkspaceFile(content).problems.map((problem) => problem.message);

function config(content: string): WorkspaceConfig {
  const loaded = loadWorkspaceFile(content);
  assert.ok(loaded.config, JSON.stringify(loaded.problems));
  return loaded.config;
}

const rangeText = (content: string, range: { start: { offset: number }; end: { offset: number } } | undefined): string =>
  range === undefined ? '' : content.slice(range.start.offset, range.end.offset);

describe('loading modelswitch.yaml', () => {
  it('reads what it says about call sites, and leaves out what is wrong', () => {
    const content = 'version: 1\ncallsites:\n  wrappers: [{function: app.on, key: 1}, {function: app.off}, {function: app.bad, key: -1}, {key: 2}]\n  clients: [app.client, 3]\n  exclude: ["legacy/**"]\n';
    const { config: { callsites } = {}, problems } = loadWorkspaceFile(content);
    assert.deepEqual(callsites, { wrappers: [{ function: 'app.on', key: 1 }, { function: 'app.off', key: 0 }], clients: ['app.client'], exclude: ['legacy/**'] });
    assert.equal(problems.length, 3, JSON.stringify(problems));
  });

  it('reads server, models and personas with their places', () => {
    const content = `version: 1
unleash: {url: http://localhost:4242/, project: default, environment: production}
models:
  fraud:
    flag: fraud-v2   # the switch
    registered_model: fraud-detector
    current: "13"
    candidate: 14
personas:
  - {name: internal tester, userId: 7, sessionId: s, properties: {group: internal, age: 33, vip: true}}
`;
    const { unleash, models: [model], personas: [persona] } = config(content);
    assert.deepEqual([unleash?.url, unleash?.project, unleash?.environment], ['http://localhost:4242', 'default', 'production']);
    assert.equal(rangeText(content, unleash?.ranges.environment), 'production');
    assert.deepEqual({ ...model, range: 0, ranges: 0, switches: model?.switches.map((each) => ({ ...each, range: 0, ranges: {} })) }, {
      name: 'fraud', range: 0, ranges: 0, registeredModel: 'fraud-detector', current: '13', candidate: '14', switches: [{ flag: 'fraud-v2', on: 'candidate', off: 'current', range: 0, ranges: {} }],
    });
    assert.equal(rangeText(content, model?.range), 'fraud');
    assert.deepEqual([model?.ranges?.registeredModel, model?.ranges?.current, model?.ranges?.candidate].map((range) => rangeText(content, range)), ['fraud-detector', '"13"', '14']);
    assert.equal(rangeText(content, model?.switches[0]?.range), 'fraud-v2');
    assert.deepEqual(model?.switches[0]?.range.start, { offset: content.indexOf('fraud-v2'), line: 4, column: 10 });
    const ranges = Object.values(persona?.propertyRanges ?? {}).map((range) => rangeText(content, range));
    assert.deepEqual({ ...persona, range: rangeText(content, persona?.range), propertyRanges: ranges }, {
      name: 'internal tester', userId: '7', sessionId: 's', properties: { group: 'internal', age: '33', vip: 'true' }, range: 'internal tester', propertyRanges: ['group', 'age', 'vip'],
    });
    assert.deepEqual(messages(content), []);
  });

  it('leaves to settings what the file does not say', () => {
    const { unleash, models } = config('version: 1\nunleash: {url: "https://u.example"}\nmodels: {m: {flag: f}}\n');
    assert.deepEqual(unleash, { url: 'https://u.example', ranges: { url: unleash?.ranges.url } });
    assert.deepEqual([models[0]?.current, models[0]?.candidate], ['champion', 'challenger']);
  });

  it('reads several switches of one model', () => {
    const content = 'version: 1\nmodels:\n  m:\n    switches:\n      - {flag: a}\n      - {flag: b, on: current, off: 13}\n';
    assert.deepEqual(config(content).models[0]?.switches.map(({ flag, on, off, range }) => [flag, on, off, rangeText(content, range)]), [['a', 'candidate', 'current', 'a'], ['b', 'current', '13', 'b']]);
  });

  it('follows anchors, aliases and merge keys', () => {
    const content = 'version: 1\nmodels:\n  a: &a {flag: f, current: "1"}\n  b: {<<: *a, flag: g}\n  c: *a\n';
    assert.deepEqual(config(content).models.map((model) => [model.name, model.switches[0]?.flag, model.current]), [['a', 'f', '1'], ['b', 'g', '1'], ['c', 'f', '1']]);
    assert.deepEqual(messages(content), []);
  });

  it('accepts sections being written: a key without content yet', () => {
    assert.deepEqual(found('version: 1\nunleash:\nmodels:\npersonas:\n'), []);
  });

  for (const [what, content] of [['CRLF', 'version: 1\r\nmodels:\r\n  m: {flag: 5}\r\n'], ['LF', 'version: 1\nmodels:\n  m: {flag: 5}\n']] as const) {
    it(`places problems in a text with ${what} line ends`, () => {
      assert.deepEqual(found(content), ['3:13 type 5']);
    });
  }

  it('reads a text that starts with a byte order mark', () => {
    assert.equal(config('\uFEFFversion: 1\nmodels: {m: {flag: f}}\n').models[0]?.switches[0]?.flag, 'f');
  });
});

describe('loading modelswitch.yaml: what is wrong, where, and the mend', () => {
  it('keeps what is right beside what is wrong', () => {
    const content = `version: 1
unleash: {url: "http://u", project: 5}
models:
  good: {flag: f}
  text: f
  bare:
  typed: {flag: true, candidate: [1]}
  list: {switches: [{on: candidate}, 7, {flag: g}]}
personas:
  - {userId: "8"}
  - {name: b, properties: {deep: {er: 1}}}
`;
    assert.deepEqual(found(content), [
      '2:37 type 5', '5:9 type f', '6:3 type bare', '7:17 type true', '7:34 type [1]', '8:21 missing {on: candidate}', '8:38 type 7', '10:5 missing {userId: "8"}', '11:28 type deep',
    ]);
    const { models, personas } = config(content);
    assert.deepEqual(models.map((model) => [model.name, model.switches.map(({ flag }) => flag)]), [['good', ['f']], ['typed', []], ['list', ['g']]]);
    assert.deepEqual(personas.map(({ name, properties }) => [name, properties]), [['b', {}]]);
  });

  it('says what to write instead', () => {
    assert.deepEqual(messages('version: 1\nmodels: {m: {flag: 2024}}'), ['models.m.flag must be text, such as fraud-v2. Put 2024 in quotes.']);
    assert.deepEqual(messages('version: 1\npersonas: [{userId: "1"}]'), ['personas[0] lacks name, which must be text, such as internal tester.']);
    assert.deepEqual(messages('version: 1\nmodels: {m: {}}'), ['m has no flag, so nothing switches it: add one, such as flag: m-v2.']);
    const planned = (more: string): string[] => loadWorkspaceFile(`version: 1\nmodels: {m: {plan: [{environment: production, percent: 5}]${more}}}\n`).problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    for (const more of ['', ', flg: m-v2', ', switches: []']) assert.deepEqual(planned(more), ['m has a plan and no flag, so nothing is released or guarded by it: add one, such as flag: m-v2.'], more);
    assert.deepEqual(planned(', flag: m-v2'), []);
    assert.deepEqual(messages('version: 1\nmodels: {m: {flag: ""}}'), ['models.m.flag must not be empty; write for example fraud-v2.']);
  });

  it('warns of unknown keys and guesses what was meant', () => {
    const content = 'version: 1\nregsitry: {}\nmodels: {m: {flag: f, canidate: "1"}}\nunleash: {url: "http://u", zzz: 1}\npersonas: [{name: a, region: eu}]\n';
    assert.deepEqual(found(content), ['2:1 unknownKey regsitry', '3:23 unknownKey canidate', '4:28 unknownKey zzz', '5:22 unknownKey region']);
    assert.ok(loadWorkspaceFile(content).problems.every((problem) => problem.severity === 'warning'));
    assert.deepEqual(messages(content), [
      'Unknown key "regsitry"; it is ignored. Did you mean "registry"?',
      'Unknown key "canidate" in models.m; it is ignored. Did you mean "candidate"?',
      'Unknown key "zzz" in unleash; it is ignored. Known here: url, project, environment.',
      'Unknown key "region" in personas[0]; it is ignored. Context fields of your own stand under properties.',
    ]);
    assert.equal(config(content).models[0]?.switches[0]?.flag, 'f');
  });

  it('accepts what other parts will read, whatever is in it', () => {
    assert.deepEqual(found('version: 1\nregistry: {sqlite: x}\nmodels: {m: {flag: f, suites: [a], contract: b.yaml, quality: {signals: []}, plan: [{environment: production, percent: 5}]}}'), []);
  });

  it('sees what stands twice', () => {
    assert.deepEqual(found('version: 1\nmodels:\n  m: {flag: a}\n  m: {flag: b}\n'), ['4:3 duplicate m']);
    assert.equal(loadWorkspaceFile('version: 1\nversion: 1').config, undefined);
    assert.deepEqual(found('version: 1\nmodels: {m: {flag: a, switches: [{flag: b}]}}'), ['2:20 duplicate a']);
    assert.deepEqual(found('version: 1\nmodels: {m: {switches: [{flag: b}, {flag: b}]}}'), ['2:43 duplicate b']);
    assert.deepEqual(found('version: 1\npersonas: [{name: a}, {name: a}]'), ['2:30 duplicate a']);
  });

  it('reads nothing of another version, and warns of a missing one', () => {
    const newer = loadWorkspaceFile('version: 2\nmodels: {m: {flag: f}}');
    assert.deepEqual([newer.config, newer.problems[0]?.message], [undefined, 'version must be 1, the only version of this file format so far.']);
    const missing = loadWorkspaceFile('models: {m: {flag: f}}');
    assert.equal(missing.config?.models.length, 1);
    assert.deepEqual(missing.problems.map(({ severity, message }) => [severity, message]), [['warning', 'The file lacks version, which must be 1, the only version of this file format so far.']]);
  });

  for (const [url, expected] of [
    ['http://localhost:4242', 'http://localhost:4242'],
    ['https://u.example/team//', 'https://u.example/team'],
    ['HTTPS://U.Example:443/', 'https://u.example'],
    ['https://u.example/api/', 'https://u.example'],
    ['https://u.example/team/api/admin', 'https://u.example/team'],
  ] as const) {
    it(`takes the address ${url} as ${expected}`, () => {
      const loaded = loadWorkspaceFile(`version: 1\nunleash: {url: "${url}"}`);
      assert.equal(loaded.config?.unleash?.url, expected);
      assert.deepEqual(loaded.problems.map((problem) => problem.code), url.includes('/api') ? ['url'] : []);
    });
  }

  for (const url of ['ftp://u.example', 'u.example', 'localhost:4242', 'javascript:alert(1)', 'https://', 'https://u.example/?token=1', 'https://u.example/#a', 'https:\\\\me:pw@u.example']) {
    it(`does not take the address ${url}`, () => {
      const loaded = loadWorkspaceFile(`version: 1\nunleash: {url: '${url}'}`);
      assert.equal(loaded.config?.unleash?.url, undefined);
      assert.deepEqual(loaded.problems.map(({ code, severity }) => [code, severity]), [['url', 'error']]);
    });
  }
});

describe('loading modelswitch.yaml: secrets', () => {
  const hex = '0123456789abcdef'.repeat(4);
  for (const [what, content, marked] of [
    ['an address with credentials', 'version: 1\nunleash: {url: "https://me:pw@u.example"}', '"https://me:pw@u.example"'],
    ['an address with a user', 'version: 1\nunleash: {url: https://token@u.example/}', 'https://token@u.example/'],
    ['a token key', 'version: 1\nunleash: {url: "http://u", token: abc}', 'abc'],
    ['an api key in a later section', 'version: 1\nregistry: {mlflow: "http://m", apiKey: 12345}', '12345'],
    ['a key in camel case', 'version: 1\nmodels: {m: {flag: f, quality: {clientSecret: abc}}}', 'abc'],
    ['a password deep in a model', 'version: 1\nmodels: {m: {flag: f, suites: {source: {db_password: x1}}}}', 'x1'],
    ['a personal access token anywhere', `version: 1\nmodels: {m: {flag: f, suites: [user:${hex}]}}`, `user:${hex}`],
    ['a client token anywhere', `version: 1\nmodels: {m: {flag: f, quality: {a: "default:production.${hex}"}}}`, `"default:production.${hex}"`],
    ['an address with credentials in a later section', 'version: 1\nregistry: {mlflow: "http://a:b@m"}', '"http://a:b@m"'],
  ] as const) {
    it(`reports ${what} without repeating it`, () => {
      const { config: read, problems } = loadWorkspaceFile(content);
      const secret = problems.filter((problem) => problem.code === 'secret');
      assert.ok(problems.length === 1 || problems.every((problem) => ['secret', 'unknownKey'].includes(problem.code)), 'one place is reported once');
      assert.deepEqual(secret.map((problem) => [problem.severity, rangeText(content, problem.range)]), [['error', marked]]);
      assert.ok(secret.every((problem) => problem.message.includes('No secret may stand in this file')));
      for (const problem of problems) for (const hidden of ['pw', 'abc', '12345', 'x1', hex, 'a:b']) assert.ok(!problem.message.includes(hidden), problem.message);
      assert.ok(read !== undefined && !String(read.unleash?.url).includes('@'));
    });
  }

  it('lets placeholders and ordinary words pass', () => {
    assert.deepEqual(found('version: 1\nmodels: {m: {flag: f, suites: {token: "${MLFLOW_TOKEN}", tokenizer: bert, image: "repo@sha256:abc", mail: a@b.c}}}'), []);
  });
});

describe('loading modelswitch.yaml: whatever the text is', function () {
  this.timeout(30_000);

  for (const [what, content, code] of [
    ['an empty text', '', 'missing'],
    ['only comments', '# nothing\n', 'missing'],
    ['a list', '- a\n', 'type'],
    ['a word', 'hello', 'type'],
    ['an open bracket', 'models: [', 'syntax'],
    ['an open quote', 'models: "', 'syntax'],
    ['a tab as indent', 'models:\n\ta: 1', 'syntax'],
    ['two documents', 'version: 1\n---\nversion: 1\n', 'syntax'],
    ['a key that is a list', '? [a]\n: b', 'syntax'],
    ['an alias without anchor', 'version: 1\nregistry: *nowhere', 'syntax'],
    ['an unknown tag', 'version: 1\nregistry: !!js/function "x"', 'syntax'],
    ['aliases of aliases', `a: &a [x,x]\n${['b', 'c', 'd', 'e', 'f'].map((name, index) => `${name}: &${name} [${`*${'abcde'[index]!},`.repeat(9)}x]`).join('\n')}`, 'size'],
    ['a thousand aliases', `a: &a 1\nb: [${'*a,'.repeat(1000)}1]`, 'size'],
    ['brackets without end', '['.repeat(200_000), 'size'],
    ['dashes without end', '- '.repeat(100_000), 'size'],
    ['a megabyte', `version: 1\n#${'x'.repeat(1_000_000)}`, 'size'],
    ['a NUL character', 'version: 1\nmodels: \0', 'type'],
  ] as const) {
    it(`says what is wrong with ${what}`, () => {
      const { problems } = loadWorkspaceFile(content);
      assert.ok(problems.some((problem) => problem.code === code), JSON.stringify(problems));
      for (const { range, message } of problems) {
        assert.ok(range.start.offset >= 0 && range.start.offset <= range.end.offset && range.end.offset <= content.length, JSON.stringify(range));
        assert.ok(message.length > 20);
      }
    });
  }

  it('does not let a name reach the prototype', () => {
    const content = 'version: 1\nmodels:\n  __proto__: {flag: evil}\n  constructor: {flag: f}\npersonas:\n  - {name: a, properties: {__proto__: {polluted: 1}, toString: x}}\n';
    const { config: read, problems } = loadWorkspaceFile(content);
    assert.deepEqual(problems.filter((problem) => problem.message.includes('__proto__" cannot be used')).length, 2);
    assert.deepEqual(read?.models.map(({ name }) => name), ['constructor']);
    assert.deepEqual(Object.entries(read.personas[0]?.properties ?? {}), [['toString', 'x']]);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  it('reads thousands of models and reports at most 100 problems', () => {
    const many = `version: 1\nmodels:\n${Array.from({ length: 5000 }, (_, index) => `  m${index}: {flag: f${index}, x: 1}`).join('\n')}\n`;
    const { config: read, problems } = loadWorkspaceFile(many);
    assert.equal(read?.models.length, 5000);
    assert.equal(problems.length, 100);
  });

  it('never throws and never points outside the text', () => {
    const piece = fc.constantFrom('version: 1\n', 'models:\n', '  m: ', '{flag: f}', '\n', '- ', 'unleash: ', 'personas:', '*a', '&a ', '"', "'", '{', '}', '[', ']', ',', ': ', '\t', '|', '>', '!!x ', '#', '? ', '<<: ', '\r\n', '\uFEFF', '__proto__: ', '---\n', '%YAML 1.1\n', 'null', '1e999', '😀');
    fc.assert(fc.property(fc.oneof(fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')), fc.string({ unit: 'binary', maxLength: 80 })), (content) => {
      for (const { range } of loadWorkspaceFile(content).problems) {
        assert.ok(range.start.offset >= 0 && range.start.offset <= range.end.offset && range.end.offset <= content.length);
        assert.ok(range.start.line >= 0 && range.start.column >= 0);
      }
    }), { seed: 3, numRuns: 1500 });
  });
});
