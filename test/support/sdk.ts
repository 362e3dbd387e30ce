import { InMemStorageProvider, Unleash } from 'unleash-client';
import type { Context, UnleashConfig } from 'unleash-client';
import type { Constraint, FlagEnvironment, Segment, Strategy } from '../../src/core/flags/model.ts';

/** The real Unleash SDK answering from given flags, without a server and without reporting anything. */
export interface OfflineSdk {
  isEnabled(flag: string, context: Context): boolean;
  getVariant(flag: string, context: Context): string;
  stop(): void;
}

type Bootstrap = NonNullable<UnleashConfig['bootstrap']>;
type SdkFeature = NonNullable<Bootstrap['data']>[number];
type SdkStrategy = NonNullable<SdkFeature['strategies']>[number];
type SdkConstraint = SdkStrategy['constraints'][number];

function sdkConstraint(constraint: Constraint): SdkConstraint {
  // The SDK types operators as an enum it does not export; on the wire they are these strings.
  return { ...constraint, values: [...constraint.values] } as unknown as SdkConstraint;
}

function sdkStrategy(strategy: Strategy): SdkStrategy {
  return {
    name: strategy.name,
    parameters: { ...strategy.parameters },
    constraints: strategy.constraints.map(sdkConstraint),
    segments: [...strategy.segments],
    variants: strategy.variants.map((variant) => ({ ...variant })) as unknown as NonNullable<SdkStrategy['variants']>,
  };
}

/** A flag as a server sends it to SDKs: disabled strategies are left out. */
export function sdkFeature(name: string, environment: FlagEnvironment): SdkFeature {
  return { name, enabled: environment.enabled, strategies: environment.strategies.filter((strategy) => !strategy.disabled).map(sdkStrategy) };
}

/** Starts the SDK in bootstrap mode: it polls nothing and sends nothing. */
export async function startSdk(features: readonly SdkFeature[], segments: Iterable<Segment>): Promise<OfflineSdk> {
  const unleash = new Unleash({
    appName: 'modelswitch-test',
    url: 'http://127.0.0.1:9/api/',
    refreshInterval: 0,
    disableAutoStart: true,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    storageProvider: new InMemStorageProvider(),
    bootstrap: {
      data: [...features],
      segments: [...segments].map((segment) => ({ id: segment.id, constraints: segment.constraints.map(sdkConstraint) })),
    },
  });
  const ready = new Promise<void>((resolve, reject) => {
    unleash.once('ready', resolve);
    unleash.once('error', reject);
  });
  await unleash.start();
  await ready;
  return {
    isEnabled: (flag, context) => unleash.isEnabled(flag, context),
    getVariant: (flag, context) => unleash.getVariant(flag, context).name,
    stop: () => unleash.destroy(),
  };
}
