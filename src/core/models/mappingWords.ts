import { plainLine } from '../base/words.ts';
import { versionWords } from '../flags/titles.ts';
import { metricWords, movedWords, offlineMetric, type Arm, type FlagArms, type MovedPin } from './mapping.ts';

/** `v14 (challenger)`, or what the file calls it while the version is not known. */
export function armVersionWords({ version, alias, name, role, state }: Arm): string {
  if (state === 'missing') return `${plainLine(name, 40)} (not in the registry)`;
  if (version === undefined) return plainLine(role, 40);
  const words = plainLine(versionWords(version), 30);
  return alias === undefined ? words : `${words} (${plainLine(alias, 30)})`;
}

/** `AUC 0.914 vs 0.908 offline`: what serves when the flag is on, against what serves when it is off. */
export function metricPairWords(arms: FlagArms): string | undefined {
  const metric = offlineMetric(arms);
  if (metric?.on === undefined) return undefined;
  const against = metric.off === undefined ? '' : ` vs ${metricWords(metric.off, metric.on)}`;
  return `${metric.label} ${metricWords(metric.on, metric.off)}${against} offline`;
}

/** Whether the side that is on is the better one by the offline metric; undefined where that is not known or they are equal. */
export function isBetter(arms: FlagArms): boolean | undefined {
  const metric = offlineMetric(arms);
  if (metric?.on === undefined || metric.off === undefined || metric.on === metric.off || Number.isNaN(metric.on) || Number.isNaN(metric.off)) return undefined;
  return (metric.on > metric.off) === (metric.better === 'higher');
}

/** `fraud v14 (challenger) · AUC 0.914 vs 0.908 offline`; by variant where the code asks for variants. What moved goes first. */
export function modelWords(arms: FlagArms, { byVariant = false, withMetric = true, moved = [] }: { readonly byVariant?: boolean; readonly withMetric?: boolean; readonly moved?: readonly MovedPin[] } = {}): string {
  const name = plainLine(arms.model.name, 30);
  const [first] = moved;
  if (first !== undefined) return `${name}: ${movedWords(first)}`;
  if (byVariant && arms.variants.length > 0) return `${name} ${arms.variants.map((each) => `${plainLine(each.side, 20)} ${armVersionWords(each)}`).join(' / ')}`;
  const metric = withMetric ? metricPairWords(arms) : undefined;
  return [`${name} ${armVersionWords(arms.on)}`, ...metric === undefined ? [] : [metric]].join(' · ');
}
