import { SandboxError } from '../processes.ts';

/** The user's own `code`; VS Code desktop downloaded for us; the workbench of code-server in a browser. */
export type EditorKind = 'code' | 'desktop' | 'code-server';

const kinds: readonly EditorKind[] = ['code', 'desktop', 'code-server'];

export interface EditorSituation {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `code --version` says; undefined when there is no working `code` on the PATH. */
  readonly codeVersion?: string | undefined;
  /** The oldest VS Code that the extension supports, such as `1.103.0`. */
  readonly oldestVersion: string;
}

export interface EditorChoice {
  /** What to try, best first; never empty. */
  readonly order: readonly EditorKind[];
  /** Why a better one was left out, in sentences for the user. */
  readonly reasons: readonly string[];
}

/** Compares versions by their numbers: negative when `a` is the older one. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Why the `code` on the PATH can't be used; undefined when it can. */
function refuseCode({ env, codeVersion, oldestVersion }: EditorSituation): string | undefined {
  if (codeVersion === undefined) return 'There is no `code` command on the PATH.';
  if (env['VSCODE_IPC_HOOK_CLI'] !== undefined) return 'The `code` of this remote terminal can only open folders in its own window.';
  if (env['WSL_DISTRO_NAME'] !== undefined) return 'The `code` of WSL starts on Windows, where the environment of the demo does not reach.';
  if (compareVersions(codeVersion, oldestVersion) < 0) return `Your VS Code is ${codeVersion}; the extension needs ${oldestVersion} or newer.`;
  return undefined;
}

/**
 * Which editor to open, best first. `MODELSWITCH_EDITOR` (code, desktop or code-server) decides alone when it is set.
 * Throws when it names something else, or when nothing can work here.
 */
export function chooseEditor(situation: EditorSituation): EditorChoice {
  const { platform, env } = situation;
  const wanted = env['MODELSWITCH_EDITOR'];
  if (wanted !== undefined && wanted !== '') {
    const kind = kinds.find((candidate) => candidate === wanted);
    if (kind === undefined) throw new SandboxError(`MODELSWITCH_EDITOR is "${wanted}": set it to one of ${kinds.join(', ')}, or leave it unset.`);
    return { order: [kind], reasons: [] };
  }
  const order: EditorKind[] = [];
  const reasons: string[] = [];
  const display = platform !== 'linux' || Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY']);
  if (display) {
    const refused = refuseCode(situation);
    if (refused === undefined) order.push('code');
    else reasons.push(refused);
    order.push('desktop');
  } else {
    reasons.push('There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can be opened.');
  }
  // code-server has no Windows build.
  if (platform !== 'win32') order.push('code-server');
  return { order, reasons };
}
