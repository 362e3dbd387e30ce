"""What happens to the running service from outside, without its code knowing: loans default or not, and the faults that the demo is asked for.

SANDBOX_FAULTS names a JSON file: {"degrade": {arm: share of answers that the model fails to give}, "errors": {arm: share of answers that are logged as failed}, "delay": {arm: milliseconds},
"drift": [features], "silence": [arms], "labelsLate": bool}. What is written into it later counts from then on, but for labelsLate.
"""

import heapq
import itertools
import json
import os
import random
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

OUTCOME_SECONDS = 5
LATE_SECONDS = 600
DRIFT = 1.6


class Outcomes:
    """Writes, some time after each prediction, whether the loan defaulted: as often as the score says."""

    def __init__(self, folder: Path, delay: float) -> None:
        self._folder, self._delay = folder, delay
        self._due: list = []
        self._lock = threading.Lock()
        self._random = random.Random(3)
        threading.Thread(target=self._run, daemon=True).start()

    def expect(self, request_id: str, score: float) -> None:
        with self._lock:
            heapq.heappush(self._due, (time.time() + self._delay, request_id, int(self._random.random() < score)))

    def write_due(self, now: float) -> None:
        lines = []
        with self._lock:
            while self._due and self._due[0][0] <= now:
                _, request_id, defaulted = heapq.heappop(self._due)
                lines.append(json.dumps({"ts": datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="milliseconds"), "request_id": request_id, "defaulted": defaulted}) + "\n")
        if lines:
            with open(self._folder / f"outcomes-{time.strftime('%Y-%m-%dT%H', time.gmtime(now))}.jsonl", "a", encoding="utf-8") as file:
                file.writelines(lines)

    def _run(self) -> None:
        while True:
            time.sleep(0.5)
            self.write_due(time.time())


class Faults:
    """The file as it is now."""

    def __init__(self, path) -> None:
        self._path, self._written, self._values = path, None, {}

    def of(self, name: str, default):
        try:
            written = os.stat(self._path).st_mtime_ns
            if written != self._written:
                self._values = json.loads(Path(self._path).read_text(encoding="utf-8"))
                self._written = written
        except (OSError, TypeError, ValueError):
            pass  # Without a file there are none; in the middle of a write those from before.
        return self._values.get(name, default)


def install(models, features, prediction_log, folder: Path) -> Outcomes:
    """Changes the parts of the service; gives the writer of outcomes."""
    faults = Faults(os.environ.get("SANDBOX_FAULTS"))
    outcomes = Outcomes(folder, LATE_SECONDS if faults.of("labelsLate", False) else OUTCOME_SECONDS)
    for arm, model in (("current", models.current), ("candidate", models.candidate)):
        _spoil(model, arm, faults)
    _drift(features.Application, faults)
    _observe(prediction_log, faults, outcomes)
    return outcomes


def accelerate(app, score, features, applicants: Path) -> None:
    """Adds /sandbox/answers?count=N: so many applicants, each a new one, asked and answered by the service itself as if each had sent a request."""
    numbers = itertools.count(1)
    rows = []

    @app.post("/sandbox/answers")
    def answers(count: int) -> dict:
        if not rows:
            rows.extend(json.loads(line) for line in applicants.read_text(encoding="utf-8").splitlines() if line)
        arms: dict = {}
        for number in itertools.islice(numbers, count):
            applicant = features.Applicant(user_id=f"new-{number}")
            arm = score(features.Application(applicant=applicant, **rows[number % len(rows)])).assigned_arm
            arms[arm] = arms.get(arm, 0) + 1
        return arms


def _spoil(model, arm: str, faults: Faults) -> None:
    predict = model.default_probability

    def spoilt(row):
        delay = faults.of("delay", {}).get(arm, 0)
        if delay > 0:
            time.sleep(delay / 1000)
        if random.random() < faults.of("degrade", {}).get(arm, 0):
            raise RuntimeError("degraded by the demo")
        return predict(row)

    model.default_probability = spoilt


def _drift(application, faults: Faults) -> None:
    as_dict = application.feature_dict

    def drifted(self):
        names = faults.of("drift", [])
        return {name: value * DRIFT if name in names else value for name, value in as_dict(self).items()}

    application.feature_dict = drifted
    application.feature_row = lambda self: [float(value) for value in drifted(self).values()]


def _observe(log, faults: Faults, outcomes: Outcomes) -> None:
    write = log.write

    def observed(**record):
        arm = record["assigned_arm"]
        if arm in faults.of("silence", []):
            return "not logged"
        if random.random() < faults.of("errors", {}).get(arm, 0):
            record["error"] = "failed by the demo"
        request_id = write(**record)
        if record.get("score") is not None:
            outcomes.expect(request_id, record["score"])
        return request_id

    log.write = observed
