/** What test/support/mlflow/seed.py prints. */
export interface Seeded {
  readonly model: string;
  readonly unicode: string;
  readonly quotes: string;
  readonly versions: Readonly<Record<'1' | '2' | '3', { readonly run: string; readonly model: string; readonly digest: string }>>;
}

/** A registry file that says of the seeded models what MLflow says. */
export function registryText({ model, unicode, quotes, versions }: Seeded): string {
  const training = (name: string, version: '1' | '2' | '3', c: string, auc: number, letter: string): string => `        run: {id: "${versions[version].run}", name: ${name}, started: 2026-11-01T10:00:00Z, ended: 2026-11-01T10:05:00Z, user: alice}
        data:
          - {name: train, digest: "${versions[version].digest}", source: data/train.parquet, context: training}
        params: {C: "${c}", solver: lbfgs}
        code: {commit: ${letter.repeat(40)}, branch: main, repository: https://git.example.com/fraud.git, entry: training/train.py}
        metrics: {auc: ${auc}, loss: .nan, peak: .inf, low: -.inf}
`;
  const other = (name: string): string => `  ${JSON.stringify(name)}:
    aliases: {größte: 1}
    versions: [{version: 1, artifact: {path: "s3://nowhere.example/other/1"}}]
`;
  return `# The team's models.
version: 1
models:
  ${model}:
    description: "Finds fraud.\\nSecond line."
    tags: {team: risk}
    aliases:
      champion: "1"    # serves
      challenger: "2"
    versions:
      - version: "1"
        description: the first
${training('first', '1', '1.0', 0.91, 'a')}        signature:
          inputs: [{name: amount, type: double}, {name: age, type: double}, {name: country, type: string}]
          outputs: [{name: score, type: double}]
        artifact: {path: "s3://models.example/fraud/1"}
      - version: "2"
        tags: {modelswitch.needs.application: "2.4"}
${training('second', '2', '0.5', 0.905, 'b')}        signature:
          inputs: [{name: amount, type: double}, {name: age, type: double}, {name: country, type: string}, {name: visits, type: long}]
          outputs: [{name: score, type: double}]
      - version: "3"
${training('third', '3', '0.1', 0.901, 'c')}      - version: "4"
        artifact: {path: "s3://nowhere.example/fraud/4"}
${other(unicode)}${other(quotes)}`;
}
