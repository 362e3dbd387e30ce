"""The prediction log: one JSON object per line and answer, one file per hour."""

import json
import threading
import uuid
from datetime import datetime, timezone
from typing import IO, Optional

from app import __version__, settings


class PredictionLog:
    """Appends records; keeps the files of the last hours only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour = ""
        self._file: Optional[IO[str]] = None
        settings.PREDICTION_LOG_DIRECTORY.mkdir(parents=True, exist_ok=True)

    def write(
        self,
        *,
        unit_id: str,
        flag: str,
        assigned_arm: str,
        model_version: str,
        features: dict,
        latency_ms: float,
        score: Optional[float] = None,
        label: Optional[str] = None,
        fallback: bool = False,
        error: Optional[str] = None,
    ) -> str:
        """Writes one served answer and gives its request id. `error` is set when the assigned model failed."""
        now = datetime.now(timezone.utc)
        request_id = str(uuid.uuid4())
        record = {
            "ts": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request_id": request_id,
            "unit_id": unit_id,
            "environment": settings.UNLEASH_ENVIRONMENT,
            "service": settings.SERVICE,
            "app_version": __version__,
            "flag": flag,
            "assigned_arm": assigned_arm,
            "model_version": model_version,
            "role": "serving",
            "fallback": fallback,
            "batch_id": None,
            "features": features,
            "latency_ms": round(latency_ms, 3),
            "error": error,
        }
        if score is not None:
            record["score"] = round(score, 6)
        if label is not None:
            record["label"] = label
        with self._lock:
            self._open(now.strftime("%Y-%m-%dT%H")).write(json.dumps(record) + "\n")
        return request_id

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self, hour: str) -> IO[str]:
        if self._file is None or hour != self._hour:
            if self._file is not None:
                self._file.close()
            self._hour = hour
            # Line buffered: a reader sees whole records soon.
            self._file = open(settings.PREDICTION_LOG_DIRECTORY / f"predictions-{hour}.jsonl", "a", encoding="utf-8", buffering=1)
            for old in sorted(settings.PREDICTION_LOG_DIRECTORY.glob("predictions-*.jsonl"))[: -settings.PREDICTION_LOG_HOURS]:
                old.unlink()
        return self._file


prediction_log = PredictionLog()
