"""Trains a model of params.yaml, logs the run to MLflow and registers it: `python -m training.train NAME`, or `dvc repro train@NAME`."""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import pandas as pd
import yaml
from mlflow.models import infer_signature
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from app.features import FEATURES
from training.generate import TEST_ROWS, SEED, records

REGISTERED_MODEL = "credit-risk"
KINDS = {
    "logistic": lambda params: make_pipeline(StandardScaler(), LogisticRegression(**params)),
    "boosting": lambda params: GradientBoostingClassifier(**params, random_state=SEED),
}


def main(name: str, data: Path = Path("data/applications.csv"), models: Path = Path("models")) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["models"][name]
    training, test = pd.read_csv(data), pd.DataFrame(records(TEST_ROWS, SEED + 1))
    mlflow.set_experiment(REGISTERED_MODEL)
    with mlflow.start_run(run_name=name):
        mlflow.log_params({f"models.{name}.{key}": value for key, value in params.items()})
        mlflow.log_input(mlflow.data.from_pandas(training, source=str(data), targets="defaulted", name="applications"), context="training")
        # Without the columns' names: the service predicts from plain rows.
        model = KINDS[name](params).fit(training[FEATURES].to_numpy(float), training["defaulted"])
        probability = model.predict_proba(test[FEATURES].to_numpy(float))[:, 1]
        metrics = {
            "auc": round(float(roc_auc_score(test["defaulted"], probability)), 4),
            "log_loss": round(float(log_loss(test["defaulted"], probability)), 4),
        }
        mlflow.log_metrics(metrics)
        models.mkdir(exist_ok=True)
        joblib.dump(model, models / f"{name}.joblib")
        (models / f"{name}.metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        version = register(model, test[FEATURES])
    print(f"{REGISTERED_MODEL} {version} ({name}): AUC {metrics['auc']}, log loss {metrics['log_loss']}")


def register(model, examples: pd.DataFrame) -> str:
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(examples, model.predict_proba(examples.to_numpy(float))),
        input_example=examples.head(3),
        pyfunc_predict_fn="predict_proba",
        registered_model_name=REGISTERED_MODEL,
        pip_requirements=["scikit-learn"],
        # Trees in a file of someone else could crash the process; these are our own.
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )
    return str(info.registered_model_version)


if __name__ == "__main__":
    main(sys.argv[1])
