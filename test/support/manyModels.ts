import { DatabaseSync } from 'node:sqlite';

/** Puts models `bench-0001` and on into MLflow's database, by SQL: through the API it would take an hour. The version before the newest is the champion. */
export function fillRegistry(path: string, models: number, versions: number): void {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec(`BEGIN IMMEDIATE;
    CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${models}) SELECT i, printf('bench-%04d', i) AS name FROM c;
    INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) SELECT name, 1, 1, 'a model', 'default' FROM n;
    INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, status, workspace)
      SELECT n.name, v.i, 1, 1, '', 'None', 's3://models/' || n.name, 'READY', 'default' FROM n, n AS v WHERE v.i <= ${versions};
    INSERT INTO registered_model_aliases (alias, version, name, workspace) SELECT 'champion', ${versions - 1}, name, 'default' FROM n;
    INSERT INTO model_version_tags (key, value, name, version, workspace) SELECT 'team', 'risk', name, ${versions}, 'default' FROM n;
    COMMIT`);
  database.close();
}
