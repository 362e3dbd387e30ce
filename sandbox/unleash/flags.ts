import { gradual } from './admin.ts';
import type { AdminClient, Constraint, Environment, FlagInput, StrategyInput, Variant } from './admin.ts';

/** Who acts while seeding, so that histories name persons. */
export interface Actors { admin: AdminClient; alice: AdminClient; eddy: AdminClient }

interface FlagStory extends FlagInput {
  description: string;
  tags?: string[];
  /** What happened to the flag, in order, by persons. */
  history: (actors: Actors, internal: number) => Promise<void>;
}

export const modelFlag = 'credit-risk-v2';
export const explainerFlag = 'credit-explainer';
const unfinished = 'Being set up by the sandbox';

const version = (number: string, method: string): NonNullable<Variant['payload']> => ({ type: 'json', value: JSON.stringify({ model: 'credit-explainer', version: number, method }) });
const explainers = (candidateWeight: number): Variant[] => [
  { name: 'coefficients', weight: 1000 - candidateWeight, weightType: 'variable', stickiness: 'userId', payload: version('3', 'coefficients') },
  { name: 'ablation', weight: candidateWeight, weightType: 'fix', stickiness: 'userId', payload: version('4', 'ablation') },
];

/** Adds a strategy, then switches the environment on: in this order Unleash adds none of its own. */
async function start(by: AdminClient, flag: string, environment: Environment, strategy: StrategyInput): Promise<string> {
  const id = await by.addStrategy(flag, environment, strategy);
  await by.switchEnvironment(flag, environment, 'on');
  return id;
}

const constraint = (contextName: string, values: string[]): Constraint => ({ contextName, operator: 'IN', values });

