import { countWords, plainLine } from '../base/words.ts';
import { levelShares, type ComparisonReport, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type MetricDefinition, type QualityDefinition } from '../quality/definitions.ts';
import { predictionsToAccept } from '../quality/stats/power.ts';
import { comparedWords, isAlone, untoldWords, type Allotted } from './metricWords.ts';
import type { AcceptanceFinding } from './verdict.ts';

/** What is compared of all evidence. */
interface All {
  readonly metrics: readonly MetricComparison[];
  readonly definition: QualityDefinition;
  /** Of this comparison: what limits do not take of it is for not being worse. */
  readonly alpha: number;
  readonly allotted: Allotted;
}

/** The same of the records of the stage alone. It is asked only where it decides: it takes as long as that of all. */
interface OfStage {
  readonly compare: () => ComparisonReport;
  readonly allotted: Allotted;
}

/**
 * What lets a release go on, one finding per guardrail. A candidate that was as good at 5 % may fail at 25 %, by load, and what was shown of long health hides that: so it has to be not worse by all evidence and by
 * the records of the stage alone, each at the same level, which only makes a false acceptance rarer. What needs outcomes goes by all evidence: of a stage nothing has matured before `mature_after`. Breaches are no matter of the stage.
 * @param stage undefined where evidence began with the stage
 */
export function acceptanceOf(all: All, stage: OfStage | undefined): AcceptanceFinding[] {
  const { metrics, definition, alpha } = all;
  let report: ComparisonReport | undefined;
  return metrics.filter(({ role, name }) => role === 'guardrail' && name !== MISSING_ANSWERS).map((metric) => {
    const finding = accepted(metric, all.allotted);
    const defined = definition.metrics.find(({ name }) => name === metric.name);
    if (finding.state !== 'accepted' || stage === undefined || defined === undefined || defined.labelled) return finding;
    report ??= stage.compare();
    const own = report.metrics.find(({ name }) => name === metric.name);
    if (own === undefined || own.verdict === 'not worse' || isAlone(own, stage.allotted)) return finding;
    const more = moreNeeded(defined, metric, own, report, alpha / levelShares(definition.metrics));
    const needed = more === undefined ? '' : `; if it is as good as the current version, about ${countWords(Number(more.toPrecision(2)))} more predictions of the candidate show it`;
    return { ...finding, state: 'open', words: `${comparedWords(own)} in this stage: not worse by all evidence, but not shown yet by this stage alone (${own.because})${needed}` };
  });
}

function accepted(metric: MetricComparison, allotted: Allotted): AcceptanceFinding {
  const { name, verdict } = metric;
  if (!allotted.comparable || isAlone(metric, allotted)) return { name, state: 'no control', words: `${plainLine(name, 40)}: nobody is left to compare with` };
  return { name, state: verdict === 'not worse' ? 'accepted' : 'open', words: untoldWords(metric, allotted) };
}

/** About how many predictions of the candidate the stage lacks; undefined where that is not known, or not what it lacks. `all`: of all evidence. */
function moreNeeded({ kind, acceptRatio, minRate, margin }: MetricDefinition, all: MetricComparison, own: MetricComparison, { metrics }: ComparisonReport, alpha: number): number | undefined {
  const { candidate: { n }, current, interval } = own;
  if (n === 0 || current.n === 0) return undefined;
  const needed = kind === 'bad'
    ? Math.max(...metrics.map(({ dispersion }) => dispersion)) * predictionsToAccept({ share: n / (n + current.n), rate: all.current.value, acceptRatio, minRate, alpha })
    // The interval narrows with the root of the sample.
    : interval === undefined ? Number.NaN : n * ((interval.high - interval.low) / 2 / margin) ** 2;
  return Number.isFinite(needed) && needed > n ? Math.ceil(needed - n) : undefined;
}
