/** Writes media/schemas from the zod schemas; run it after a change of one of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { contractJsonSchema } from '../src/core/models/contract.ts';
import { registryFileJsonSchema } from '../src/core/models/registryFile.ts';
import { suiteJsonSchema } from '../src/core/suites/schema.ts';
import { workspaceJsonSchema } from '../src/core/workspace/schema.ts';

/** Every schema file with what it holds. */
export const SCHEMAS: Readonly<Record<string, () => Record<string, unknown>>> = {
  'modelswitch.schema.json': workspaceJsonSchema,
  'registry.schema.json': registryFileJsonSchema,
  'features.schema.json': contractJsonSchema,
  'suite.schema.json': suiteJsonSchema,
};

if (import.meta.main) {
  const folder = new URL('../media/schemas/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [file, schema] of Object.entries(SCHEMAS)) writeFileSync(new URL(file, folder), `${JSON.stringify(schema(), null, 2)}\n`);
}
