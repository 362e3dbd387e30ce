import * as z from 'zod';

/** How a model is trained anew. */
export interface RetrainTarget {
  /** Folder of the `dvc.yaml`, relative to that of `modelswitch.yaml`; the same where it is not given. */
  readonly folder?: string;
  /** The stage that trains it; without one it is found by the script that the run names, and all of the pipeline is run. */
  readonly stage?: string;
  /** Name of a VS Code task that is run in the place of `dvc repro`. */
  readonly task?: string;
}

function words(description: string, example: string): z.ZodString {
  const error = `must be text, such as ${example}`;
  return z.string({ error }).min(1, { error }).meta({ description, examples: [example] });
}

export const retrainSchema = z.strictObject({
  folder: words('Folder of the dvc.yaml, relative to this file. Default: this file\'s own folder.', 'pipelines/fraud').optional(),
  stage: words('The stage of dvc.yaml that trains the model, such as train or train@fraud.', 'train').optional(),
  task: words('Name of a VS Code task that trains the model, in the place of dvc repro.', 'Train fraud model').optional(),
}, { error: 'must be a mapping of folder, stage and task' }).meta({ description: 'How the model is trained anew: a DVC stage, or a VS Code task.' });

/** The content of `retrain:`; what is no text has been told by the schema. */
export function readRetrain(section: Readonly<Record<string, unknown>> | undefined): RetrainTarget | undefined {
  if (section === undefined) return undefined;
  const text = (key: string): string | undefined => { const value = section[key]; return typeof value === 'string' && value !== '' ? value : undefined; };
  const [folder, stage, task] = [text('folder'), text('stage'), text('task')];
  return { ...(folder === undefined ? {} : { folder }), ...(stage === undefined ? {} : { stage }), ...(task === undefined ? {} : { task }) };
}
