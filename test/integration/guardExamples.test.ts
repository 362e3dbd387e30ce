import assert from 'node:assert/strict';
import { execSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { PlannedReleases, type PlannedRelease } from '../support/plannedReleases.ts';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'dist', 'cli', 'modelswitch.cjs');

const workflow = z.object({ jobs: z.object({ guard: z.object({ concurrency: z.string(), steps: z.array(z.object({ run: z.string().optional(), env: z.record(z.string(), z.string()).optional() })) }) }) });
const cronJob = z.object({ spec: z.object({ jobTemplate: z.object({ spec: z.object({ backoffLimit: z.literal(0), template: z.object({ spec: z.object({ restartPolicy: z.literal('Never'), containers: z.tuple([z.object({ args: z.array(z.string()) })]) }) }) }) }) }) });

/** The commands of docs/guard.md as they stand there, with the tarball that it tells to make and install. Docker, GitHub and Kubernetes themselves are not asked. */
describe('the examples of docs/guard.md', () => {
  let releases: PlannedReleases;
  let made: PlannedRelease;
  let bin: string;
  let tarball: string;
  const blocks = [...readFileSync(join(root, 'docs', 'guard.md'), 'utf8').matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({ language, text }));
  const block = (begin: string): string => blocks.find(({ text }) => text.includes(begin))?.text ?? assert.fail(`there is no example with ${begin}`);

  before(async function start() {
    this.timeout(180_000);
    assert.ok(existsSync(program), `${program} is missing: run esbuild.js first, as npm test does.`);
    releases = await PlannedReleases.start('examples');
    made = await releases.release(2);
    await made.traffic(0.25, 0.02, 2000);
    bin = join(releases.dir, 'bin');
    // The first of these commands builds, as was done before.
    const [, pack = '', install = ''] = block('npm pack').trim().split('\n');
    tarball = install.split('/').at(-1) ?? '';
    for (const [command, cwd] of [[`${pack} --pack-destination "${releases.dir}"`, root], [`${install} --prefix "${releases.dir}" --offline`, releases.dir]] as const) execSync(command, { cwd, stdio: 'pipe' });
  });
  after(async function stop() {
    this.timeout(60_000);
    await releases.stop();
  });

  const path = (): string => `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
  const token = (): Record<string, string> => ({ UNLEASH_URL: releases.unleash.url, UNLEASH_TOKEN: releases.unleash.tokens.eddy });

  async function run(command: string, args: readonly string[], env: Record<string, string>, until?: RegExp, seen: (output: string) => void = () => undefined): Promise<{ code: number | null; output: string }> {
    const child = spawn(command, args, { cwd: made.folder, env: { PATH: path(), HOME: releases.dir, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 45_000 });
    let output = '';
    let isEnded = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        seen(output);
        // Once: told so again it would end at once.
        if (isEnded || until?.test(output) !== true) return;
        isEnded = true;
        child.kill('SIGTERM');
      });
    }
    const [code] = await once(child, 'close') as [number | null];
    return { code, output };
  }
  /** It looked at the release, found nothing to do, and said so. */
  const looked = ({ code, output }: { code: number | null; output: string }): void => {
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`^\\S+ fraud ${made.flag} production: healthy`, 'm'));
  };

  it('cron', async function cron() {
    this.timeout(60_000);
    const [, command = ''] = /^(?:\S+ ){4}\S+ +(.*)$/m.exec(block('UNLEASH_TOKEN_FILE')) ?? assert.fail();
    const file = join(releases.dir, 'token');
    writeFileSync(file, `${releases.unleash.tokens.eddy}\n`);
    assert.ok(['/srv/fraud', 'https://unleash.example.com', '/etc/token'].every((each) => command.includes(each)), command);
    looked(await run('sh', ['-c', command.replace('/srv/fraud', made.folder).replace('https://unleash.example.com', releases.unleash.url).replace('/etc/token', file)], {}));
  });

  it('GitHub Actions', async function actions() {
    this.timeout(60_000);
    const { steps } = workflow.parse(parse(block('concurrency: guard'))).jobs.guard;
    const [install, step] = steps.filter((each) => each.run !== undefined);
    assert.equal(install?.run, `npm install --global ./tools/${tarball}`);
    assert.deepEqual(Object.keys(step?.env ?? {}), ['UNLEASH_URL', 'UNLEASH_TOKEN']);
    looked(await run('bash', ['-e', '-c', step?.run ?? ''], token()));
  });

  it('Kubernetes, with the entry point that it asks for', async function kubernetes() {
    this.timeout(60_000);
    const [{ args }] = cronJob.parse(parse(block('kind: CronJob'))).spec.jobTemplate.spec.template.spec.containers;
    const [, entry = ''] = /^Without `--watch`.*`ENTRYPOINT (\[.*\])`/m.exec(readFileSync(join(root, 'docs', 'guard.md'), 'utf8')) ?? assert.fail();
    const [command = '', ...first] = z.array(z.string()).parse(JSON.parse(entry));
    looked(await run(command, [...first, ...args], token()));
  });

  it('the container: it watches until it is stopped', async function container() {
    this.timeout(60_000);
    const steps = block('FROM node').trim().split('\n');
    assert.match(steps[0] ?? '', /^FROM node:2[4-9]/);
    assert.ok([`COPY ${tarball} /tmp/`, `RUN npm install --global /tmp/${tarball}`, 'WORKDIR /release', 'COPY modelswitch.yaml .'].every((step) => steps.includes(step)), steps.join('\n'));
    const [command = '', ...args] = z.array(z.string()).parse(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(steps.join('\n'))?.[1] ?? ''));
    assert.deepEqual(args, ['guard', '--watch']);
    const { code, output } = await run(command, args, token(), /production: healthy/);
    assert.equal(code, 143, output);
    assert.match(output, /production: healthy/);
  });

  it('goes on by modelswitch.yaml as it was, and says when it was written anew', async function changed() {
    this.timeout(60_000);
    const file = join(made.folder, 'modelswitch.yaml');
    const text = readFileSync(file, 'utf8');
    let isWritten = false;
    const { output } = await run('modelswitch', ['guard', '--watch', '--every', '1s'], token(), /started anew\.\n[^]*: healthy[^]*: healthy/, (told) => {
      if (isWritten || !told.includes('healthy')) return;
      isWritten = true;
      writeFileSync(file, 'models: [');
    });
    writeFileSync(file, text);
    assert.deepEqual(output.match(/modelswitch\.yaml is not what it was when the guard began: it goes by the file as it was then until it is started anew\./g)?.length, 1, output);
  });
});
