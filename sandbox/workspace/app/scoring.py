"""The model switch: which credit-risk model answers for an applicant."""

import logging
import time
from dataclasses import dataclass
from typing import Optional

from app import models
from app.features import Application
from app.flags import unleash
from app.monitoring import LATENCY, PREDICTIONS
from app.prediction_log import prediction_log

log = logging.getLogger(__name__)

MANUAL_REVIEW = "manual-review"
UNCERTAIN = (0.3, 0.6)


@dataclass
class Score:
    request_id: str
    probability: float
    assigned_arm: str
    model_version: str
    decision: str


def score(application: Application) -> Score:
    context = application.applicant.flag_context()
    row = application.feature_row()
    started = time.perf_counter()
    fallback = False
    error: Optional[str] = None

    if unleash.is_enabled("credit-risk-v2", context):
        arm, model = "candidate", models.candidate
        try:
            probability = model.default_probability(row)
        except Exception as failure:
            # The analysis goes by the arm that was assigned; who answered stands in model_version.
            log.exception("credit-risk %s failed, %s answers", model.version, models.current.version)
            model, fallback, error = models.current, True, str(failure)
            probability = model.default_probability(row)
    else:
        arm, model = "current", models.current
        probability = model.default_probability(row)

    seconds = round(time.perf_counter() - started, 6)  # As the log has it: both count the same below a limit.
    PREDICTIONS.labels("credit-risk-v2", arm, model.version, "fallback" if fallback else "ok").inc()
    LATENCY.labels("credit-risk-v2", arm).observe(seconds)
    request_id = prediction_log.write(
        unit_id=application.applicant.user_id,
        flag="credit-risk-v2",
        assigned_arm=arm,
        model_version=model.version,
        features=application.feature_dict(),
        latency_ms=seconds * 1000,
        score=probability,
        fallback=fallback,
        error=error,
    )
    return Score(request_id, probability, arm, model.version, decide(probability, context))


def decide(probability: float, context: dict) -> str:
    if UNCERTAIN[0] <= probability < UNCERTAIN[1] and unleash.is_enabled(MANUAL_REVIEW, context):
        return "review"
    return "accept" if probability < 0.5 else "decline"
