/** A folder of 10,000 Python files of which some ask for flags. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FILES = 10_000;
const PACKAGES = 100;
/** One file in this many asks for flags: 6 %. */
const CALLS_EVERY = 16;
const KEYS = 150;
const WRAPPERS = 100;

/** A call site as the generator means it; `line` counts from 1. */
export interface Expected {
  readonly path: string;
  readonly line: number;
  readonly flag: string | null;
  readonly via: string;
}

/** Deterministic: the same numbers in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A module as services have them: imports, a class, functions, docstrings, nothing of flags. */
function filler(index: number, next: () => number): string[] {
  const lines = ['"""Part of the service; see the handbook."""', 'import logging', 'from datetime import timedelta', '', 'logger = logging.getLogger(__name__)', `LIMIT = ${index % 97}`, ''];
  const functions = 2 + Math.floor(next() * 6);
  for (let each = 0; each < functions; each += 1) {
    lines.push(
      '', `def compute_${index}_${each}(rows, minimum=0.0, maximum=1.0):`, '    """Clamps the scores of rows into a range."""', '    clamped = []',
      '    for position, row in enumerate(rows):', '        score = min(max(row["score"], minimum), maximum)', '        if score > LIMIT and not row.get("blocked", False):',
      '            logger.debug("row %s has score %s", position, score)', '        clamped.append({**row, "score": score, "position": position})',
      '    return [row for row in clamped if row["score"] > minimum]', '',
    );
  }
  lines.push('', `class Service${index}:`, '    def __init__(self, store, threshold=0.5):', '        self.store = store', '        self.threshold = threshold', '',
    '    def run(self, user, rows):', '        total = sum(row["score"] for row in rows)', '        self.store.write(user.id, total, timeout=timedelta(seconds=3))', '        return {"user": user.id, "total": total}', '');
  return lines;
}

/** Writes the folder; gives all its call sites. */
export function generate(folder: string): readonly Expected[] {
  const next = random(42);
  const expected: Expected[] = [];
  const write = (path: string, lines: readonly string[]): void => writeFileSync(join(folder, path), `${lines.join('\n')}\n`);
  for (let index = 0; index < PACKAGES; index += 1) {
    mkdirSync(join(folder, `pkg_${index}`), { recursive: true });
    write(`pkg_${index}/__init__.py`, []);
  }
  mkdirSync(join(folder, 'flags'));
  write('flags/__init__.py', ['from flags.client import unleash']);
  write('flags/client.py', ['from UnleashClient import UnleashClient', '', 'unleash = UnleashClient(url="http://unleash", app_name="bench")']);
  write('flags/keys.py', Array.from({ length: KEYS }, (_, index) => `KEY_${index} = "flag-${index}"`));
  const wrappers = ['from flags import unleash', ''];
  for (let index = 0; index < WRAPPERS; index += 1) {
    wrappers.push('', `def is_on_${index}(${index % 2 === 0 ? 'key, user=None' : 'user, key'}):`, `    return unleash.is_enabled(${index % 3 === 0 ? 'f"team.{key}"' : 'key'}, {"userId": user})`);
    expected.push({ path: 'flags/wrappers.py', line: wrappers.length, flag: null, via: 'dynamic' });
  }
  write('flags/wrappers.py', wrappers);
  for (let index = 0; index < FILES; index += 1) {
    const path = `pkg_${index % PACKAGES}/module_${index}.py`;
    const lines = filler(index, next);
    if (index % CALLS_EVERY === 0) {
      const key = Math.floor(next() * KEYS);
      const wrapper = Math.floor(next() * WRAPPERS);
      const call = (text: string, flag: string | null, via: string): void => {
        lines.push(text);
        expected.push({ path, line: lines.length, flag, via });
      };
      lines.splice(1, 0, 'from flags import unleash', 'from flags import keys', `from flags.keys import KEY_${key}`, `from flags.wrappers import is_on_${wrapper}`);
      lines.push('', 'def decide(user, name):');
      call(`    unleash.is_enabled("literal-${index}", {"userId": user})`, `literal-${index}`, 'direct');
      call(`    unleash.is_enabled(KEY_${key})`, `flag-${key}`, 'constant');
      call(`    unleash.get_variant(feature_name=keys.KEY_${(key + 1) % KEYS})`, `flag-${(key + 1) % KEYS}`, 'constant');
      call(`    is_on_${wrapper}(user=user, key=KEY_${key})`, wrapper % 3 === 0 ? `team.flag-${key}` : `flag-${key}`, 'wrapper');
      call('    unleash.is_enabled(name)', null, 'dynamic');
      lines.push('    logger.is_enabled("look-alike")', '    return name');
    }
    write(path, lines);
  }
  return expected;
}
