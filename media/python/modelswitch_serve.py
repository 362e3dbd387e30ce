"""Runs `mlflow models serve` with these arguments until stdin closes, so that it ends with whoever started it however that ends."""

import os
import signal
import subprocess
import sys
import threading

server = subprocess.Popen([sys.executable, "-m", "mlflow", "models", "serve", *sys.argv[1:]], stdin=subprocess.DEVNULL)


def end(*_):
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
sys.exit(server.wait())
