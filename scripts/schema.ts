/** Writes media/schemas/modelswitch.schema.json from the zod schema; run it after a change of src/core/workspace/schema.ts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { workspaceJsonSchema } from '../src/core/workspace/schema.ts';

const folder = new URL('../media/schemas/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('modelswitch.schema.json', folder), `${JSON.stringify(workspaceJsonSchema(), null, 2)}\n`);
