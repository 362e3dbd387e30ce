import type { Clock } from '../../src/core/base/clock.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  time = 0;
  timers: { at: number; callback: () => void }[] = [];
  now(): number {
    return this.time;
  }
  after(ms: number, callback: () => void): { dispose: () => void } {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return { dispose: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }
  /** Lets the next timer ring; returns when it was due. */
  fire(): number {
    const timer = this.timers.shift()!;
    timer.callback();
    return timer.at;
  }
}
