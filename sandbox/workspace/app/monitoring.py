"""What Prometheus scrapes at /metrics."""

from prometheus_client import Counter, Histogram

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
