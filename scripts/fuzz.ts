/** `node scripts/fuzz.ts [count] [first]`: reads that many seeded hostile texts as `modelswitch.yaml`, each within 5 s, and prints what is wrong. */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fuzzed } from '../test/support/fuzz.ts';
import { complaints } from '../test/support/fuzzCheck.ts';

const LIMIT_MS = 5000;

if (isMainThread) {
  const count = Number(process.argv[2] ?? 100_000);
  const first = Number(process.argv[3] ?? 1);
  const started = performance.now();
  const seen = { at: first, wrong: 0, slowestMs: 0 };
  const worker = new Worker(new URL(import.meta.url), { workerData: { first, count } });
  const watch = (): NodeJS.Timeout => setTimeout(() => {
    console.log(`input ${seen.at} takes longer than ${LIMIT_MS / 1000} s`);
    process.exit(1);
  }, LIMIT_MS);
  let timer = watch();
  worker.on('message', ({ seed, found, ms }: { seed: number; found: string[]; ms: number }) => {
    clearTimeout(timer);
    timer = watch();
    seen.at = seed + 1;
    seen.slowestMs = Math.max(seen.slowestMs, ms);
    for (const complaint of found) console.log(`input ${seed}: ${complaint}`);
    seen.wrong += found.length > 0 ? 1 : 0;
  });
  worker.on('exit', () => {
    clearTimeout(timer);
    console.log(`${count} inputs from seed ${first} in ${((performance.now() - started) / 1000).toFixed(1)} s: ${seen.wrong} wrong, slowest ${seen.slowestMs.toFixed(0)} ms`);
    process.exitCode = seen.wrong === 0 ? 0 : 1;
  });
} else {
  const { first, count } = workerData as { first: number; count: number };
  for (let seed = first; seed < first + count; seed += 1) {
    const text = fuzzed(seed);
    const started = performance.now();
    let found: string[];
    try {
      found = complaints(text);
    } catch (error) {
      found = [`it throws ${String(error)}`];
    }
    parentPort?.postMessage({ seed, found, ms: performance.now() - started });
  }
}
