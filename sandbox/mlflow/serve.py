"""Runs the MLflow server in this one process until stdin closes, so that it ends with the process that started it: serve.py PORT FOLDER"""

import os
import sys
import threading
from pathlib import Path

port, folder = int(sys.argv[1]), Path(sys.argv[2])

# What `mlflow server` sets for the workers that it starts; here there are none.
os.environ.update(
    _MLFLOW_SERVER_FILE_STORE=f"sqlite:///{folder / 'mlflow.db'}",
    _MLFLOW_SERVER_REGISTRY_STORE=f"sqlite:///{folder / 'mlflow.db'}",
    _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/",
    _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
    _MLFLOW_SERVER_ARTIFACT_DESTINATION=(folder / "artifacts").as_uri(),
    _MLFLOW_SGI_NAME="uvicorn",
)

import uvicorn  # noqa: E402

server = uvicorn.Server(uvicorn.Config("mlflow.server.fastapi_app:app", host="127.0.0.1", port=port, log_level="warning", access_log=False))


def end_with_parent() -> None:
    # Not sys.stdin: its lock, held by a waiting thread, makes the interpreter abort at exit.
    while os.read(0, 4096):
        pass
    server.should_exit = True


threading.Thread(target=end_with_parent, daemon=True).start()
server.run()
