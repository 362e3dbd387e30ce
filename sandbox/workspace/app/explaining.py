"""Why an applicant got a score: the explainer is chosen by the flag's variant."""

import json
import time
from dataclasses import dataclass
from typing import Dict, List

import numpy as np

from app import models, settings
from app.features import FEATURES, Application
from app.flags import unleash
from app.monitoring import LATENCY, PREDICTIONS
from app.prediction_log import prediction_log

EXPLAINER_FLAG = "credit-explainer"
# Serves when the flag is off or gives no variant.
DEFAULT = {"version": "3", "method": "coefficients"}

with open(settings.MODEL_DIRECTORY / "credit-explainer.json", encoding="utf-8") as file:
    REFERENCE: Dict[str, List[float]] = json.load(file)


@dataclass
class Explanation:
    request_id: str
    assigned_arm: str
    model_version: str
    reasons: List[str]


def explain(application: Application) -> Explanation:
    context = application.applicant.flag_context()
    row = application.feature_row()
    started = time.perf_counter()

    variant = unleash.get_variant(EXPLAINER_FLAG, context)
    if variant["enabled"]:
        arm, explainer = variant["name"], json.loads(variant["payload"]["value"])
    else:
        arm, explainer = "current", DEFAULT
    contributions = by_ablation(row) if explainer["method"] == "ablation" else by_coefficients(row)
    reasons = [FEATURES[index] for index in np.argsort(contributions)[::-1][:3]]

    seconds = round(time.perf_counter() - started, 6)  # As the log has it: both count the same below a limit.
    PREDICTIONS.labels(EXPLAINER_FLAG, arm, explainer["version"], "ok").inc()
    LATENCY.labels(EXPLAINER_FLAG, arm).observe(seconds)
    request_id = prediction_log.write(
        unit_id=application.applicant.user_id,
        flag=EXPLAINER_FLAG,
        assigned_arm=arm,
        model_version=explainer["version"],
        features=application.feature_dict(),
        latency_ms=seconds * 1000,
        label=reasons[0],
    )
    return Explanation(request_id, arm, explainer["version"], reasons)


def by_coefficients(row: List[float]) -> np.ndarray:
    """Contributions to the log-odds in the linear model: standardised value times coefficient."""
    return (np.array(row) - REFERENCE["mean"]) / REFERENCE["scale"] * REFERENCE["coefficients"]


def by_ablation(row: List[float]) -> np.ndarray:
    """How much the candidate's score falls when one feature is set to its average."""
    ablated = [row[:index] + [mean] + row[index + 1 :] for index, mean in enumerate(REFERENCE["mean"])]
    full, *without = models.candidate.default_probabilities([row, *ablated])
    return full - np.array(without)
