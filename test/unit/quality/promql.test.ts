import assert from 'node:assert/strict';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { absenceProblem, isSelector, matchersOf, queryProblem, withoutComments } from '../../../src/core/quality/promql.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';

describe('a selector of PromQL', () => {
  for (const text of [
    'predictions_total', 'job:predictions:sum', 'predictions_total{}', 'predictions_total{arm="a"}', ' predictions_total { arm = "a" , outcome != "x", } ', '{__name__="predictions_total",arm="a"}', '{__name__=~"predictions_.*"}',
    'p{route="/v1/{model}"}', "p{route='{a}', x=~`\\d+{2}`}", 'p{note="a \\"quoted\\" } brace"}', 'p{x!~"a|b"}', 'p{x="#1"}', '{"model.predictions", "service.name"="a"}', 'p{\n  arm="a"\n}', 'sum', 'infinite_total',
  ]) {
    it(`is ${JSON.stringify(text)}`, () => {
      assert.ok(isSelector(text));
    });
  }

  for (const text of [
    '', 'p{x!~"a|b"} # all but these', 'sum(predictions_total{arm="a"})', 'sum by (arm) (p)', 'p{arm="a"}[5m]', 'p offset 5m', 'p @ 1700000000', 'p{arm="a"', 'p{arm=a}', 'p{arm}', 'p{,}', 'p{arm="a" outcome="b"}', 'p{arm="a\n"}', 'p{arm="a}', '-p', 'p + q', 'p{a="b"} or q{a="b"}', '1', 'NaN', '+Inf', 'Inf', '(p)', '"p"', '{"service.name"}{}', 'p{"a" "b"}',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.ok(!isSelector(text));
    });
  }
});

describe('matchers of a selector', () => {
  it('are told with their labels, whatever is quoted', () => {
    assert.deepEqual([...matchersOf('p{arm="$arm", outcome != "x=\\"y\\"",route=~`a="b"`} # z="1"')], [['arm="$arm"', 'arm'], ['outcome!="x=\\"y\\""', 'outcome'], ['route=~`a="b"`', 'route']]);
    assert.deepEqual([...matchersOf('predictions_total')], []);
  });
});

describe('a query with comments', () => {
  it('is what stands beside them', () => {
    assert.equal(withoutComments('p{x!~"a|b"} # all but these'), 'p{x!~"a|b"}');
    assert.equal(withoutComments('# all\np{x="#1", # "one"\n y=\'#\', z=`#`}#'), 'p{x="#1", \n y=\'#\', z=`#`}');
    assert.equal(queryProblem('p{arm="$arm"} # all'), undefined);
    assert.match(queryProblem('sum(p{arm="$arm"}) # by [$range]') ?? '', /has no \[\$range\]/);
  });
});

describe('a query that may tell nothing', () => {
  const [all, ok] = ['sum(increase(p{arm="$arm"}[$range]))', 'sum(increase(p{arm="$arm",outcome="ok"}[$range]))'];

  for (const [text, operator] of [
    [`${all} - ${ok}`, '-'], [`${all} - ${ok} or vector(0)`, '-'], [`(${all} or vector(0)) - ${ok}`, '-'], [`(${all} - ${ok})`, '-'], [`${all} - on() group_left ${ok}`, '-'], [`${all} + ${ok}`, '+'], [`${all} + (${ok} or vector(0))`, '+'],
    [`${all} and ${ok}`, 'and'], [`${all} * ${ok}`, '*'], [`${all}-${ok}`, '-'], [`${all} / on(x) ${ok}`, '/'], [`${all} > bool ${ok}`, '>'],
  ] as const) {
    it(`is ${text}`, () => {
      assert.equal(/^tells nothing where one side of its (\S+) has no series, .*or write good/.exec(absenceProblem(text) ?? '')?.[1], operator);
    });
  }

  for (const text of [
    all, `${all} * 2`, `0.5 * ${all}`, `${all} > bool 0`, `${all} - (${ok} or vector(0))`, `(${all} or vector(0)) + on() (${ok} or vector(0))`, `${all} or ${ok}`, 'sum(increase(p{arm="$arm",x="a - b",y=~"a|b+"}[$range] offset -5m))', `sum by (a) (-increase(p[$range]))`, `1e-3 * ${all}`, `${all} # less - ${ok}`, 'sum without(job, x) (increase(p_and_q:a{arm="$arm"}[$range]))',
  ]) {
    it(`is not ${text}`, () => {
      assert.equal(absenceProblem(text), undefined);
    });
  }
});

