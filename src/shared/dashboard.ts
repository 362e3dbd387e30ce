import * as z from 'zod';

/** What the extension and the dashboard tell each other. Both check what they get: neither trusts the other's version of it. */

const table = z.object({ title: z.string(), columns: z.array(z.string()), rows: z.array(z.array(z.string())) });

const series = z.object({
  label: z.string(),
  /** Whose it is: each arm has a colour and a line of its own. */
  arm: z.enum(['candidate', 'current', 'other']),
  /** Points of its own, in the chart's unit, where it does not have those of the chart: steps, each of which holds until the next. */
  x: z.array(z.number()).optional(),
  values: z.array(z.number().nullable()),
  /** An interval of 95 % about each value. */
  low: z.array(z.number().nullable()).optional(),
  high: z.array(z.number().nullable()).optional(),
  /** How many records each value is of. */
  n: z.array(z.number()).optional(),
});

const chart = z.object({
  id: z.string(),
  title: z.string(),
  /** `time`: `x` in seconds since 1970; `bars`: lower ends of bins of equal width; `steps`: places with names in `labels`. */
  kind: z.enum(['time', 'bars', 'steps']),
  x: z.array(z.number()),
  labels: z.array(z.string()).optional(),
  unit: z.enum(['share', 'number', 'ms']),
  series: z.array(series),
  /** The same in figures. */
  table,
});

const drift = z.object({
  title: z.string(),
  /** What was measured, and against what. */
  production: z.string(),
  reference: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.object({
    cells: z.array(z.string()),
    alarm: z.boolean(),
    /** Shares in the same bins. */
    bins: z.array(z.object({ label: z.string(), reference: z.number(), production: z.number() })),
  })),
  notes: z.array(z.string()),
});

const model = z.object({
  model: z.string(),
  flag: z.string(),
  environment: z.string(),
  environments: z.array(z.string()),
  /** Milliseconds since 1970. */
  readAt: z.number(),
  /** Why the last reading failed: what is shown is that of `readAt`. */
  failure: z.string().optional(),
  /** What to know first: silent arms, the sample ratio, drift. */
  alarms: z.array(z.object({
    /** What it is about: the same for as long as it lasts, whatever its words count meanwhile. */
    about: z.string(),
    words: z.string(),
  })),
  /** What was asked for and nothing is known of, as sentences: neither alarm nor all-clear. */
  insufficient: z.array(z.string()),
  verdicts: z.array(z.object({ metric: z.string(), verdict: z.string() })),
  summary: z.array(z.string()),
  mayRetrain: z.boolean(),
  arms: table,
  comparison: table,
  rollout: chart,
  metrics: z.array(chart),
  drift: z.array(drift),
  /** What the numbers of the drift tables are; empty where there is none. */
  driftDefinitions: z.array(z.string()),
  /** Feature skew: whether it can be checked, and what the last check found. */
  skew: z.object({ table: table.optional(), lines: z.array(z.string()) }).optional(),
  scores: chart.optional(),
  latency: chart.optional(),
  /** Why there is no chart of scores, or none of latency, as sentences. */
  undrawn: z.array(z.string()),
  /** Why a tab has nothing to show, as a sentence. */
  absent: z.object({ drift: z.string().optional(), slices: z.string().optional(), shadow: z.string().optional() }),
  slices: table.optional(),
  /** Of the environment; what its figures are of, in sentences. */
  shadow: z.object({ tables: z.array(table), lines: z.array(z.string()), scores: chart.optional() }).optional(),
  /** Whether the shadow is on, and for how many requests. */
  shadowState: z.string(),
  /** Who changed what of the release, newest first, and what the log does not tell; undefined where it could not be read. */
  timeline: z.object({ table, lines: z.array(z.string()) }).optional(),
  notes: z.array(z.string()),
});

export const toDashboard = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('model'), model }),
  /** There is nothing to show yet, and why. */
  z.object({ kind: z.literal('empty'), text: z.string() }),
  /** A reading runs, from 0 to 100; null: none does. */
  z.object({ kind: z.literal('progress'), percent: z.number().nullable() }),
]);

export const fromDashboard = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('refresh') }),
  z.object({ kind: z.literal('cancel') }),
  z.object({ kind: z.literal('retrain') }),
  z.object({ kind: z.literal('skew') }),
  z.object({ kind: z.literal('shadow'), wish: z.enum(['on', 'off', 'sampling']) }),
  z.object({ kind: z.literal('environment'), environment: z.string().max(500) }),
  z.object({ kind: z.literal('export'), format: z.enum(['markdown', 'csv']) }),
]);

/** What is kept of a dashboard when the window is closed. */
export const dashboardState = z.object({ folder: z.string(), model: z.string(), environment: z.string().optional(), tab: z.string().optional() });

export type Table = z.infer<typeof table>;
export type Series = z.infer<typeof series>;
export type Chart = z.infer<typeof chart>;
export type DriftTable = z.infer<typeof drift>;
export type DashboardModel = z.infer<typeof model>;
export type ToDashboard = z.infer<typeof toDashboard>;
export type FromDashboard = z.infer<typeof fromDashboard>;
export type DashboardState = z.infer<typeof dashboardState>;
