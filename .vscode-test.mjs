/**
 * The suites that run inside a VS Code, in the form of @vscode/test-cli; test/support/host.ts runs them, in code-server
 * or, with MODELSWITCH_EDITOR=desktop, in the desktop build. Files are what `esbuild.js --tests` writes.
 */
const common = {
  files: 'dist/test/host/*.test.cjs',
  workspaceFolder: 'test/fixtures/host',
  mocha: { ui: 'bdd', timeout: 20_000 },
};

export default [
  { ...common, label: 'newest VS Code' },
  // The oldest one that engines.vscode allows.
  { ...common, label: 'oldest VS Code', version: '1.103.2' },
  { ...common, label: 'several folders', files: 'dist/test/host/folders/*.test.cjs', workspaceFolder: 'test/fixtures/hostFolders/several.code-workspace' },
];
