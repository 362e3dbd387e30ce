import { SandboxError } from '../processes.ts';

async function call(url: string, method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new SandboxError(`MLflow refused ${path}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as unknown;
}

/** Makes a model whose next version is `count` + 1: the versions before it were there once and are deleted. */
export async function createModel(url: string, name: string, description: string, count: number): Promise<void> {
  await call(url, 'POST', 'registered-models/create', { name, description });
  for (let version = 1; version <= count; version += 1) await call(url, 'POST', 'model-versions/create', { name, source: `s3://earlier-models/credit-risk/${version}` });
  for (let version = 1; version <= count; version += 1) await call(url, 'DELETE', 'model-versions/delete', { name, version: String(version) });
}

export async function setAlias(url: string, name: string, alias: string, version: string): Promise<void> {
  await call(url, 'POST', 'registered-models/alias', { name, alias, version });
}
