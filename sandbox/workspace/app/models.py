"""The trained models, loaded once at start."""

from typing import List

import joblib

from app import settings


class Model:
    """One registered model in one version."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        self._pipeline = joblib.load(settings.MODEL_DIRECTORY / f"{name}-{version}.joblib")

    def default_probability(self, row: List[float]) -> float:
        """Probability that the loan defaults, from one row of features."""
        return float(self._pipeline.predict_proba([row])[0][1])

    def default_probabilities(self, rows: List[List[float]]) -> List[float]:
        return [float(pair[1]) for pair in self._pipeline.predict_proba(rows)]


current = Model("credit-risk", settings.CURRENT_VERSION)
candidate = Model("credit-risk", settings.CANDIDATE_VERSION)
