"""Runs the workspace's service until stdin closes, so that it ends with the process that started it however that ends: serve.py PORT"""

import os
import sys
import threading
from pathlib import Path

import uvicorn

config = uvicorn.Config(
    "app.main:app",
    host="127.0.0.1",
    port=int(sys.argv[1]),
    log_level="warning",
    access_log=False,
    # Longer than any client keeps an idle connection: one that is closed while a request is on its way to it fails that request.
    timeout_keep_alive=60,
    timeout_graceful_shutdown=2,
)
server = uvicorn.Server(config)


def end_with_parent() -> None:
    # Not sys.stdin: its lock, held by a waiting thread, makes the interpreter abort at exit.
    while os.read(0, 4096):
        pass
    server.should_exit = True


sys.path.insert(0, ".")

import live  # noqa: E402
from app import features, models, scoring, settings  # noqa: E402
from app.main import app  # noqa: E402
from app.prediction_log import prediction_log  # noqa: E402

live.install(models, features, prediction_log, settings.PREDICTION_LOG_DIRECTORY)
live.accelerate(app, scoring.score, features, Path("data/applicants.jsonl"))
threading.Thread(target=end_with_parent, daemon=True).start()
server.run()
