import type { Moments } from './stats/confidenceSequence.ts';
import type { UnitSums } from './stats/dispersion.ts';
import type { UnnamedUnits } from './unnamed.ts';

/** What was observed of one arm in one stretch of time: all that decisions need. */
export interface QualityWindow {
  readonly arm: string;
  readonly environment: string;
  readonly service: string;
  /** From, and up to but without, in milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** When the newest of its records came, where a source tells that of a window that may be long: of a log in the last one of an arm of a service. In milliseconds since 1970. */
  readonly newest?: number;
  /** Served predictions. */
  readonly requests: number;
  /** With those that `where` leaves out: what exposure counters are compared with. Where it is not told, `requests`. */
  readonly served?: number;
  /** Units that appeared for the first time. */
  readonly units: number;
  /** So many of them were followed, drawn by their hash, where each stands for several; where it is not told, `units`. */
  readonly drawn?: number;
  /** By metric: how many records told it, the sum of the values (bad events count 1) and of their squares. */
  readonly metrics: Readonly<Record<string, Moments>>;
  /** Missing where no metric needs outcomes, and where the source does not tell. */
  readonly labels?: WindowLabels;
  /** The value of which slice, `country = DE`; undefined: all records. */
  readonly slice?: string;
}

/** What there is of outcomes in a window. */
export interface WindowLabels {
  /** Predictions whose outcome is final by now. */
  readonly matured: number;
  /** By metric: of how many of them the outcome tells what the metric needs; missing where it needs none but the label and `absent_means` says what it means that there is none, so that all of them count. */
  readonly labelled: Readonly<Record<string, number>>;
  /** Of how many it is known both what was decided, yes or no, and what turned out; missing where no metric is precision or recall. */
  readonly decided?: number;
}

/** Counts in bins. `edges` are inner edges: bin i holds values up to and including edge i. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** What was seen of a feature, or of the prediction, in one arm. */
export interface FeatureSample {
  readonly name: string;
  readonly rows: number;
  readonly missing: number;
  /** Numbers: a uniform sample of at most a few thousand, and exact counts in the reference's bins where those were known. */
  readonly values: readonly number[];
  readonly binned?: Histogram;
  /** Texts and booleans with their counts; at most about a thousand different ones. Where there are others, one that does not stand here may be among them. */
  readonly categories: Readonly<Record<string, number>>;
  readonly otherCategories: number;
  /** The others by a hash of their name, which gives the same group on both sides (`groupOf`); missing where there are none. */
  readonly others?: readonly number[];
  /** The names of a few of them, where they are known. */
  readonly someOthers?: readonly string[];
  /** Whether categories were counted by those of the reference, numbers and truths as the texts that they are there: what it has is then not among the others. */
  readonly isListed?: boolean;
  /** Of the numbers those that the reference does not even have as texts. */
  readonly numbersAsTexts?: number;
  /** Of the missing values those that are lists or mappings. */
  readonly nested?: number;
}

/** A version as the records of an arm name it. Times are milliseconds since 1970. */
export interface LoggedVersion {
  readonly version: string;
  readonly first: number;
  readonly last: number;
  readonly requests: number;
}

/** How long outcomes come after their predictions, of those that have matured. */
export interface LabelDelay {
  /** Outcomes that bear a time, and those that bear none: such as stand in the prediction's own record. */
  readonly known: number;
  readonly withoutTime: number;
  /** Of the known: those from before their prediction, taken as at once. */
  readonly before: number;
  /** Milliseconds, of a uniform sample of 5,000 at most; missing where no time is known. */
  readonly median?: number;
  readonly p95?: number;
}

/** What is known of units from before they were counted anew. */
export interface UnitsBefore {
  /** The sums are of predictions from then on, in milliseconds since 1970. */
  readonly from: number;
  /** The largest dispersion by metric, of the times before for each of which it was counted by itself; missing where it never was. */
  readonly unitSums: Readonly<Record<string, number>>;
  readonly labelSums: Readonly<Record<string, number>>;
}

/** Histograms of an arm in a stretch of time, in the bins of its summary; those of scores with an outcome are empty where there was none. */
export interface ArmStretch {
  /** From, and up to but without, in milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  readonly latency: Uint32Array<ArrayBuffer>;
  readonly score: Uint32Array<ArrayBuffer>;
  readonly labelledScore: Uint32Array<ArrayBuffer>;
  readonly scoreOfPositives: Uint32Array<ArrayBuffer>;
  readonly matured: number;
  readonly labelled: number;
  /** As of the summary; missing where the source knows no scores. */
  readonly notProbable?: number;
  readonly undivided?: number;
}

