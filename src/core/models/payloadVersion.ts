import type { VariantPayload } from '../flags/model.ts';

/** What a variant's payload says of the model behind it. */
export interface PayloadVersion {
  /** Name in the registry, where the payload tells it. */
  readonly model?: string;
  /** Version or alias. */
  readonly version: string;
}

/** In this order: what names the version goes before what names the model. */
const KEYS = ['model_version', 'modelVersion', 'version', 'model_uri', 'modelUri', 'model'] as const;
const NUMBER = /^v?(\d+(?:\.\d+)*(?:[-+][\w.-]+)?)$/i;
const URI = /^models:\/([^/@]+)(?:\/([^/@]+)|@([^/@]+))$/;
const NAMED = /^([\w./-]{1,200}):([\w.+-]{1,60})$/;

/**
 * The version that a payload carries, by any of these shapes: `14`, `v14`, `models:/fraud/14`, `models:/fraud@challenger`, `fraud:14`, or a JSON object with one
 * of them under model_version, version, model_uri or model (`{"model_version": "14"}`). Undefined for everything else: a payload may be about something else.
 */
export function payloadVersion({ type, value }: VariantPayload): PayloadVersion | undefined {
  const text = value.trim();
  if (type === 'csv' || text.length > 10_000) return undefined;
  if (!text.startsWith('{')) return versionOf(text);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const fields = content as Readonly<Record<string, unknown>>;
  for (const key of KEYS) {
    const each = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const found = typeof each === 'string' || typeof each === 'number' ? versionOf(String(each).trim()) : undefined;
    const { model } = fields;
    // {"model": "fraud", "version": "14"}
    if (found !== undefined) return found.model === undefined && key !== 'model' && typeof model === 'string' && versionOf(model) === undefined ? { ...found, model } : found;
  }
  return undefined;
}

function versionOf(text: string): PayloadVersion | undefined {
  const number = NUMBER.exec(text)?.[1];
  if (number !== undefined) return { version: number };
  const [, model, version, alias] = URI.exec(text) ?? [];
  if (model !== undefined) return { model, version: version ?? alias ?? '' };
  const [, name, tag] = NAMED.exec(text) ?? [];
  return name === undefined || tag === undefined ? undefined : { model: name, version: tag };
}
