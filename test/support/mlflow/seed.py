"""Fills a tracking server with real runs, logged models and registered versions; prints what it made as JSON.

The first argument names the model, fraud-detector by default: 1 (champion, all facts), 2 (challenger, other facts), 3 (no signature, its run deleted), 4 (a file elsewhere, no run).
"""
import json
import sys

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.models import infer_signature

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fraud-detector"
UNICODE = "Größe 模型 100 % 🚀"
QUOTES = "o'br\"ien"


class Half(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return numpy.full(len(model_input), 0.5)


def train(name, frame, c, commit, signature=True):
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_params({"C": c, "solver": "lbfgs"})
        mlflow.log_metrics({"auc": 0.9 + float(c) / 100, "loss": float("nan"), "peak": float("inf"), "low": float("-inf")})
        mlflow.set_tags({"mlflow.source.git.commit": commit, "mlflow.source.git.branch": "main", "mlflow.source.git.repoURL": "https://git.example.com/fraud.git", "mlflow.source.name": "training/train.py"})
        data = mlflow.data.from_pandas(frame, source="data/train.parquet", name="train")
        mlflow.log_input(data, context="training")
        info = mlflow.pyfunc.log_model(
            name="model", python_model=Half(), pip_requirements=[], registered_model_name=MODEL,
            **({"signature": infer_signature(frame, pandas.DataFrame({"score": [0.5]}))} if signature else {}),
        )
        return {"run": run.info.run_id, "model": info.model_id, "digest": data.digest}


mlflow.set_experiment("fraud")
client = MlflowClient()
frame = pandas.DataFrame({"amount": [1.0, 2.0], "age": [30.0, 40.0], "country": ["de", "us"]})
made = {"1": train("first", frame, "1.0", "a" * 40), "2": train("second", frame.assign(visits=[1, 2]), "0.5", "b" * 40), "3": train("third", frame, "0.1", "c" * 40, signature=False)}
client.update_registered_model(MODEL, description="Finds fraud.\nSecond line.")
client.set_registered_model_tag(MODEL, "team", "risk")
client.update_model_version(MODEL, "1", description="the first")
client.set_model_version_tag(MODEL, "2", "modelswitch.needs.application", "2.4")
client.set_registered_model_alias(MODEL, "champion", "1")
client.set_registered_model_alias(MODEL, "challenger", "2")
client.delete_run(made["3"]["run"])
client.create_model_version(MODEL, "s3://nowhere.example/fraud/4")
for name in (UNICODE, QUOTES) if len(sys.argv) < 2 else ():
    client.create_registered_model(name)
    client.create_model_version(name, "s3://nowhere.example/other/1")
    client.set_registered_model_alias(name, "größte", "1")
print(json.dumps({"model": MODEL, "unicode": UNICODE, "quotes": QUOTES, "versions": made}))