/** An arm over all of the time that was read; `dataSince` makes histograms and shares of outcomes those of a part of it. */
export interface ArmSummary {
  readonly arm: string;
  readonly environment: string;
  readonly requests: number;
  readonly units: number;
  readonly lastSeen: number;
  /** The versions that answered, in the order in which they were first seen, at most 20; missing where the source does not tell. */
  readonly versions?: readonly LoggedVersion[];
  /** By metric; missing where the source knows no units. */
  readonly unitSums: Readonly<Record<string, UnitSums>>;
  /** The same of `QualityWindow.labels`, matured predictions that have what a metric needs being the bad ones; missing where windows have none. */
  readonly labelSums?: Readonly<Record<string, UnitSums>>;
  /** The same of the records that could tell a metric, those that did being the bad ones; missing where all did, where what a unit could tell is not counted, and where the source knows no units. */
  readonly toldSums?: Readonly<Record<string, UnitSums>>;
  /** Where the sums of units are of a part of the time, because evidence began then: what was known before. */
  readonly unitsBefore?: UnitsBefore;
  readonly latency: Histogram;
  readonly score: Histogram;
  /** Scores of predictions with an outcome, and of those among them whose outcome was positive, in `RANKED_EDGES`: the first and the last bin are outside 0 to 1. */
  readonly labelledScore: Histogram;
  readonly scoreOfPositives: Histogram;
  /** Predictions whose outcome is final by now, and how many of them have one. */
  readonly matured: number;
  readonly labelled: number;
  /** Predictions without a request id, so that no outcome is known to be theirs; missing where no metric needs outcomes, where there are none, and where the source does not tell. */
  readonly withoutRequest?: number;
  /** Predictions whose score is outside 0 to 1, so no probability; and of those with an outcome, how many only such a score could decide. Missing where the source knows no scores. */
  readonly notProbable?: number;
  readonly undivided?: number;
  /** What those of them count as that have none; missing where they do not count. */
  readonly absentMeans?: number | boolean | string;
  /** The same by stretches of time; missing where the source tells none. */
  readonly stretches?: readonly ArmStretch[];
  /** Missing where no outcome has been told, or the source does not tell. */
  readonly labelDelay?: LabelDelay;
}

/** How well a source could be read: counted, shown, never fatal. */
export interface SourceNotes {
  readonly rows: number;
  readonly malformed: number;
  /** Place and reason of the first few. */
  readonly examples: readonly string[];
  readonly duplicates: number;
  /** Records from the future, by more than a minute: a clock is wrong. */
  readonly future: number;
  readonly withoutUnit: number;
  /** Values that were NaN or infinite, which count as missing. */
  readonly notFinite: number;
  readonly unitsInBothArms: number;
  readonly outcomesWithoutPrediction: number;
  readonly excluded: number;
  /** Records of a slice that is not counted by itself, because `MOST_SLICES` others came before. */
  readonly otherSlices: number;
  /** Sentences about the source as a whole: files that vanished, warnings of a server. */
  readonly messages: readonly string[];
  /** Whether no file is there of those that are to tell outcomes. */
  readonly outcomesMissing?: boolean;
  /** Why the source itself says that it told a part only: it is shown, but nothing is decided by it. */
  readonly incomplete?: string;
}

export const NO_NOTES: SourceNotes = { rows: 0, malformed: 0, examples: [], duplicates: 0, future: 0, withoutUnit: 0, notFinite: 0, unitsInBothArms: 0, outcomesWithoutPrediction: 0, excluded: 0, otherSlices: 0, messages: [] };

/** All that a source tells. Windows in the order of time. */
export interface QualityData {
  readonly windows: readonly QualityWindow[];
  readonly arms: readonly ArmSummary[];
  /** By how much bad events vary more than independent requests would, where the source knows no units. */
  readonly designEffect?: number;
  /** Whose records name no unit; missing where all do, or the source tells no records. */
  readonly unnamed?: UnnamedUnits;
  /** Whether each metric has a total of its own, which need not be of the same predictions as that of another: what one lacks is then no prediction that did not tell it. */
  readonly hasOwnTotals?: boolean;
  /** By metric: why what was told of it, be it none, lets no candidate go on. A breach it is all the same. */
  readonly doubts?: Readonly<Record<string, string>>;
  /** By environment; undefined where no shadow answered. */
  readonly shadow?: readonly ShadowPairs[];
  /** What drift is measured of; undefined where the source has no records. */
  readonly production?: ProductionWindow;
  /** What drift is measured against: one for all environments, or one for each. */
  readonly references?: readonly DriftReference[];
  readonly notes: SourceNotes;
}

