/**
 * Builds everything that runs: `node scripts/run.mjs esbuild.js [--production] [--tests] [--watch]`.
 *
 *   extension   src/extension/extension.ts   -> dist/extension.cjs
 *   workers     src/**\/<name>.worker.ts     -> dist/<name>.worker.cjs
 *   packages    what is loaded when needed   -> dist/<package>.cjs
 *   zod         what sources use of it       -> dist/zod.cjs, one for the lazy parts and workers
 *   statistics  src/core/quality/stats/      -> dist/statistics.cjs, one for the lazy parts and workers
 *   lazy parts  src/**\/<name>.lazy.ts       -> dist/<name>.lazy.cjs, loaded by `import()` when they are first needed
 *   webviews    src/webview/<name>.webview.ts -> dist/<name>.webview.js and .css
 *   cli         src/cli/main.ts              -> dist/cli/modelswitch.cjs, with a package.json and workers of its own
 *   tests       test/host/**\/*.ts            -> dist/test/host/, only with --tests; never packaged
 *
 * `--production` minifies. `dist/meta.json` holds esbuild's metafile of the extension, the workers and the CLI.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve, sep } from 'node:path';
import * as esbuild from 'esbuild';
import * as zod from 'zod';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (['--production', '--tests', '--watch'].includes(flag)) continue;
  console.error(`esbuild.js: unknown option ${flag}; there are --production, --tests and --watch.`);
  process.exit(2);
}
const production = flags.has('--production');

/** @type {esbuild.BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
  metafile: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  legalComments: 'none',
  // Its main file cannot be bundled.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  outExtension: { '.js': '.cjs' },
  // Sources are ES modules; in a CommonJS bundle import.meta is empty, so its three uses are given here.
  define: {
    'import.meta.url': '__bundleUrl',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
};

/** Packages that the extension imports when it needs them, `await import(...)`, not on activation. */
const loadedLater = ['unleash-proxy-client', 'web-tree-sitter'];

/** Packages that several lazy parts and workers need: one copy for all of them. None is loaded on activation. */
const shared = ['yaml', 'hyparquet'];

/** @type {esbuild.Plugin} */
const leaveOut = {
  name: 'packages that are files of their own',
  setup: ({ onResolve }) => onResolve({ filter: new RegExp(`^(${[...loadedLater, ...shared].join('|')})$`) }, ({ path }) => ({ path: `./${path}.cjs`, external: true })),
};

const STATISTICS_FOLDER = 'src/core/quality/stats';
const STATISTICS = globSync('*.ts', { cwd: join(root, STATISTICS_FOLDER) });

/**
 * The closed forms with their special functions are one file for all that need them.
 * @type {esbuild.Plugin}
 */
const statistics = {
  name: 'statistics',
  setup: ({ onResolve }) => onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => (resolve(resolveDir, path).startsWith(join(root, STATISTICS_FOLDER) + sep) ? { path: './statistics.cjs', external: true } : undefined)),
};

/** The names of zod that some source uses: all of it would be five times as much. Of core only types are. */
const ZOD = [...new Set(globSync('src/**/*.ts', { cwd: root }).flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/\bz\.(\w+)/g)].map(([, name = '']) => name)))].filter((name) => name in zod && !['core', 'locales'].includes(name)).sort();

/**
 * Each schema that a lazy part or worker has is made by one copy of zod.
 * @type {esbuild.Plugin}
 */
const schemas = {
  name: 'zod',
  setup: ({ onResolve }) => onResolve({ filter: /^zod$/ }, () => ({ path: './zod.cjs', external: true })),
};

/**
 * `import('./x.lazy.ts')` stays an import, of the part's own bundle, so that activation does not load it.
 * @type {esbuild.Plugin}
 */
const lazyParts = {
  name: 'lazy parts',
  setup: ({ onResolve }) => onResolve({ filter: /\.lazy\.ts$/ }, ({ path, kind }) => kind === 'dynamic-import' ? { path: `./${basename(path, '.ts')}.cjs`, external: true } : undefined),
};

