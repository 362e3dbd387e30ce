import { afterCall, type ChangePlan, type Step } from '../../../src/core/flags/changePlan.ts';
import type { FlagEnvironment, Segment } from '../../../src/core/flags/model.ts';
import type { FlagReading } from '../../../src/core/flags/planner.ts';
import type { FlagEvent } from '../../../src/core/flags/ports.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { INTERNAL } from '../flags/flagSupport.ts';

const BEGINNING = Date.UTC(2026, 0, 1);
const nowhere = { start: { offset: 0, line: 0, column: 0 }, end: { offset: 0, line: 0, column: 0 } };

export function stage(environment: string, percent: number, more: Partial<Stage> = {}): Stage {
  return { environment, percent, hold: 0, minPredictions: 0, gates: [], auto: false, range: nowhere, ...more };
}

/** A flag in two environments, with the log that Unleash writes as change plans are applied; one minute passes with each event. */
export class World {
  environments: readonly FlagEnvironment[] = ['development', 'production'].map((name) => ({ name, type: name, enabled: false, strategies: [] }));
  readonly events: FlagEvent[] = [];
  readonly segments: readonly Segment[] = [INTERNAL];
  /** When the next event happens, in milliseconds since 1970; undefined: a minute after the one before. */
  at: number | undefined;

  reading(): FlagReading {
    return {
      server: 'http://unleash.test',
      detail: {
        flag: {
          name: 'fraud', project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false,
          createdAt: new Date(BEGINNING).toISOString(), environments: this.environments, dependencies: [], blockedIn: [],
        },
        exposures: [],
      },
      segments: this.segments,
      events: this.events.toReversed(),
    };
  }

  apply(plan: ChangePlan, by = 'eddy'): this {
    for (const { environment, steps } of plan.environments) for (const step of steps) this.#take(environment, step, by);
    return this;
  }

  /** Somebody else's edit of one environment, without an event of its own unless it is given. */
  edit(name: string, change: (environment: FlagEnvironment) => FlagEnvironment, event: Partial<FlagEvent> & Pick<FlagEvent, 'type'>): this {
    this.environments = this.environments.map((each) => (each.name === name ? change(each) : each));
    return this.#log(name, event);
  }

  #take(name: string, step: Step, by: string): void {
    const before = this.environments.find((each) => each.name === name)!;
    let after = afterCall(before, step);
    const id = `s${this.events.length + 1}`;
    if (step.kind === 'add') after = { ...after, strategies: after.strategies.map((strategy) => (strategy.id === '' ? { ...strategy, id } : strategy)) };
    this.environments = this.environments.map((each) => (each.name === name ? after : each));
    switch (step.kind) {
      case 'add': this.#log(name, { type: 'feature-strategy-add', strategy: { ...step.strategy, id }, by }); break;
      case 'patch': this.#log(name, { type: 'feature-strategy-update', strategy: step.to, previousStrategy: step.from, by }); break;
      case 'remove': this.#log(name, { type: 'feature-strategy-remove', previousStrategy: step.strategy, by }); break;
      case 'order': this.#log(name, { type: 'strategy-order-changed', order: after.strategies.map((each) => each.id), previousOrder: before.strategies.map((each) => each.id), by }); break;
      case 'switch': break;
    }
    if (after.enabled !== before.enabled) this.#log(name, { type: after.enabled ? 'feature-environment-enabled' : 'feature-environment-disabled', by });
  }

  #log(environment: string, event: Partial<FlagEvent> & Pick<FlagEvent, 'type'>): this {
    const id = this.events.length + 1;
    this.events.push({ id, createdAt: new Date(this.at ?? BEGINNING + id * 60_000).toISOString(), by: 'eddy', byId: 3, flag: 'fraud', project: 'default', environment, ...event });
    return this;
  }
}
