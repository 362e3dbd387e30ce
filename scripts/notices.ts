/** Writes THIRD_PARTY_NOTICES.md: the licences of what the packaged extension contains. A test holds the file to it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The npm packages of which something is bundled or copied into `dist`. */
export const BUNDLED_PACKAGES: readonly string[] = ['@stdlib', 'hyparquet', 'ignore', 'json-p3', 'jsonc-parser', 'tiny-emitter', 'tree-sitter-python', 'tree-sitter-typescript', 'unleash-proxy-client', 'uplot', 'web-tree-sitter', 'yaml', 'zod'];

export function notices(): string {
  const sections = BUNDLED_PACKAGES.map((name) => {
    // stdlib is one work in hundreds of packages, all under one licence.
    const folder = join(root, 'node_modules', name === '@stdlib' ? '@stdlib/stats-base-dists-binomial-cdf' : name);
    const licence = ['LICENSE', 'LICENCE', 'LICENSE-MIT', 'LICENSE.md'].map((file) => join(folder, file)).find((file) => existsSync(file)) ?? '';
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string; license: string };
    return `## ${name} ${version} (${license})\n\n\`\`\`\n${readFileSync(licence, 'utf8').trim()}\n\`\`\`\n`;
  });
  return `# Third-party notices\n\nModelswitch contains these packages.\n\n${sections.join('\n')}`;
}

if (import.meta.main) writeFileSync(join(root, 'THIRD_PARTY_NOTICES.md'), notices());
