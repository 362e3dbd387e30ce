"""What happens to the running service from outside, without its code knowing: loans default or not, and the faults that the demo is asked for.

SANDBOX_FAULTS is JSON: {"degrade": {arm: share of failing answers}, "delay": {arm: milliseconds}, "drift": [features], "silence": [arms], "labelsLate": bool}.
"""

import heapq
import json
import os
import random
import threading
import time
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
                lines.append(json.dumps({"request_id": request_id, "defaulted": defaulted}) + "\n")
        if lines:
            with open(self._folder / f"outcomes-{time.strftime('%Y-%m-%dT%H', time.gmtime(now))}.jsonl", "a", encoding="utf-8") as file:
                file.writelines(lines)

    def _run(self) -> None:
        while True:
            time.sleep(0.5)
            self.write_due(time.time())


def install(models, features, prediction_log, folder: Path) -> Outcomes:
    """Changes the parts of the service; gives the writer of outcomes."""
    faults = json.loads(os.environ.get("SANDBOX_FAULTS", "{}"))
    outcomes = Outcomes(folder, LATE_SECONDS if faults.get("labelsLate") else OUTCOME_SECONDS)
    for arm, model in (("current", models.current), ("candidate", models.candidate)):
        _spoil(model, faults.get("degrade", {}).get(arm, 0), faults.get("delay", {}).get(arm, 0))
    _drift(features.Application, faults.get("drift", []))
    _observe(prediction_log, faults.get("silence", []), outcomes)
    return outcomes


def _spoil(model, share: float, delay: float) -> None:
    predict = model.default_probability

    def spoilt(row):
        if delay > 0:
            time.sleep(delay / 1000)
        if random.random() < share:
            raise RuntimeError("degraded by the demo")
        return predict(row)

    model.default_probability = spoilt


def _drift(application, names) -> None:
    as_dict = application.feature_dict

    def drifted(self):
        return {name: value * DRIFT if name in names else value for name, value in as_dict(self).items()}

    application.feature_dict = drifted
    application.feature_row = lambda self: [float(value) for value in drifted(self).values()]


def _observe(log, silent, outcomes: Outcomes) -> None:
    write = log.write

    def observed(**record):
        if record["assigned_arm"] in silent:
            return "not logged"
        request_id = write(**record)
        if record.get("score") is not None:
            outcomes.expect(request_id, record["score"])
        return request_id

    log.write = observed
