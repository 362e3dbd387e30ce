import type { AppError } from '../base/errors.ts';
import type { ModelVersion, RegisteredModel, VersionDetail } from './model.ts';
import type { AliasChange, Page } from './registry.ts';

/**
 * What is known of a thing that is read from a registry. A failed reading leaves the value before it, so `value` and `error` may both be there:
 * shown is then what was read at `readAt`. Only `notFound` takes the value away: the thing is gone. An empty list is a value.
 */
export interface Reading<T> {
  /** Undefined: never read with success, or gone. */
  readonly value?: T;
  /** When `value` was read; milliseconds since the epoch. */
  readonly readAt?: number;
  /** Why the last reading failed; undefined after a success. */
  readonly error?: AppError;
  /** When it failed. */
  readonly failedAt?: number;
  readonly loading: boolean;
}

/** Part of a list, the first pages of it. `next` is there while the registry has more. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** All that is known of a registry. Immutable: a change makes another one. */
export interface ModelSnapshot {
  /** Registered models in the registry's order. */
  readonly list: Reading<Listed<RegisteredModel>>;
  /** Models by name: those of the list, and those that were read by themselves because somebody follows them. */
  readonly models: ReadonlyMap<string, Reading<RegisteredModel>>;
  /** Versions by the model's name, newest first; only of models whose versions somebody asked for. */
  readonly versions: ReadonlyMap<string, Reading<Listed<ModelVersion>>>;
  /** By `detailKey`; only what somebody asked for. */
  readonly details: ReadonlyMap<string, Reading<VersionDetail>>;
}

export function detailKey(model: string, version: string): string {
  return JSON.stringify([model, version]);
}

/** A list with its next page. */
export function joined<T>(before: Listed<T>, { items, next }: Page<T>): Listed<T> {
  return { items: [...before.items, ...items], ...(next === undefined ? {} : { next }) };
}

/** The same reading of a changed value. */
export function mapped<T>(reading: Reading<T>, change: (value: T) => T): Reading<T> {
  return reading.value === undefined ? reading : { ...reading, value: change(reading.value) };
}

/** What moved between two readings of a model. Nothing for a model that was not known before: its aliases did not move before our eyes. */
export function movedAliases(before: RegisteredModel | undefined, now: RegisteredModel): AliasChange[] {
  if (before === undefined) return [];
  const at = (model: RegisteredModel, alias: string): string | undefined => model.aliases.find((each) => each.alias === alias)?.version;
  return [...new Set([...before.aliases, ...now.aliases].map(({ alias }) => alias))]
    .map((alias) => ({ model: now.name, alias, from: at(before, alias), to: at(now, alias) }))
    .filter(({ from, to }) => from !== to);
}
