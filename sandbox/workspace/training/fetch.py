"""Brings versions from the registry to where the service loads them: `python -m training.fetch 13 14`. The first is explained by its coefficients."""

import json
import sys
from pathlib import Path

import joblib
import mlflow


def main(versions: list, models: Path = Path("models")) -> None:
    models.mkdir(exist_ok=True)
    loaded = [mlflow.sklearn.load_model(f"models:/credit-risk/{version}") for version in versions]
    for version, model in zip(versions, loaded):
        joblib.dump(model, models / f"credit-risk-{version}.joblib")
    scaler, regression = loaded[0][0], loaded[0][-1]
    reference = {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist(), "coefficients": regression.coef_[0].tolist()}
    (models / "credit-explainer.json").write_text(json.dumps(reference), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
