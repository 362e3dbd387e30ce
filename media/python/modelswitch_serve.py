"""Runs `mlflow models serve` with these arguments until stdin closes, so that it ends with whoever started it however that ends."""

import os
import signal
import subprocess
import sys
import tempfile
import threading

shims = tempfile.TemporaryDirectory(prefix="modelswitch-serve-")
if os.name == "posix":
    # MLflow calls its server by name: it is to be this interpreter's, wherever its environment was moved to.
    shim = os.path.join(shims.name, "uvicorn")
    with open(shim, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec "{sys.executable}" -m uvicorn "$@"\n')
    os.chmod(shim, 0o700)
os.environ["PATH"] = os.pathsep.join([shims.name, os.path.dirname(sys.executable), os.environ.get("PATH", "")])
server = subprocess.Popen([sys.executable, "-m", "mlflow", "models", "serve", *sys.argv[1:]], stdin=subprocess.DEVNULL)


def end(*_):
    shims.cleanup()
    # The server starts a process of its own that listens; all of them are in this group.
    if hasattr(os, "killpg"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpgrp(), signal.SIGTERM)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)
    server.terminate()
    os._exit(0)


def end_with_parent():
    while os.read(0, 4096):
        pass
    end()


threading.Thread(target=end_with_parent, daemon=True).start()
signal.signal(signal.SIGTERM, end)
code = server.wait()
shims.cleanup()
sys.exit(code)
