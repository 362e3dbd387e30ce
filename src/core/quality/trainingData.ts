import { AppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import type { DatasetFacts, VersionDetail } from '../models/model.ts';
import { didYouMean } from '../workspace/suggest.ts';

/** The file that a version was trained on. */
export interface TrainingData {
  /** A path, relative to the folder of `modelswitch.yaml` or absolute. */
  readonly path: string;
  /** What it is, for people. */
  readonly name: string;
  /** How many rows it had when the version was trained, where the registry tells. */
  readonly rows?: number;
}

type Subject = Pick<VersionDetail, 'model' | 'version' | 'datasets'>;

/**
 * The data set of a version's run that drift is measured against: the one that is named, else the one that was used for training, else the only one.
 * @throws AppError notFound when the run has none, or none of that name; validation when it has several, or the one meant is no file that can be read here
 */
export function trainingData({ model, version, datasets }: Subject, wanted?: string): TrainingData {
  const who = plainLine(`${model} ${version}`, 120);
  const names = [...new Set(datasets.map(({ name }) => plainLine(name, 60)))];
  if (datasets.length === 0) throw new AppError('notFound', `The run of ${who} names no data set: log it (mlflow.log_input(mlflow.data.from_pandas(frame, source="data/train.csv"), context="training")), or name a file in drift.reference.`);
  const named = wanted === undefined ? datasets : datasets.filter(({ name }) => name === wanted);
  if (named.length === 0) throw new AppError('notFound', `The run of ${who} has no data set ${plainLine(wanted ?? '', 60)}.${didYouMean(wanted ?? '', names) || ` There are: ${names.join(', ')}.`}`);
  const training = named.filter(({ context }) => /^train/i.test(context ?? ''));
  const [meant, other] = training.length > 0 ? training : named;
  if (meant === undefined || other !== undefined) throw new AppError('validation', `The run of ${who} has several data sets: say which with drift.reference.dataset. There are: ${names.join(', ')}.`);
  const path = localPath(meant);
  const shown = plainLine(meant.name === '' ? 'The data set' : `The data set ${meant.name}`, 80);
  if (path === undefined) throw new AppError('validation', `${shown} of ${who} comes from ${sourceWords(meant)}, which is no file that can be read here: name a file in drift.reference.`);
  return { path, name: `the training data of ${who} (${plainLine(path, 120)})`, ...(meant.rows === undefined ? {} : { rows: meant.rows }) };
}

/** A sentence when the file that is there is not the one that the version was trained on, as far as its rows tell. */
export function rowsWords({ path, rows }: TrainingData, now: number): string | undefined {
  return rows === undefined || rows === now ? undefined : `${plainLine(path, 120)} has ${now} rows, but the version was trained on ${rows}: the file has changed since.`;
}

function sourceWords({ sourceType, source }: DatasetFacts): string {
  if (source === undefined || source === '') return 'a source that was not logged';
  return `${sourceType === undefined ? '' : `${plainLine(sourceType, 30)} `}${plainLine(addressOf(source) ?? source, 120)}`;
}

/** MLflow writes a source as JSON of its kind, `{"uri": ...}` or `{"url": ...}`; a registry file as a path. */
function addressOf(source: string): string | undefined {
  if (!source.trimStart().startsWith('{')) return source;
  try {
    const { uri, url, path } = JSON.parse(source) as Readonly<Record<string, unknown>>;
    return [uri, url, path].find((each) => typeof each === 'string');
  } catch {
    return undefined;
  }
}

/** A path or a `file:` address without a host; anything else is elsewhere. */
function localPath({ source = '' }: DatasetFacts): string | undefined {
  const address = addressOf(source);
  if (address === undefined || address === '') return undefined;
  if (!/^[a-z][a-z0-9+.-]+:/i.test(address)) return address;
  const url = URL.parse(address);
  if (url?.protocol !== 'file:' || (url.host !== '' && url.host !== 'localhost')) return undefined;
  // file:data/train.csv is relative; as a URL it would begin at the root.
  const written = address.slice('file:'.length);
  try {
    return decodeURIComponent(written.startsWith('/') ? url.pathname : written);
  } catch {
    return undefined;
  }
}
