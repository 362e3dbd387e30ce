import { absenceMessages } from './absence.ts';
import type { QualityDefinition } from './definitions.ts';
import { otherArmsMessages } from './otherArms.ts';
import { outsideWords, secondsWords, untoldWords, withoutRequestWords } from './plainData.ts';
import { untoldSlices } from './slices.ts';
import { crowdMessages, unnamedMessages, type UnnamedUnits } from './unnamed.ts';
import { errorlessMessages, featurelessMessages } from './untoldFields.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

/** What came of records. */
export interface Came {
  readonly windows: readonly QualityWindow[];
  readonly arms: readonly ArmSummary[];
  /** The names of features, and of slices. */
  readonly features: ReadonlySet<string>;
  readonly slices: readonly string[];
  /** Whether any has the field `error`. */
  readonly hasError: boolean;
  readonly unnamed: UnnamedUnits | undefined;
}

/** In words, what records do not tell that the definition asks for, and what makes one doubt them. */
export function recordMessages(definition: QualityDefinition, { windows, arms, features, slices, hasError, unnamed }: Came): readonly string[] {
  const { metrics } = definition;
  return [
    ...otherArmsMessages(arms.map(({ arm }) => arm)),
    ...(arms.length === 0 ? [] : untoldSlices(definition.slices.map(({ text }) => text), slices, features)),
    ...(windows.length === 0 || features.size > 0 ? [] : featurelessMessages(definition)),
    ...untoldWords(windows, metrics, features),
    ...outsideWords(arms, metrics),
    ...secondsWords(arms, metrics),
    ...errorlessMessages(hasError, arms.reduce((sum, { requests }) => sum + requests, 0), metrics),
    ...withoutRequestWords(arms),
    ...unnamedMessages(unnamed),
    ...crowdMessages(arms),
    ...absenceMessages(arms, definition.labels.absentMeans),
  ];
}
