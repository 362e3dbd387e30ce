import * as z from 'zod';
import type { Problem, SourceRange } from '../workspace/source.ts';
import { SCALAR_TYPES, type ColumnType } from './model.ts';
import { checkYaml } from './yamlFile.ts';

/** Where a feature comes from: `driver_stats@v2:trips_today`. */
export interface FeatureSource {
  readonly name: string;
  /** Without one, what the feature means may change unnoticed. */
  readonly version?: string;
}

/** A feature that the application sends, or an output field that it reads. */
export interface ContractField {
  readonly name: string;
  readonly type: ColumnType;
  /** The value may be missing in a row. */
  readonly nullable: boolean;
  readonly source?: FeatureSource;
  /** Where the field's name stands in the contract. */
  readonly range: SourceRange;
}

/** What an application provides to a model and what it takes from it. */
export interface FeatureContract {
  readonly application?: { readonly name?: string; readonly version: string; readonly range: SourceRange };
  readonly features: readonly ContractField[];
  readonly outputs: readonly ContractField[];
  /** Where the list of features begins; the start of the file when there is none. */
  readonly range: SourceRange;
}

const LARGEST = 1024 * 1024;
const TYPES = `must be one of ${SCALAR_TYPES.join(', ')}, a list of them such as array<double>, or any`;
const SOURCE = /^([^@:\s]+)(?:@([^@:\s]+))?(?::\S+)?$/;

const text = (description: string, example: string): z.ZodString =>
  z.string({ error: `must be text, such as ${example}` }).min(1, { error: `must not be empty; write for example ${example}` }).meta({ description, examples: [example] });

const type = z.string({ error: TYPES }).refine((value) => typeOf(value) !== undefined, { error: TYPES })
  .meta({ description: 'The type, by MLflow\'s names.', examples: [...SCALAR_TYPES, 'array<double>', 'any'] });

const field = {
  name: text('The name of the column.', 'amount'),
  type,
  nullable: z.boolean({ error: 'must be true or false' }).meta({ description: 'Whether the value may be missing. Default: false.' }).optional(),
};

export const contractSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1, the only version of this file format so far' }),
  application: z.strictObject({
    name: text('What the application is called.', 'scoring-service').optional(),
    version: text('The version of the application; in quotes, or YAML may take it for a number.', '"2.4.0"'),
  }, { error: 'must be a mapping of name and version' }).optional(),
  features: z.array(z.strictObject({
    ...field,
    source: z.string({ error: 'must be text, such as transactions@v3' }).regex(SOURCE, { error: 'must be source@version, such as transactions@v3 or driver_stats@v2:trips_today' })
      .meta({ description: 'Where the value comes from, and which version of it.', examples: ['transactions@v3'] }).optional(),
  }, { error: 'must be a mapping of name, type, nullable and source' }), { error: 'must be a list, such as [{name: amount, type: double}]' }).nullable().meta({ description: 'What the application sends to the model.' }),
  outputs: z.array(z.strictObject(field, { error: 'must be a mapping of name, type and nullable' }), { error: 'must be a list, such as [{name: score, type: double}]' }).nullish().meta({ description: 'What the application reads from the answer.' }),
}).meta({ title: 'features.yaml', description: 'The features that an application provides to a model and the outputs that it consumes.' });

function typeOf(written: string): ColumnType | undefined {
  const scalar = SCALAR_TYPES.find((name) => name === written);
  if (scalar !== undefined) return { kind: 'scalar', type: scalar };
  if (written === 'any') return { kind: 'any' };
  const inner = /^array<(.{1,100})>$/.exec(written)?.[1];
  const items = inner === undefined ? undefined : typeOf(inner);
  return items === undefined ? undefined : { kind: 'array', items };
}

/** What a contract file says; `contract` is undefined while there is an error. It never throws. */
export function loadContract(written: string): { readonly contract?: FeatureContract; readonly problems: readonly Problem[] } {
  const { content, source, problems } = checkYaml(written, contractSchema, LARGEST);
  if (content === undefined || source === undefined) return { problems };
  const found = [...problems];
  const fields = (key: 'features' | 'outputs', list: readonly { name: string; type: string; nullable?: boolean | undefined; source?: string | undefined }[]): ContractField[] => {
    const seen = new Set<string>();
    return list.map((each, index) => {
      const range = source.valueRange([key, index, 'name']);
      if (seen.has(each.name)) found.push({ code: 'duplicate', severity: 'error', message: `${each.name} stands twice under ${key}: keep one of them.`, range });
      seen.add(each.name);
      const origin = SOURCE.exec(each.source ?? '');
      return {
        name: each.name, type: typeOf(each.type) ?? { kind: 'any' }, nullable: each.nullable ?? false, range,
        ...(origin?.[1] === undefined ? {} : { source: { name: origin[1], ...(origin[2] === undefined ? {} : { version: origin[2] }) } }),
      };
    });
  };
  const contract: FeatureContract = {
    ...(content.application === undefined ? {} : {
      application: { version: content.application.version, ...(content.application.name === undefined ? {} : { name: content.application.name }), range: source.valueRange(['application', 'version']) },
    }),
    features: fields('features', content.features ?? []),
    outputs: fields('outputs', content.outputs ?? []),
    range: source.keyRange(['features']),
  };
  return { ...(found.every(({ severity }) => severity !== 'error') ? { contract } : {}), problems: found };
}

/** The JSON schema with which editors complete, explain and check a contract (draft 7). */
export function contractJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(contractSchema, { target: 'draft-07', io: 'input' }) };
}
