import * as z from 'zod';

/** What Unleash answers, as far as it is used here. Unknown fields are ignored: a newer server adds some. */

const text = z.string().nullish().transform((value) => value ?? '');
const list = <T extends z.ZodType>(item: T): z.ZodPipe<z.ZodOptional<z.ZodNullable<z.ZodArray<T>>>, z.ZodTransform<z.output<T>[], z.output<T>[] | null | undefined>> =>
  z.array(item).nullish().transform((value) => value ?? []);

/** A JSON object's entries: unlike zod's record it keeps a key that is called `__proto__`. */
const entriesOf = <T extends z.ZodType>(value: T): z.ZodPreprocess<z.ZodArray<z.ZodTuple<[z.ZodString, T], null>>> =>
  z.preprocess((input) => (typeof input === 'object' && input !== null && !Array.isArray(input) ? Object.entries(input) : input), z.array(z.tuple([z.string(), value])));

export const wireConstraint = z.object({
  contextName: z.string(),
  operator: z.string(),
  values: list(z.string()),
  value: z.string().nullish(),
  inverted: z.boolean().nullish(),
  caseInsensitive: z.boolean().nullish(),
});

export const wireVariant = z.object({
  name: z.string(),
  weight: z.number(),
  weightType: z.enum(['fix', 'variable']).catch('variable'),
  stickiness: z.string().catch('default'),
  payload: z.object({ type: z.string(), value: z.string() }).nullish(),
});

/** Unleash keeps parameters as strings; a hand-made import may hold numbers. */
const parameters = entriesOf(z.union([z.string(), z.number(), z.boolean()]).transform(String)).nullish().transform((entries): Readonly<Record<string, string>> => Object.fromEntries(entries ?? []));

export const wireStrategy = z.object({
  id: z.string(),
  name: z.string(),
  title: text,
  disabled: z.boolean().nullish(),
  parameters,
  constraints: list(wireConstraint),
  segments: list(z.number()),
  variants: list(wireVariant),
  sortOrder: z.number().nullish(),
  milestoneId: z.string().nullish(),
});

const metadata = {
  name: z.string(),
  type: text,
  description: text,
  stale: z.boolean().nullish(),
  createdAt: z.string().nullish(),
  impressionData: z.boolean().nullish(),
};

export const wireDependency = z.object({ feature: z.string(), enabled: z.boolean().nullish(), variants: list(z.string()) });

export const wireFlagDetail = z.object({
  ...metadata,
  project: z.string(),
  archived: z.boolean().nullish(),
  dependencies: list(wireDependency),
  children: list(z.string()),
  environments: z.array(z.object({
    name: z.string(),
    type: text,
    enabled: z.boolean(),
    yes: z.number().nullish(),
    no: z.number().nullish(),
    strategies: list(wireStrategy),
  })),
});

export const wireFlagList = z.object({
  features: z.array(z.object(metadata)),
});

export const wirePlayground = z.object({
  features: z.array(z.object({
    name: z.string(),
    projectId: z.string(),
    environments: entriesOf(z.array(z.object({
      isEnabledInCurrentEnvironment: z.boolean(),
      hasUnsatisfiedDependency: z.boolean().nullish(),
      strategies: z.object({
        data: z.array(z.object({
          id: z.string(),
          name: z.string(),
          title: text,
          disabled: z.boolean().nullish(),
          parameters,
          constraints: list(wireConstraint),
          segments: list(z.object({ id: z.number() })),
          result: z.object({ variants: list(wireVariant) }).nullish(),
        })),
      }),
    }))),
  })),
});

export const wireProjectOverview = z.object({
  defaultStickiness: z.string().nullish(),
  environments: z.array(z.object({ environment: z.string(), defaultStrategy: wireStrategy.omit({ id: true }).nullish() })),
});

const wireConstraintResult = wireConstraint.extend({ result: z.boolean() });

