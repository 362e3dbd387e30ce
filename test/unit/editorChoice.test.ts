import assert from 'node:assert/strict';
import { chooseEditor } from '../../sandbox/editor/choose.ts';
import type { EditorSituation } from '../../sandbox/editor/choose.ts';
import { cleanEnvironment } from '../../sandbox/editor/codeServer.ts';

describe('the editor that the demo opens', () => {
  const desktop: EditorSituation = { platform: 'linux', env: { DISPLAY: ':0' }, codeVersion: '1.120.3', oldestVersion: '1.103.0' };
  const order = (change: Partial<EditorSituation>): readonly string[] => chooseEditor({ ...desktop, ...change }).order;

  it("is the user's own code, then the downloaded one, then code-server", () => {
    assert.deepEqual(chooseEditor(desktop), { order: ['code', 'desktop', 'code-server'], reasons: [] });
  });

  it('needs no DISPLAY on macOS and has no code-server on Windows', () => {
    assert.deepEqual(order({ platform: 'darwin', env: {} }), ['code', 'desktop', 'code-server']);
    assert.deepEqual(order({ platform: 'win32', env: {} }), ['code', 'desktop']);
  });

  it('takes Wayland for a display', () => {
    assert.deepEqual(order({ env: { WAYLAND_DISPLAY: 'wayland-0' } }), ['code', 'desktop', 'code-server']);
  });

  it('is code-server alone on Linux without a display, and says why', () => {
    for (const env of [{}, { DISPLAY: '' }]) {
      const choice = chooseEditor({ ...desktop, env });
      assert.deepEqual(choice.order, ['code-server']);
      assert.match(choice.reasons.join(), /no display/);
    }
  });

  const refusals: [string, Partial<EditorSituation>, RegExp][] = [
    ['is missing', { codeVersion: undefined }, /no `code` command/],
    ['is older than the extension supports', { codeVersion: '1.99.9' }, /1\.99\.9.*1\.103\.0 or newer/],
    ['belongs to a remote terminal', { env: { DISPLAY: ':0', VSCODE_IPC_HOOK_CLI: '/run/x.sock' } }, /remote terminal/],
    ['belongs to WSL', { env: { DISPLAY: ':0', WSL_DISTRO_NAME: 'Debian' } }, /WSL/],
  ];
  for (const [what, change, reason] of refusals) {
    it(`passes over a code that ${what}, and says so`, () => {
      const choice = chooseEditor({ ...desktop, ...change });
      assert.deepEqual(choice.order, ['desktop', 'code-server']);
      assert.match(choice.reasons.join(), reason);
    });
  }

  it('compares versions as numbers, up to the exact bound', () => {
    assert.deepEqual(order({ codeVersion: '1.103.0' }), ['code', 'desktop', 'code-server']);
    assert.deepEqual(order({ codeVersion: '2.0.0' }), ['code', 'desktop', 'code-server']);
  });

  it('is what MODELSWITCH_EDITOR names, and nothing else', () => {
    assert.deepEqual(order({ env: { MODELSWITCH_EDITOR: 'desktop' } }), ['desktop']);
    assert.deepEqual(order({ env: { DISPLAY: ':0', MODELSWITCH_EDITOR: '' } }), ['code', 'desktop', 'code-server']);
    assert.throws(() => order({ env: { MODELSWITCH_EDITOR: 'vim' } }), /"vim".*code, desktop, code-server/);
  });

  it('inherits nothing that ties it to the editor whose terminal started it', () => {
    const env = { PATH: '/bin', UNLEASH_URL: 'http://u', VSCODE_IPC_HOOK_CLI: 'x', CODE_SERVER_PARENT_PID: '1', ELECTRON_RUN_AS_NODE: '1' };
    assert.deepEqual(cleanEnvironment(env), { PATH: '/bin', UNLEASH_URL: 'http://u' });
  });
});
