/** Hostile variants of `modelswitch.yaml`, from a seed: the same number gives the same text on every machine. */

const VALID = [
  `version: 1
unleash: {url: http://localhost:4242, project: default, environment: production}
models:
  fraud: &fraud
    flag: fraud-v2   # the switch
    registered_model: fraud-detector
    current: champion
    candidate: "14"
    suites: [tests/fraud/*.mltest.yaml]
    plan:
      - {environment: production, percent: 5, hold: 1h}
      - {environment: production, percent: 100}
  copy: {<<: *fraud, flag: copy-v2}
  two:
    switches:
      - {flag: a, on: candidate, off: current}
      - {flag: b, on: 13, off: "12"}
personas:
  - {name: internal tester, userId: "7", sessionId: s, properties: {group: internal, age: 33, vip: true}}
`,
  `# comment
version: 1

unleash:
  url: "https://unleash.example.com/team/api/"
  project: 'my project'
models:
  risk:
    flag: >-
      risk-
      v3
    quality:
      source: {log: logs/*.jsonl}
      guardrails:
        - name: errors
          bad: "error"
personas:
- name: |
    eu
  properties:
    region: eu
`,
];

export const TOKENS = [
  `user:${'0123456789abcdef'.repeat(4)}`, `default:production.${'fedcba9876543210'.repeat(4)}`, `*:*.${'0a1b2c3d4e5f6071'.repeat(3)}`, `ghp_${'Ab1'.repeat(12)}`,
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
];

const PIECES = [
  '*', '&a ', '*a', '<<: *a', '<<: [*a, *fraud]', '!!js/function ', '!!binary ', '!!set ', '!x', '!!merge ', '\t', '\uFEFF', '\r', '\r\n', '\n', '\0', '\x1b[31m', '\u202e', '\u2028', '\ud800', '😀', '---\n', '...\n', '%YAML 1.1\n', '%TAG ! x\n',
  '__proto__: ', 'constructor: ', 'toString: ', '"__proto__"', '? ', ': ', ':', '- ', '-', '|', '>', '|+\n', '>9\n', '[', ']', '{', '}', ',', '"', "'", '#', ' #', '`', '@', '\\', '\\x', '"\\u', 'no', 'yes', '~', 'null', '.nan', '.inf', '0o17', '017', '0x1F', '1e999', '1_000', '12:30:45',
  '2026-01-01', '2026-01-01T00:00:00Z', '-0', 'true', '!!null', 'version: 2', 'version: [1]', 'flag: ', 'models:', 'unleash:', 'personas:', 'switches: ', 'url: ', 'token: abcdefgh12345678', 'url: https://me:secretpw@h', 'url: "http:\\\\\\\\evil"', 'url: javascript:alert(1)', 'url: http://[', 'url: http://xn--pple-43d.com', '[x](command:y)', '$(trash)', '<b>', ...TOKENS,
];

const WRONG = ['[]', '{}', '[[[]]]', '{a: {b: {c: 1}}}', 'null', 'true', '3.5', '-1', '"text"', '2026-01-01', '!!binary aGk=', '*fraud', '&x [*x]', '&y {k: *y}', '.nan', '""', '{__proto__: {x: 1}}', '{constructor: 1}', '99999999999999999999', '{<<: 1}', '{<<: [1, 2]}', '{? [a]: b}', '| \n  a', '{1: 2}', '[flag]', '{flag: {flag: x}}'];

/** mulberry32: small, and good enough to choose. */
function chooser(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Choose = (below: number) => number;

function one<T>(choose: Choose, from: readonly T[]): T {
  return from[choose(from.length)]!;
}

const spliced = (text: string, at: number, removed: number, added: string): string => text.slice(0, at) + added + text.slice(at + removed);

function lines(text: string, change: (all: string[]) => void): string {
  const all = text.split('\n');
  change(all);
  return all.join('\n');
}

/** One change each of a text. */
const MUTATIONS: readonly ((text: string, choose: Choose) => string)[] = [
  (text, choose) => spliced(text, choose(text.length + 1), 1, String.fromCharCode(choose(256))),
  (text, choose) => spliced(text, choose(text.length + 1), choose(3), String.fromCharCode(choose(65_536))),
  (text, choose) => text.slice(0, choose(text.length + 1)),
  (text, choose) => text.slice(choose(text.length + 1)),
  (text, choose) => lines(text, (all) => all.splice(choose(all.length), 0, one(choose, all))),
  (text, choose) => lines(text, (all) => all.push(...all.splice(choose(all.length), 1 + choose(3)))),
  (text, choose) => lines(text, (all) => {
    const at = choose(all.length);
    all[at] = `${choose(2) === 0 ? ' '.repeat(choose(5)) : '\t'}${all[at]!.trimStart()}`;
  }),
  (text, choose) => lines(text, (all) => {
    const at = choose(all.length);
    all[at] = all[at]!.replace(/:.*$/, () => `: ${one(choose, WRONG)}`);
  }),
  (text, choose) => text.replace(/[^\s,:{}[\]]+(?=[,}\]\n])/g, (value) => (choose(12) === 0 ? one(choose, WRONG) : value)),
  (text, choose) => spliced(text, choose(text.length + 1), 0, one(choose, PIECES)),
  (text, choose) => spliced(text, choose(text.length + 1), choose(8), one(choose, PIECES) + one(choose, PIECES)),
  (text, choose) => spliced(text, choose(text.length + 1), 0, one(choose, ['[', '{a: ', '- ', '? ', '*a ', 'x'] as const).repeat(1 + choose(300))),
  (text, choose) => text.replaceAll('\n', choose(2) === 0 ? '\r\n' : '\r'),
  (text, choose) => text.replace(/[^]/g, (character) => (choose(20) === 0 ? `${character}\0` : character)),
  (text, choose) => text + (choose(2) === 0 ? '---\n' : '...\n') + text.slice(0, choose(60)),
  (text, choose) => text.replace(/\b\w+(?=:)/g, (key) => (choose(15) === 0 ? one(choose, ['__proto__', 'constructor', 'toString', '<<', '"a b"', '1', 'null', 'x'.repeat(2000), TOKENS[0]!]) : key)),
];

/** A text that no valid file was the beginning of. */
function garbage(choose: Choose): string {
  return Array.from({ length: 1 + choose(40) }, () => one(choose, [...PIECES, ...WRONG, '\n', '\n  ', '\n    ', 'a: '])).join('');
}

/** The text of a number: a mutated valid file mostly, else garbage. */
export function fuzzed(seed: number): string {
  const choose = chooser(seed);
  if (choose(8) === 0) return garbage(choose);
  if (choose(200) === 0) return Buffer.from(one(choose, VALID), 'utf16le').toString(choose(2) === 0 ? 'latin1' : 'utf8');
  let text: string = one(choose, VALID);
  for (let left = 1 + choose(4); left > 0; left -= 1) text = one(choose, MUTATIONS)(text, choose);
  return text;
}
