import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FolderIndex } from '../../../src/adapters/workspaceIndex/folderIndex.ts';
import type { CallSite } from '../../../src/core/callsites/model.ts';
import type { CallSiteSettings } from '../../../src/core/callsites/project/linker.ts';
import { parserFiles } from './parser.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/callsites/', import.meta.url));
const PROJECTS = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name.startsWith('project')).map(({ name }) => name);

/** The settings that a `modelswitch.yaml` of the project would give. */
const SETTINGS: Readonly<Record<string, CallSiteSettings>> = {
  projectConfigured: {
    wrappers: [{ function: 'vendor.flags.enabled', key: 1 }, { function: 'shop.remote.ask', key: 'flag' }, { function: 'shop.remote.Remote.ask', key: 0 }],
    clients: ['shop.remote.flipt'],
  },
};

async function indexed(project: string): Promise<FolderIndex> {
  const folder = new FolderIndex({ folder: `${FIXTURES}${project}`, parser: parserFiles, ...(SETTINGS[project] ? { settings: SETTINGS[project] } : {}) });
  await folder.scan(new AbortController().signal);
  return folder;
}

/** `line 3: is_enabled wrapper "a" | "b"` for each label at the end of a line; `none` is no call site. */
function labels(project: string, path: string): readonly string[] {
  return readFileSync(`${FIXTURES}${project}/${path}`, 'utf8').split('\n').flatMap((content, line) => {
    const label = /(?:#|\/\/) -> (.*)$/.exec(content)?.[1];
    return label === undefined ? [] : label.split('; ').map((each) => `${line + 1}: ${each}`);
  });
}

function described({ api, via, keys, nameRange }: CallSite): string {
  return `${nameRange.start.line + 1}: ${[api, via, keys.map(({ value }) => JSON.stringify(value)).join(' | ')].filter((part) => part !== '').join(' ')}`;
}

function files(project: string): readonly string[] {
  return readdirSync(`${FIXTURES}${project}`, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/')).filter((path) => /\.(?:py|tsx?)$/.test(path)).sort();
}

describe('call sites of the labelled projects', () => {
  for (const project of PROJECTS) {
    it(`finds exactly what ${project} says`, async () => {
      const { index } = await indexed(project);
      const wanted = files(project).flatMap((path) => labels(project, path).filter((label) => !label.endsWith(': none')).map((label) => `${path}:${label}`));
      const found = files(project).flatMap((path) => index.sitesIn(path).map((site) => `${path}:${described(site)}`));
      assert.deepEqual(found, wanted);
    });
  }

  it('hold more places without a known key than with one', () => {
    const all = PROJECTS.flatMap((project) => files(project).flatMap((path) => labels(project, path)));
    const known = all.filter((label) => label.includes('"')).length;
    assert.ok(known > 100, `${known} known keys`);
    assert.ok(all.length - known > known, `${all.length - known} others beside ${known} known keys`);
  });
});
