/** `npm run bench`: prints the figures of docs/performance.md as Markdown tables. `-- --only lens,activation` runs some of them. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchActivation } from './activation.ts';
import { benchAssessed } from './assessed.ts';
import { benchChanges } from './changes.ts';
import { benchDrift } from './drift.ts';
import { benchGuard } from './guard.ts';
import { benchGuardRequests } from './guardRequests.ts';
import { benchIndex } from './index.ts';
import { benchIndexing } from './indexing.ts';
import { benchLens } from './lens.ts';
import { benchQuality } from './quality.ts';
import { benchRegistry } from './registry.ts';
import { benchRequests } from './requests.ts';
import { benchRollback } from './rollback.ts';
import { benchSuites } from './suites.ts';
import { benchSites } from './sites.ts';
import { printTable } from './table.ts';
import type { BenchRow } from './table.ts';

const root = join(import.meta.dirname, '..', '..');

const parts: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  lens: benchLens,
  index: benchIndex,
  indexing: benchIndexing,
  activation: benchActivation,
  requests: benchRequests,
  changes: benchChanges,
  sites: benchSites,
  registry: benchRegistry,
  guard: () => benchGuard(),
  assessed: () => benchAssessed(),
  drift: () => benchDrift(),
  rollback: () => benchRollback(),
  'guard-requests': () => benchGuardRequests(),
  suites: benchSuites,
  quality: () => benchQuality(),
};

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const names = values.only === undefined ? Object.keys(parts) : values.only.split(',').map((name) => name.trim());
for (const name of names) {
  if (parts[name] !== undefined) continue;
  console.error(`test/bench/run.ts: there is no part "${name}"; --only takes a list of ${Object.keys(parts).join(', ')}.`);
  process.exit(2);
}

if (spawnSync(process.execPath, ['esbuild.js', '--production', '--tests'], { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1);
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}`);
for (const name of names) {
  console.log(`\n### ${name}\n`);
  printTable((await parts[name]?.()) ?? []);
}