const stories: FlagStory[] = [
  {
    name: modelFlag, type: 'release', tags: ['ml'],
    description: 'Credit risk is scored by candidate 14 (gradient boosting) instead of current 13 (logistic regression).',
    async history({ alice, eddy }, internal) {
      await start(eddy, modelFlag, 'development', gradual(modelFlag, 100, { title: 'Modelswitch · credit-risk v14 over v13 · stage 1 of 7' }));
      await start(alice, modelFlag, 'production', gradual(modelFlag, 100, { title: 'Modelswitch · credit-risk v14 over v13 · stage 2 of 7', segments: [internal] }));
      const everyone = await alice.addStrategy(modelFlag, 'production', gradual(modelFlag, 5, { title: 'Modelswitch · credit-risk v14 over v13 · stage 3 of 7' }));
      await eddy.setRollout(modelFlag, 'production', everyone, 10, 'Modelswitch · credit-risk v14 over v13 · scores agree');
      await eddy.setRollout(modelFlag, 'production', everyone, 5, 'Modelswitch · credit-risk v14 over v13 · latency alarm, looking');
      await alice.setRollout(modelFlag, 'production', everyone, 25, 'Modelswitch · credit-risk v14 over v13 · stage 4 of 7: alarm was the bureau, not the model');
    },
  },
  {
    name: explainerFlag, type: 'experiment', tags: ['ml'],
    description: 'Which explanation an applicant gets: coefficients (version 3) or ablation (version 4).',
    async history({ alice, eddy }) {
      await start(eddy, explainerFlag, 'development', gradual(explainerFlag, 100, { variants: explainers(500) }));
      const id = await start(eddy, explainerFlag, 'production', gradual(explainerFlag, 20, { variants: explainers(100) }));
      await alice.setRollout(explainerFlag, 'production', id, 50);
      await alice.patchStrategy(explainerFlag, 'production', id, [{ op: 'replace', path: '/variants', value: explainers(400) }]);
    },
  },
  {
    name: 'credit-bureau-lookup', type: 'kill-switch',
    description: 'Asks the credit bureau for the payment history. Switch off when the bureau is slow.',
    async history({ alice, eddy }) {
      await start(alice, 'credit-bureau-lookup', 'development', gradual('credit-bureau-lookup', 100));
      await start(alice, 'credit-bureau-lookup', 'production', gradual('credit-bureau-lookup', 100));
      await eddy.switchEnvironment('credit-bureau-lookup', 'production', 'off');
      await eddy.switchEnvironment('credit-bureau-lookup', 'production', 'on');
    },
  },
  {
    name: 'manual-review', type: 'operational',
    description: 'Uncertain scores of business customers in the EU go to a person.',
    async history({ alice, eddy }) {
      const audience = [constraint('region', ['eu']), constraint('plan', ['business'])];
      await start(eddy, 'manual-review', 'development', gradual('manual-review', 100, { constraints: audience }));
      const id = await start(eddy, 'manual-review', 'production', gradual('manual-review', 20, { constraints: audience }));
      await alice.setRollout('manual-review', 'production', id, 50);
    },
  },
  {
    name: 'credit-reasons', type: 'release',
    description: 'Reason codes in the answer; they exist for the candidate only.',
    async history({ alice, eddy }) {
      await eddy.addParent('credit-reasons', modelFlag);
      await start(eddy, 'credit-reasons', 'development', gradual('credit-reasons', 100));
      const id = await start(alice, 'credit-reasons', 'production', gradual('credit-reasons', 50));
      await alice.setRollout('credit-reasons', 'production', id, 100);
    },
  },
  {
    name: 'fraud-screening-v3', type: 'release', tags: ['ml'],
    description: 'Fraud screening by version 3: in development only, production is off.',
    async history({ alice, eddy }) {
      await start(eddy, 'fraud-screening-v3', 'development', gradual('fraud-screening-v3', 100));
      const id = await start(alice, 'fraud-screening-v3', 'production', gradual('fraud-screening-v3', 10));
      await alice.setRollout('fraud-screening-v3', 'production', id, 5);
      await alice.switchEnvironment('fraud-screening-v3', 'production', 'off');
    },
  },
  {
    name: 'income-estimator-v2', type: 'release', tags: ['ml'],
    description: 'Estimates missing incomes. Not started: no environment has a strategy.',
    async history({ eddy, alice }) {
      const id = await eddy.addStrategy('income-estimator-v2', 'development', gradual('income-estimator-v2', 0));
      await alice.removeStrategy('income-estimator-v2', 'development', id);
    },
  },
  {
    name: 'pricing-bandit', type: 'experiment',
    description: 'Interest-rate experiment of last spring: won, fully out, to be removed from the code.',
    async history({ alice, eddy }) {
      await start(eddy, 'pricing-bandit', 'development', gradual('pricing-bandit', 100));
      const id = await start(eddy, 'pricing-bandit', 'production', gradual('pricing-bandit', 50));
      await alice.setRollout('pricing-bandit', 'production', id, 100);
      await alice.setStale('pricing-bandit');
    },
  },
  {
    name: 'legacy-scorecard', type: 'release',
    description: 'The scorecard before the first model; retired.',
    async history({ alice, eddy }) {
      const id = await start(eddy, 'legacy-scorecard', 'production', gradual('legacy-scorecard', 100));
      await alice.setRollout('legacy-scorecard', 'production', id, 0);
      await alice.switchEnvironment('legacy-scorecard', 'production', 'off');
    },
  },
];
const archived = ['legacy-scorecard'];

/** Names of the flags that the sandbox makes, archived ones included. */
export const seededFlags: readonly string[] = stories.map(({ name }) => name);

/**
 * Makes the flags that are not there, each with its history. Flags that exist stay as they are: they are the user's by now. Only one that an
 * interrupted start left half done (told by its description) is made again.
 */
export async function seedFlags(actors: Actors, internal: number): Promise<void> {
  const inArchive = await actors.admin.archivedFlags();
  for (const { name, type, description, tags, history } of stories) {
    if (inArchive.includes(name)) continue;
    const existing = await actors.admin.flag(name);
    if (existing && existing.description !== unfinished) continue;
    if (existing) {
      await actors.admin.archive(name);
      await actors.admin.deleteArchived(name);
    }
    await actors.eddy.createFlag({ name, description: unfinished, ...type && { type } });
    await history(actors, internal);
    for (const tag of tags ?? []) await actors.alice.tag(name, tag);
    await actors.alice.describe(name, description);
    if (archived.includes(name)) await actors.alice.archive(name);
  }
}
