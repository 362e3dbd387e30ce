"""What Prometheus scrapes at /metrics."""

from prometheus_client import Counter, Histogram

from app import settings

PREDICTIONS = Counter(
    "credit_predictions_total",
    "Answers by flag, assigned arm and the model version that answered",
    ["flag", "arm", "model_version", "outcome"],
)
LATENCY = Histogram(
    "credit_prediction_seconds",
    "Time to an answer of the model",
    ["flag", "arm"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25),
)

# A counter that is made by its first event tells nothing before: a failure that never came looks like one that nobody counts.
for arm, version in (("current", settings.CURRENT_VERSION), ("candidate", settings.CANDIDATE_VERSION)):
    PREDICTIONS.labels("credit-risk-v2", arm, version, "ok")
    # Where a model fails, the current version answers.
    PREDICTIONS.labels("credit-risk-v2", arm, settings.CURRENT_VERSION, "fallback")
    LATENCY.labels("credit-risk-v2", arm)
