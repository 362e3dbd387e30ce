import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Folders of `src` and what each may not import: core <- adapters <- {extension, cli}; shared <- {extension, webview}. */
const layers = {
  core: { forbidden: ['adapters', 'extension', 'cli', 'webview', 'shared'], packages: ['vscode', 'node:*', 'fs', 'path', 'os', 'child_process', 'http', 'https', 'crypto', 'worker_threads', 'unleash-proxy-client', 'web-tree-sitter'] },
  adapters: { forbidden: ['extension', 'cli', 'webview', 'shared'], packages: ['vscode'] },
  extension: { forbidden: ['cli', 'webview'], packages: [] },
  cli: { forbidden: ['extension', 'webview', 'shared'], packages: ['vscode'] },
  shared: { forbidden: ['core', 'adapters', 'extension', 'cli', 'webview'], packages: ['vscode', 'node:*'] },
  webview: { forbidden: ['core', 'adapters', 'extension', 'cli'], packages: ['vscode', 'node:*'] },
};

const layerRules = Object.entries(layers).map(([layer, { forbidden, packages }]) => ({
  files: [`src/${layer}/**/*.ts`],
  rules: {
    'no-restricted-imports': ['error', {
      patterns: [
        { group: forbidden.map((folder) => `**/${folder}/**`), message: `${layer} may not import ${forbidden.join(', ')} (docs/architecture.md).` },
        ...(packages.length > 0 ? [{ group: packages, message: `${layer} may not import this package (docs/architecture.md).` }] : []),
      ],
    }],
  },
}));

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'sandbox/node_modules/**', '.sandbox/**', '.vscode-test/**', 'test-results/**', 'test/fixtures/**'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': ['error',
        { selector: 'ExportDefaultDeclaration', message: 'No default exports.' },
        { selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier", message: "Use `import * as z from 'zod'`: the named import bundles five times as much." },
      ],
    },
  },
  ...layerRules,
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'Buffer', 'console'],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'Core takes a clock.' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // mocha's describe and it return void to nobody; node:assert's assertion functions narrow on purpose.
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
);
