"""Trains both versions of the credit-risk model: `python -m training.train`."""

import json
from pathlib import Path

import joblib
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from app.features import FEATURES
from training.generate import applications

SEED = 20261
TRAINING_ROWS = 20_000
TEST_ROWS = 5_000
WHOLE_NUMBERS = {"late_payments", "history_months", "loan_months"}


def main(models: Path = Path("models"), data: Path = Path("data")) -> None:
    features, defaulted = applications(TRAINING_ROWS, SEED)
    test_features, test_defaulted = applications(TEST_ROWS, SEED + 1)
    versions = {
        "13": make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500)),
        "14": GradientBoostingClassifier(n_estimators=120, max_depth=3, learning_rate=0.1, subsample=0.7, random_state=SEED),
    }
    models.mkdir(exist_ok=True)
    data.mkdir(exist_ok=True)
    metrics = {}
    for version, model in versions.items():
        model.fit(features, defaulted)
        probability = model.predict_proba(test_features)[:, 1]
        metrics[version] = {
            "auc": round(float(roc_auc_score(test_defaulted, probability)), 4),
            "log_loss": round(float(log_loss(test_defaulted, probability)), 4),
        }
        joblib.dump(model, models / f"credit-risk-{version}.joblib")
        print(f"credit-risk {version}: AUC {metrics[version]['auc']}, log loss {metrics[version]['log_loss']}")

    scaler, regression = versions["13"][0], versions["13"][-1]
    reference = {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist(), "coefficients": regression.coef_[0].tolist()}
    (models / "credit-explainer.json").write_text(json.dumps(reference), encoding="utf-8")
    (models / "metrics.json").write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    with open(data / "applicants.jsonl", "w", encoding="utf-8") as file:
        for row, outcome in zip(test_features.tolist(), test_defaulted.tolist()):
            values = {name: int(value) if name in WHOLE_NUMBERS else value for name, value in zip(FEATURES, row)}
            file.write(json.dumps({**values, "defaulted": outcome}) + "\n")


if __name__ == "__main__":
    main()
