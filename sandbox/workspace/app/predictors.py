"""What the behavioural suites ask: each version as a function of one application. Needs no settings and no Unleash."""

from functools import lru_cache
from pathlib import Path

import joblib

from app.features import FEATURES


@lru_cache
def _pipeline(version: str):
    return joblib.load(Path("models") / f"credit-risk-{version}.joblib")


def _score(version: str, rows: list) -> list:
    probabilities = _pipeline(version).predict_proba([[float(row[name]) for name in FEATURES] for row in rows])
    return [{"default_probability": float(pair[1]), "version": version} for pair in probabilities]


def current(rows: list) -> list:
    return _score("13", rows)


def candidate(rows: list) -> list:
    return _score("14", rows)