/** @type {Record<string, esbuild.BuildOptions>} */
const targets = {
  extension: {
    ...common,
    entryPoints: { extension: 'src/extension/extension.ts' },
    outdir: 'dist',
    external: ['vscode'],
    plugins: [leaveOut, lazyParts],
  },
  lazy: {
    ...common,
    entryPoints: Object.fromEntries(globSync('src/**/*.lazy.ts', { cwd: root }).map((file) => [basename(file, '.ts'), file])),
    outdir: 'dist',
    external: ['vscode'],
    plugins: [leaveOut, statistics, schemas],
  },
  packages: { ...common, entryPoints: Object.fromEntries([...loadedLater, ...shared].map((name) => [name, name])), outdir: 'dist' },
  zod: { ...common, stdin: { contents: `export { ${ZOD.join(', ')} } from 'zod';`, resolveDir: root }, outfile: 'dist/zod.cjs' },
  statistics: { ...common, stdin: { contents: STATISTICS.map((file) => `export * from './${file}';`).join('\n'), resolveDir: join(root, STATISTICS_FOLDER) }, outfile: 'dist/statistics.cjs' },
  workers: {
    ...common,
    entryPoints: Object.fromEntries(globSync('src/**/*.worker.ts', { cwd: root }).map((file) => [basename(file, '.ts'), file])),
    outdir: 'dist',
    plugins: [leaveOut, statistics, schemas],
  },
  // What runs in a browser: no Node, no CommonJS. A style sheet that it imports is written beside it.
  webview: {
    ...common,
    entryPoints: Object.fromEntries(globSync('src/webview/*.webview.ts', { cwd: root }).map((file) => [basename(file, '.ts'), file])),
    outdir: 'dist',
    plugins: [leaveOut, statistics],
    platform: 'browser',
    target: 'chrome122',
    format: 'iife',
    outExtension: {},
    define: {},
    banner: {},
  },
  // vscode is not external here: an import of it anywhere below the command line breaks the build.
  cli: {
    ...common,
    entryPoints: { modelswitch: 'src/cli/main.ts' },
    outdir: 'dist/cli',
    banner: { js: `#!/usr/bin/env node\n${common.banner?.js ?? ''}` },
  },
  cliWorkers: {
    ...common,
    entryPoints: { 'index.worker': 'src/adapters/workspaceIndex/index.worker.ts', 'quality.worker': 'src/adapters/quality/quality.worker.ts' },
    outdir: 'dist/cli',
  },
};

/**
 * Never minified: a stack trace of a failing test must be readable. Mocha is an ES module, which the Node of VS Code
 * 1.103 requires in another shape than today's, so it is bundled; its parallel mode, which looks for files beside its
 * own, is not used.
 * @type {esbuild.BuildOptions}
 */
const tests = {
  ...common,
  entryPoints: [...globSync('test/host/{index,*.test,folders/*.test}.ts', { cwd: root }), ...globSync('test/bench/*InHost.ts', { cwd: root })],
  outdir: 'dist/test',
  outbase: 'test',
  external: ['vscode'],
  logOverride: { 'require-resolve-not-external': 'silent' },
  minify: false,
  sourcemap: 'inline',
};

/** Both the extension and the command line parse sources, each from its own folder. */
function copyGrammars() {
  for (const file of ['web-tree-sitter/web-tree-sitter.wasm', 'tree-sitter-python/tree-sitter-python.wasm', 'tree-sitter-typescript/tree-sitter-tsx.wasm']) {
    for (const folder of [dist, join(dist, 'cli')]) cpSync(join(root, 'node_modules', file), join(folder, basename(file)));
  }
}

/** What runs callables of Python and serves versions of a registry. */
function copyScripts() {
  for (const file of globSync('media/python/*.py', { cwd: root })) cpSync(join(root, file), join(dist, 'cli', 'python', basename(file)));
}

/** The command line is a package of its own: `npm pack ./dist/cli`. */
function writeCliPackage() {
  for (const file of ['LICENSE', 'THIRD_PARTY_NOTICES.md']) cpSync(join(root, file), join(dist, 'cli', file));
  const { version, license, keywords } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = {
    name: 'modelswitch',
    version,
    description: 'Release machine-learning models through Unleash feature flags, from the command line.',
    license,
    keywords,
    bin: { modelswitch: 'modelswitch.cjs' },
    files: ['modelswitch.cjs', '*.worker.cjs', '*.wasm', 'python/*.py', 'THIRD_PARTY_NOTICES.md'],
    engines: { node: '>=20' },
  };
  writeFileSync(join(dist, 'cli', 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function build() {
  const metafile = { inputs: {}, outputs: {} };
  for (const options of Object.values(targets)) {
    const result = await esbuild.build(options);
    Object.assign(metafile.inputs, result.metafile?.inputs);
    Object.assign(metafile.outputs, result.metafile?.outputs);
  }
  if (flags.has('--tests')) await esbuild.build(tests);
  writeFileSync(join(dist, 'meta.json'), JSON.stringify(metafile));
}

async function watch() {
  const watched = [...Object.values(targets), ...(flags.has('--tests') ? [tests] : [])];
  for (const options of watched) await (await esbuild.context({ ...options, logLevel: 'info' })).watch();
  console.log('Watching; Ctrl-C ends it.');
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, 'cli'), { recursive: true });
copyGrammars();
copyScripts();
writeCliPackage();
try {
  await (flags.has('--watch') ? watch() : build());
} catch (error) {
  // esbuild has printed what is wrong, with file and line.
  if (!(error instanceof Error && 'errors' in error)) console.error(error);
  process.exitCode = 1;
}
