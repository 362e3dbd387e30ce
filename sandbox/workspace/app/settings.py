"""Settings of the service, from environment variables."""

import os
from pathlib import Path

SERVICE = "credit-service"

UNLEASH_URL = os.environ["UNLEASH_URL"].rstrip("/")
UNLEASH_API_TOKEN = os.environ["UNLEASH_API_TOKEN"]
# Names the environment in the prediction log; which one is evaluated depends on the token.
UNLEASH_ENVIRONMENT = os.environ.get("UNLEASH_ENVIRONMENT", "production")
# Seconds between two fetches of the flags, and between two reports of how they were evaluated.
UNLEASH_REFRESH_INTERVAL = int(os.environ.get("UNLEASH_REFRESH_INTERVAL", "15"))
UNLEASH_METRICS_INTERVAL = int(os.environ.get("UNLEASH_METRICS_INTERVAL", "60"))
# Where the SDK keeps the last flags for a start without Unleash; its own default when not set.
UNLEASH_CACHE_DIRECTORY = os.environ.get("UNLEASH_CACHE_DIRECTORY")

CURRENT_VERSION = os.environ.get("CREDIT_RISK_CURRENT", "13")
CANDIDATE_VERSION = os.environ.get("CREDIT_RISK_CANDIDATE", "14")
MODEL_DIRECTORY = Path(os.environ.get("MODEL_DIRECTORY", "models"))

PREDICTION_LOG_DIRECTORY = Path(os.environ.get("PREDICTION_LOG_DIRECTORY", "logs"))
PREDICTION_LOG_HOURS = int(os.environ.get("PREDICTION_LOG_HOURS", "24"))