/** The features of the training data, or of whatever production shall be like. */
export interface DriftReference {
  /** What it is, for people: a path, or a few words. */
  readonly name: string;
  /** The environment that it is of; undefined: any. */
  readonly environment?: string;
  readonly rows: number;
  /** As how many independent units of equal activity the rows count. */
  readonly units: number;
  readonly samples: readonly FeatureSample[];
  /** The hours of production that are measured against it, where it has hours of its own; else those of `QualityData.production`. */
  readonly production?: ProductionWindow;
}

/** The newest hours of the log, up to now. Not all of the log: what has shifted since yesterday does not show in the sum of a month. */
export interface ProductionWindow {
  /** For people: `last 24 h`. */
  readonly name: string;
  readonly parts: readonly ProductionPart[];
  /** By environment both arms in the hours in which both have answered: who came by night is no other than who came by day. */
  readonly both?: readonly { readonly name: string; readonly candidate: ProductionPart; readonly current: ProductionPart }[];
}

/** An arm of all services of an environment during some hours. */
export interface ProductionPart {
  readonly environment: string;
  readonly arm: string;
  readonly requests: number;
  /** As how many units of equal activity theirs count: of one that came a hundred times all values may be the same (`DistinctCount.effective`). */
  readonly units: number;
  readonly features: readonly FeatureSample[];
  /** Names of features that are too many to be looked at, as far as they are known; missing where there are none. */
  readonly leftOut?: readonly string[];
  /** Names of features that records before these told, and none of these does; missing where there are none. */
  readonly lost?: readonly string[];
}

/** Answers to the same requests in an environment: what was served, and the shadow of one version of the candidate. A pair is what both answered. */
export interface ShadowPairs {
  /** Where it was served. */
  readonly environment: string;
  /** The version that was the last one to be new; undefined: the records name none. */
  readonly version?: string;
  /** When a shadow answer of it was first logged, in milliseconds since 1970. */
  readonly since: number;
  /** Of other versions, which are not counted here. */
  readonly otherVersions: readonly { readonly version: string | undefined; readonly pairs: number }[];
  /** Of how many requests one was followed, at most, because more waited than can be kept: all that is counted is of those that were. */
  readonly oneIn: number;
  /** The same of how many were followed to their outcome. */
  readonly labelledOneIn: number;
  readonly pairs: number;
  /** Shadow answers that found no partner yet: those that name this environment, or none. */
  readonly unpaired: number;
  /** Answers of the shadow that were dropped before they were logged, as the records tell: of this environment, or of none. */
  readonly dropped: number;
  /** Pairs in which something can be the same: decisions or labels; and in which it is. */
  readonly decided: number;
  readonly agreed: number;
  /** Pairs with scores that are no probabilities, which decide nothing as no threshold is given. */
  readonly notProbable: number;
  /** Pairs in which labels, not scores, are compared with an outcome; and pairs with a label that is neither yes nor no, but one class of several. */
  readonly byLabel: number;
  readonly ofClasses: number;
  /** Whether an outcome was told that is neither: of labels, one of a third class. */
  readonly hasOtherOutcomes: boolean;
  /** What it means that there is no outcome; missing where it means nothing. */
  readonly absentMeans?: number | boolean | string;
  /** Requests that were served, or shadowed, without an answer and without an error. */
  readonly servedNothing: number;
  readonly shadowNothing: number;
  /** Requests that failed where they were served, and shadow calls that failed. */
  readonly servedErrors: number;
  readonly errors: number;
  readonly served: readonly number[];
  readonly shadow: readonly number[];
  /** |score difference|, a uniform sample. */
  readonly differences: readonly number[];
  /** Pairs with an outcome in which only the served answer, or only the shadow's, was right. */
  readonly onlyServedRight: number;
  readonly onlyShadowRight: number;
  readonly labelled: number;
  /** `differences`: the sum of those of `scored` pairs. */
  readonly slices: readonly { readonly slice: string; readonly pairs: number; readonly decided: number; readonly agreed: number; readonly scored: number; readonly differences: number }[];
  /** The pairs that differ most. */
  readonly examples: readonly { readonly requestId: string; readonly served: string; readonly shadow: string; readonly difference: number }[];
}

/** What a source is asked for. */
export interface QualityRequest {
  readonly now: number;
  /** When evidence about the release began, in milliseconds since 1970, where that is known: what a source tells is to reach back so far. */
  readonly since?: number | undefined;
  /** Where what was told before `since` counts, too: from when on, in milliseconds since 1970. */
  readonly from?: number | undefined;
  readonly signal: AbortSignal;
  /** Told now and then: bytes read of bytes in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where observations come from. A source may keep what it has read: the next call reads what is new. */
export interface QualitySource {
  /** @throws AppError */
  read(request: QualityRequest): Promise<QualityData>;
  dispose(): void;
}
