import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { FlagFacts } from '../flags/facts.ts';
import type { DetailNode } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import { chooseReading } from './chooseReading.ts';
import { Dashboards } from './dashboards.ts';
import type { QualityParts } from './lazyQuality.ts';
import { PrometheusCredentials } from './prometheusCredentials.ts';
import { prometheusSignIn, prometheusSignOut } from './prometheusSignIn.ts';
import { qualityHoverText, isUrgent, qualityLensText, qualityNodes, refOf } from './qualityParts.ts';
import { QualityStore } from './qualityStore.ts';
import { checkSkewWithProgress, readWithProgress } from './readWithProgress.ts';

/** The readings of production and everything that shows them. */
export class QualityFeature implements Disposable {
  readonly store: QualityStore;
  readonly dashboards: Dashboards;
  readonly #parts: QualityParts;
  readonly #credentials: PrometheusCredentials;
  readonly #all = new DisposableStore();
  #active = false;

  /** @param changed told of the flags about which something else is known */
  constructor(parts: QualityParts, changed: (flags: ReadonlySet<string>) => void) {
    this.#parts = parts;
    this.#credentials = new PrometheusCredentials(parts.context);
    this.store = this.#all.add(new QualityStore({ ...parts, credentials: this.#credentials }));
    this.dashboards = this.#all.add(new Dashboards({ store: this.store, clock: parts.clock, extensionUri: parts.context.extensionUri, log: parts.log, changed: () => this.#updateActivity() }));
    this.#all.add(this.store.onDidChange(({ model, loading }) => {
      if (!loading) changed(new Set(model.switches.map(({ flag }) => flag)));
    }));
  }

  lens(facts: FlagFacts, room: number): string | undefined {
    return qualityLensText(this.store, facts, room, this.#parts.clock.now());
  }

  isUrgent(facts: FlagFacts): boolean {
    return isUrgent(this.store, facts, this.#parts.clock.now());
  }

  hover(facts: FlagFacts): string {
    return qualityHoverText(this.store, facts, this.#parts.clock.now());
  }

  flagTree(facts: FlagFacts): readonly DetailNode[] {
    return qualityNodes(this.store, facts, this.#parts.clock.now());
  }

  setActive(active: boolean): void {
    this.#active = active;
    this.#updateActivity();
  }

  /** A command. @throws AppError as it fails */
  async run(id: string, argument: unknown): Promise<void> {
    const { store, dashboards } = this;
    switch (id) {
      case Command.openDashboard: {
        const reading = await chooseReading(store, argument, this.#parts);
        if (reading !== undefined) dashboards.open(refOf(reading));
        return;
      }
      case Command.refreshQuality: {
        const reading = await chooseReading(store, argument, this.#parts);
        if (reading !== undefined) await readWithProgress(store, reading);
        return;
      }
      case Command.checkSkew: {
        const reading = await chooseReading(store, argument, this.#parts);
        if (reading !== undefined) await checkSkewWithProgress(store, reading);
        return;
      }
      case Command.prometheusSignIn: return prometheusSignIn(this.#signInParts());
      case Command.prometheusSignOut: return prometheusSignOut(this.#signInParts());
      default: throw new AppError('internal', `There is no command ${id}.`);
    }
  }

  dispose(): void {
    this.#all.dispose();
  }

  #signInParts(): Parameters<typeof prometheusSignIn>[0] {
    return { store: this.store, credentials: this.#credentials, InputFlow: this.#parts.InputFlow };
  }

  #updateActivity(): void {
    this.store.setActive(this.#active || this.dashboards.visible);
  }
}