/** A playground's answer about one flag in one environment for one context, with its reasons. */
export const wireEvaluation = z.object({
  isEnabled: z.boolean(),
  isEnabledInCurrentEnvironment: z.boolean(),
  hasUnsatisfiedDependency: z.boolean().nullish(),
  variant: z.object({ name: z.string(), enabled: z.boolean() }).nullish(),
  context: z.record(z.string(), z.unknown()).nullish(),
  strategies: z.object({
    data: z.array(z.object({
      id: z.string(),
      name: z.string(),
      title: text,
      disabled: z.boolean().nullish(),
      parameters,
      constraints: list(wireConstraintResult),
      segments: list(z.object({ id: z.number(), name: z.string(), result: z.boolean(), constraints: list(wireConstraintResult) })),
      result: z.object({
        enabled: z.union([z.boolean(), z.literal('unknown')]),
        variant: z.object({ name: z.string() }).nullish(),
        variants: list(wireVariant),
      }).nullish(),
    })),
  }),
});

export const wireContextFields = z.array(z.object({
  name: z.string(),
  description: text,
  stickiness: z.boolean().nullish(),
  legalValues: list(z.object({ value: z.string(), description: text })),
}));

/** What the frontend API answers: flags that are on. */
export const wireToggles = z.object({
  toggles: z.array(z.looseObject({ name: z.string(), enabled: z.boolean(), variant: z.looseObject({ name: z.string(), enabled: z.boolean() }) })),
});

export const wireSegments = z.object({
  segments: z.array(z.object({ id: z.number(), name: z.string(), constraints: list(wireConstraint) })),
});

export const wireEnvironments = z.object({
  environments: z.array(z.object({ name: z.string(), type: text, enabled: z.boolean(), visible: z.boolean().nullish() })),
});

export const wireUser = z.object({
  user: z.object({
    id: z.number().nullish(),
    /** An admin token has no id of its own; its events carry this one. */
    internalAdminTokenUserId: z.number().nullish(),
    email: z.string().nullish(),
    username: z.string().nullish(),
    name: z.string().nullish(),
  }),
  permissions: list(z.object({ permission: z.string(), project: z.string().nullish(), environment: z.string().nullish() })),
});

export const wireUiConfig = z.object({
  version: z.string(),
  versionInfo: z.object({ current: z.object({ oss: z.string().nullish(), enterprise: z.string().nullish() }) }).nullish(),
  maintenanceMode: z.boolean().nullish(),
});

export const wireEvent = z.object({
  id: z.number(),
  type: z.string(),
  createdAt: z.string(),
  createdBy: text,
  createdByUserId: z.number().nullish(),
  featureName: z.string().nullish(),
  project: z.string().nullish(),
  environment: z.string().nullish(),
  groupId: z.string().nullish(),
  data: z.unknown(),
  preData: z.unknown(),
});

export const wireSegmentName = z.object({ id: z.number(), name: z.string() });

export const wireOrder = z.object({ strategyIds: z.array(z.string()) });

export const wireEvents = z.object({ events: z.array(wireEvent), total: z.number() });

export const wireUnknownFlags = z.object({
  unknownFlags: list(z.object({
    name: z.string(),
    lastSeenAt: text,
    reports: list(z.object({ appName: text, environments: list(z.object({ environment: text, seenAt: text })) })),
  })),
});

/** Hourly counters of one flag by application; rows of hours without requests are filled in by the server. */
export const wireExposures = z.object({
  data: list(z.object({ appName: text, environment: text, timestamp: z.string(), yes: z.number(), no: z.number(), variants: z.record(z.string(), z.number()).nullish() })),
});

export const wireFeatureTypes = z.object({ types: list(z.object({ id: z.string(), lifetimeDays: z.number().nullish() })) });

/** An error body; Unleash has three shapes of it and all carry `message`. */
export const wireError = z.object({
  name: z.string().nullish(),
  message: z.string().nullish(),
  permissions: z.array(z.string()).nullish(),
  details: z.array(z.object({ message: z.string().nullish() })).nullish(),
});
