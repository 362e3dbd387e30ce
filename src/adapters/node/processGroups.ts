import { spawnSync } from 'node:child_process';
import { AppError } from '../../core/base/errors.ts';

/** So many programs of one thread run at once; nobody comes near. */
const MOST = 256;
const FREE = 0;

/** Sends a signal to a process that leads a group of its own and to all of the group; Windows has no groups, and there all that it has started is ended at once. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { windowsHide: true });
    else process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}

/** Whether anything of the group is left, be it what its leader has started. */
export function isGroupLeft(pid: number): boolean {
  if (process.platform === 'win32') return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

const guarded = new Set<ProcessGroups>();

/**
 * The groups of processes that a thread has started and must not leave behind. They stand in memory that a second thread can see: a thread that is ended from outside, or dies, ends nothing itself.
 */
export class ProcessGroups {
  /** For a thread that starts programs for another (`useGroups`). */
  readonly memory: SharedArrayBuffer;
  readonly #pids: Int32Array;

  constructor(memory = new SharedArrayBuffer(MOST * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#pids = new Int32Array(memory);
  }

  get isEmpty(): boolean {
    return this.#pids.every((_pid, slot) => Atomics.load(this.#pids, slot) === FREE);
  }

  /** @throws AppError internal where there are too many; it has then been ended */
  add(pid: number): void {
    for (let slot = 0; slot < this.#pids.length; slot += 1) if (Atomics.compareExchange(this.#pids, slot, FREE, pid) === FREE) return;
    signalGroup(pid, 'SIGKILL');
    throw new AppError('internal', `More than ${MOST} programs run at once.`);
  }

  remove(pid: number): void {
    for (let slot = 0; slot < this.#pids.length; slot += 1) if (Atomics.compareExchange(this.#pids, slot, pid, FREE) === pid) return;
  }

  kill(): void {
    for (let slot = 0; slot < this.#pids.length; slot += 1) {
      const pid = Atomics.load(this.#pids, slot);
      if (pid !== FREE) signalGroup(pid, 'SIGKILL');
    }
  }

  /** Whatever ends this process, what stands here ends with it. */
  guard(): void {
    if (guarded.size === 0) process.on('exit', endGuarded);
    guarded.add(this);
  }

  /** Ends what is left, of which nobody else would know. */
  end(): void {
    this.kill();
    guarded.delete(this);
    if (guarded.size === 0) process.off('exit', endGuarded);
  }
}

function endGuarded(): void {
  for (const groups of guarded) groups.kill();
}

let own: ProcessGroups | undefined;

/** Those of this thread. */
export function ownGroups(): ProcessGroups {
  if (own === undefined) {
    own = new ProcessGroups();
    own.guard();
  }
  return own;
}

/** This thread keeps what it starts in memory of the one that started it, which ends it if it must. */
export function useGroups(memory: SharedArrayBuffer): void {
  own = new ProcessGroups(memory);
}