describe('queries of modelswitch.yaml', () => {
  const problems = (prometheus: string): readonly string[] => loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    flag: fraud\n    quality:\n      guardrails: [{name: errors, bad: error}]\n      source:\n        prometheus:\n          url: http://localhost:9090\n          design_effect: 1\n${prometheus.split('\n').map((line) => `          ${line}`).join('\n')}\n`).problems.map(({ range, message }) => `${range.start.line + 1}: ${message}`);

  it('that tell what counters have reached are refused at their line, with the mend', () => {
    const found = problems('queries:\n  errors:\n    total: sum(predictions_total{arm="$arm"})\n    bad: predictions_total{arm="$arm",outcome="error"}\nlatency: {buckets: \'sum by (le) (latency_bucket{arm="$arm"})\', unit: s}');
    assert.equal(found.length, 2);
    assert.match(found[0] ?? '', /^13: .*queries\.errors\.total: sum\(predictions_total\{arm="\$arm"\}\) is no plain selector and has no \[\$range\], so it tells what counters have reached, .*: write a selector, such as .*, or an expression of their growth, such as sum\(increase\(/);
    assert.match(found[1] ?? '', /^15: .*latency\.buckets: sum by \(le\) \(latency_bucket\{arm="\$arm"\}\) is no plain selector/);
  });

  it('that name the arm in a comment alone do not name it', () => {
    const found = problems('queries:\n  errors: {total: "p # $arm", bad: \'e{arm="$arm"}\'}\nlatency: {buckets: "b_bucket # $arm", unit: s}');
    assert.deepEqual(found.map((message) => /(?:total|buckets): has no \$arm/.exec(message)?.[0]), ['total: has no $arm', 'buckets: has no $arm']);
  });

  it('that count bad events as what is left of all are refused, and those that tell them by the second', () => {
    const found = (key: string, query: string): readonly string[] => problems(`queries:\n  errors:\n    total: 'sum(increase(p{arm="$arm"}[$range]))'\n    ${key}: '${query}'`);
    const less = 'sum(increase(p{arm="$arm"}[$range])) - sum(increase(p{arm="$arm",outcome="ok"}[$range]))';
    assert.match(found('bad', less).join('\n'), /^14: .*queries\.errors\.bad: tells nothing where one side of its - has no series/);
    // Without good events nothing is told, rather than that all is well.
    assert.deepEqual(found('good', less), []);
    for (const name of ['rate', 'irate', 'deriv', 'idelta']) assert.match(found('bad', `sum(${name}(p{arm="$arm",outcome="error"}[$range]))`).join('\n'), new RegExp(`^14: .*queries\\.errors\\.bad: .* goes by ${name}, which tells no counts .*: write increase\\.$`));
    for (const name of ['deriv_fast', 'ideriv', 'rollup_rate']) assert.match(found('bad', `sum(${name}(p{arm="$arm"}[$range]))`).join('\n'), /which tells no counts/);
    assert.deepEqual(found('bad', 'sum(increase(rate_total{arm="$arm",x="rate(y)"}[$range])) # rate(z)'), []);
  });

  it('that tell what counters stood at in the range are refused, and those that have it elsewhere only', () => {
    for (const name of ['last', 'max', 'min', 'avg', 'first', 'quantile', 'present', 'mad']) {
      assert.match(queryProblem(`sum(${name}_over_time(p{arm="$arm"}[$range]))`) ?? '', new RegExp(`^sum\\(${name}_over_time\\(.* goes by ${name}_over_time, which tells what counters stood at, .*: write increase$`));
    }
    for (const name of ['sum', 'count', 'count_eq']) assert.equal(queryProblem(`sum(${name}_over_time(p{arm="$arm"}[$range]))`), undefined);
    for (const query of ['sum(p{arm="$arm"} offset $range)', 'sum(p{arm="$arm",x="[$range]"})', 'sum(increase(p{arm="$arm"}[5m])) + 0 * $range']) assert.match(queryProblem(query) ?? '', /has no \[\$range\], so it tells what counters have reached/);
    for (const query of ['sum(increase(p{arm="$arm"}[ $range ]))', 'sum_over_time(p{arm="$arm"}[$range:15s])', 'sum(increase(p_over_time{arm="$arm",x="max_over_time("}[$range]))']) assert.equal(queryProblem(query), undefined, query);
  });

  it('that leave out windows with few bad events are refused, for those would have none', () => {
    const errors = 'sum(increase(e{arm="$arm"}[$range]))';
    for (const query of [`${errors} > 5`, `${errors}>=1`, `5 < ${errors}`, `sum(increase(e{arm="$arm"}[$range]) > 1e2)`, `${errors} < 1000`, `${errors} == 1`, `${errors} != 3`, `0 > ${errors}`, `(${errors} > 5) or vector(0)`]) {
      assert.match(absenceProblem(query) ?? '', /^tells nothing where (?:==|!=|>=|<=|>|<) \S+ does not hold, and that would be no event: leave the comparison out/, query);
    }
    for (const query of [errors, `${errors} > 0`, `${errors} >= 0`, `0 < ${errors}`, `${errors} != 0`, `${errors} > -1`, `1 >= bool ${errors}`, `sum(sum_over_time((l{arm="$arm",x!="1"} > bool 80)[$range:]))`]) assert.equal(absenceProblem(query), undefined, query);
  });

  it('of which one is a selector and one an expression are refused: they are not counted alike', () => {
    const [selector, expression] = ['p{arm="$arm"} # all', 'sum(increase(p{arm="$arm"}[$range]))'];
    const found = (total: string, key: string, other: string): readonly string[] => problems(`queries:\n  errors:\n    total: '${total}'\n    ${key}: '${other}'`);
    for (const key of ['bad', 'good']) {
      assert.match(found(selector, key, expression).join('\n'), new RegExp(`^14: .*queries\\.errors\\.${key}: is an expression and total a plain selector: .*: write both in one way\\.$`));
      assert.match(found(expression, key, selector).join('\n'), /^14: .*is a plain selector and total an expression/);
      assert.deepEqual([...found(expression, key, expression), ...found(selector, key, selector)], []);
    }
  });

  it('that read what may be a recording rule are a warning, for a sum of counters falls with each process that ends', () => {
    const written = (total: string): readonly string[] => (readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], source: { prometheus: { url: 'http://a', design_effect: 1, queries: { errors: { total, bad: 'e{arm="$arm"}' } } } } }).problems).map(({ severity, message }) => `${severity}: ${message}`);
    assert.match(written('job:predictions:sum{arm="$arm"}').join(), /^warning: .*reads job:predictions:sum, which by the colon may be a recording rule: one that sums processes falls/);
    assert.deepEqual(written('p{arm="$arm",route="a:b"}'), []);
  });

  it('that are selectors in whatever writing, or go by $range, are not', () => {
    assert.deepEqual(problems(`queries:\n  errors: {total: '{__name__="predictions_total",arm="$arm"}', bad: 'e{arm="$arm"}'}\nlatency: {buckets: 'b_bucket{arm="$arm",route="/v1/{model}"}', unit: s}`), []);
    assert.equal(queryProblem('rate_$arm{x="$arm"}'), undefined);
  });
});
