import { spawnSync } from 'node:child_process';
import { AppError } from '../../core/base/errors.ts';

/** So many programs of one thread run at once; nobody comes near. */
const MOST = 256;
const FREE = 0;
/** Of a program that is being started: its number is not known yet. */
const STARTING = -1;

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
  /** By place: the number of the program that leads the group, FREE or STARTING. */
  readonly #pids: Int32Array;
  /** 1: no more are started. */
  readonly #closed: Int32Array;

  constructor(memory = new SharedArrayBuffer((MOST + 1) * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#pids = new Int32Array(memory, 0, MOST);
    this.#closed = new Int32Array(memory, this.#pids.byteLength);
  }

  /** Whether nothing runs and nothing is being started. Once it is closed, that stays so. */
  get isEmpty(): boolean {
    return this.#pids.every((_pid, slot) => Atomics.load(this.#pids, slot) === FREE);
  }

  /**
   * Starts a program, for which a place is taken before it runs: whoever looks meanwhile, or closes this, must not take it for none.
   * @throws AppError cancelled where this is closed, internal where there are too many; as `spawn` does
   */
  start<T extends { readonly pid?: number | undefined }>(spawn: () => T): T {
    const slot = this.#take();
    let pid: number | undefined;
    try {
      if (Atomics.load(this.#closed, 0) === 1) throw new AppError('cancelled', 'Cancelled.');
      const child = spawn();
      ({ pid } = child);
      return child;
    } finally {
      Atomics.store(this.#pids, slot, pid ?? FREE);
    }
  }

  #take(): number {
    for (let slot = 0; slot < this.#pids.length; slot += 1) if (Atomics.compareExchange(this.#pids, slot, FREE, STARTING) === FREE) return slot;
    throw new AppError('internal', `More than ${MOST} programs run at once.`);
  }

  /** Nothing is started any more. */
  close(): void {
    Atomics.store(this.#closed, 0, 1);
  }

  remove(pid: number): void {
    for (let slot = 0; slot < this.#pids.length; slot += 1) if (Atomics.compareExchange(this.#pids, slot, pid, FREE) === pid) return;
  }

  kill(): void {
    for (let slot = 0; slot < this.#pids.length; slot += 1) {
      const pid = Atomics.load(this.#pids, slot);
      if (pid !== FREE && pid !== STARTING) signalGroup(pid, 'SIGKILL');
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
