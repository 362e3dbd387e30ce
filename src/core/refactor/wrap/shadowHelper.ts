/** What the code of a shadow call needs in a Python file: one class, and nothing but the standard library. */

/** Where shadow answers are logged; it matches the usual `logs/predictions-*.jsonl`. */
export const SHADOW_LOG = 'logs/predictions-shadow.jsonl';
export const SHADOW_NAME = 'shadow_calls';

/** Modules that the class uses; those that the file imports already are left out. */
export const SHADOW_IMPORTS: readonly string[] = ['import json', 'import os', 'import queue', 'import threading', 'import time', 'from datetime import datetime, timezone'];

/** The class, indented by four spaces. Nothing in `submit` waits or raises, whatever the flag's client, the model or the disk do. */
export const SHADOW_CLASS = `class ShadowCalls:
    """Asks the candidate beside the current model and logs what it says; nobody is ever served it.

    Never waits and never raises: a thread of its own asks, and what it cannot keep up with is dropped.
    """

    def __init__(self, path, waiting=100):
        self._path, self._queue, self._thread, self.dropped = path, queue.Queue(waiting), None, 0

    def submit(self, client, flag, context, request_id, ask):
        """Samples by the flag \`flag\`.shadow. \`request_id\` is that of the answer that is served."""
        try:
            if not client.is_enabled(flag + ".shadow", context):
                return
            # Also after a fork, which leaves threads behind.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="shadow-calls", daemon=True)
                self._thread.start()
            self._queue.put_nowait((flag, request_id, ask))
        except Exception:
            self.dropped += 1

    def _run(self):
        while True:
            flag, request_id, ask = self._queue.get()
            try:
                self._log(flag, request_id, ask)
            except Exception:
                self.dropped += 1
            finally:
                self._queue.task_done()

    def _log(self, flag, request_id, ask):
        record = {"ts": datetime.now(timezone.utc).isoformat(), "request_id": str(request_id), "flag": flag, "assigned_arm": "candidate", "role": "shadow", "error": None}
        started = time.perf_counter()
        try:
            answer = ask()
        except Exception as failure:
            answer, record["error"] = None, str(failure) or type(failure).__name__
        record["latency_ms"] = round((time.perf_counter() - started) * 1000, 3)
        try:
            record["score"] = None if answer is None else float(answer)
        except (TypeError, ValueError):
            record["label"] = str(answer)[:200]
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\\n")
`;
