import type { FlagEnvironment, Strategy } from '../../../src/core/flags/model.ts';
import type { FlagEvent } from '../../../src/core/flags/ports.ts';
import type { FlagReading } from '../../../src/core/flags/planner.ts';
import type { Segment } from '../../../src/core/flags/model.ts';

export const INTERNAL: Segment = {
  id: 1, name: 'internal', constraints: [{ contextName: 'group', operator: 'IN', values: ['internal'], inverted: false, caseInsensitive: false }],
};

export function rolloutStrategy(id: string, rollout: number, more: Partial<Strategy> = {}): Strategy {
  return {
    id, name: 'flexibleRollout', title: '', disabled: false,
    parameters: { rollout: String(rollout), stickiness: 'userId', groupId: 'fraud' },
    constraints: [], segments: [], variants: [], ...more,
  };
}

export function production(enabled: boolean, ...strategies: readonly Strategy[]): FlagEnvironment {
  return { name: 'production', type: 'production', enabled, strategies };
}

/** A log under construction: every call is one event, as Unleash writes it, and moves the environment on. */
export class EventLog {
  environment: FlagEnvironment;
  readonly events: FlagEvent[] = [];

  constructor(environment: FlagEnvironment = production(false)) {
    this.environment = environment;
  }

  add(strategy: Strategy, more: Partial<FlagEvent> = {}): this {
    this.#event({ type: 'feature-strategy-add', strategy, ...more });
    return this.#move({ strategies: [...this.environment.strategies, strategy] });
  }

  update(id: string, change: Partial<Strategy>, more: Partial<FlagEvent> = {}): this {
    const previousStrategy = this.environment.strategies.find((strategy) => strategy.id === id)!;
    const strategy = { ...previousStrategy, ...change };
    this.#event({ type: 'feature-strategy-update', strategy, previousStrategy, ...more });
    return this.#move({ strategies: this.environment.strategies.map((current) => (current.id === id ? strategy : current)) });
  }

  rollout(id: string, percent: number, more: Partial<FlagEvent> = {}): this {
    const { parameters } = this.environment.strategies.find((strategy) => strategy.id === id)!;
    return this.update(id, { parameters: { ...parameters, rollout: String(percent) } }, more);
  }

  remove(id: string, more: Partial<FlagEvent> = {}): this {
    const previousStrategy = this.environment.strategies.find((strategy) => strategy.id === id)!;
    this.#event({ type: 'feature-strategy-remove', previousStrategy, ...more });
    return this.#move({ strategies: this.environment.strategies.filter((strategy) => strategy.id !== id) });
  }

  switch(enabled: boolean, more: Partial<FlagEvent> = {}): this {
    this.#event({ type: enabled ? 'feature-environment-enabled' : 'feature-environment-disabled', ...more });
    return this.#move({ enabled });
  }

  reading(segments: readonly Segment[] = []): FlagReading {
    return {
      server: 'http://unleash.test',
      detail: {
        flag: {
          name: 'fraud', project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false,
          environments: [this.environment], dependencies: [], blockedIn: [],
        },
        exposures: [],
      },
      segments,
      events: this.events.toReversed(),
    };
  }

  #event(event: Partial<FlagEvent> & Pick<FlagEvent, 'type'>): void {
    this.events.push({
      id: this.events.length + 1, createdAt: '2026-01-01T00:00:00.000Z', by: 'eddy', byId: 3, flag: 'fraud', project: 'default', environment: 'production', ...event,
    });
  }

  #move(change: Partial<FlagEnvironment>): this {
    this.environment = { ...this.environment, ...change };
    return this;
  }
}
