/** What the code of a shadow call needs in a Python file: one class, and nothing but the standard library. */

/** Where shadow answers are logged; it matches the usual `logs/predictions-*.jsonl`. */
export const SHADOW_LOG = 'logs/predictions-shadow.jsonl';
export const SHADOW_NAME = 'shadow_calls';
export const SHADOW_CLASS_NAME = 'ShadowCalls';
/** By which a class of that name is known as this one. */
export const SHADOW_SIGNATURE = 'def submit(self, flag, asked):';

/**
 * The class, indented by four spaces, for Python 3.8 and later. Nothing in `submit` waits or raises, whatever the flag's
 * client, the model or the disk do. It adds its own name to the file, and no other.
 */
export const SHADOW_CLASS = `class ShadowCalls:
    """Asks the candidate beside the current model and logs what it says; nobody is ever served it.

    Never waits and never raises: a thread of its own asks, and what it cannot keep up with is dropped.
    \`dropped\` counts that in this process, each record has what was dropped since the record before,
    and the first of each kind is a warning of the logger \`shadow_calls\`.
    """

    # Here, so that no name of this file becomes another.
    import array
    import collections
    import copy
    import datetime
    import json
    import logging
    import math
    import os
    import queue
    import threading
    import time

    def __init__(self, path, waiting=100, environment=None, versions=None):
        """\`environment\` is $UNLEASH_ENVIRONMENT by default; \`versions\` has the candidate's version by flag."""
        self._path, self._waiting, self._versions = path, waiting, versions or {}
        self._environment = environment or self.os.environ.get("UNLEASH_ENVIRONMENT")
        self._begin()
        # The child of a fork begins anew: what waits is its parent's, and locks may be held.
        if hasattr(self.os, "register_at_fork"):
            self.os.register_at_fork(after_in_child=self._begin)

    def _begin(self):
        self._queue, self._thread, self._starting = self.queue.Queue(self._waiting), None, self.threading.Lock()
        self.dropped, self._recorded, self._warned = 0, 0, set()

    def submit(self, flag, asked):
        """\`asked()\` gives client and context of the switch, the served answer's request id, and the candidate's call.

        The flag named \`flag\`.shadow samples. Data in the positional defaults of the call is copied: what the
        candidate or the service changes in it later is its own.
        """
        try:
            client, context, request_id, ask = asked()
            if not client.is_enabled(flag + ".shadow", context):
                return
            if self._queue.full():
                raise self.queue.Full("the candidate does not keep up")
            if ask.__defaults__:
                ask.__defaults__ = self._copied(ask.__defaults__)
            self._start()
            self._queue.put_nowait((flag, str(request_id), ask))
        except Exception as failure:
            self._drop(failure)

    def _copied(self, value):
        """Dictionaries, lists, tuples, sets, data classes, arrays, tables, and what is in them; else the same object."""
        kind = type(value)
        if kind in (float, int, str, bool, type(None)):
            return value
        if kind is dict:
            return {key: self._copied(each) for key, each in value.items()}
        if kind in (list, tuple, set):
            return kind(self._copied(each) for each in value)
        if hasattr(kind, "__next__"):
            raise TypeError("an iterator is read once only, by the model that serves: " + kind.__name__)
        if isinstance(value, tuple) and hasattr(kind, "_make"):
            return kind._make(self._copied(each) for each in value)
        if isinstance(value, (bytearray, set, self.array.array)):
            return self.copy.copy(value)
        named = (self.collections.UserDict, self.collections.UserList, self.collections.ChainMap)
        if isinstance(value, (dict, list, self.collections.deque) + named) or hasattr(kind, "__dataclass_fields__"):
            own = self.copy.copy(value)
            return own if own is value else self._filled(own)
        if kind.__module__.partition(".")[0] in ("numpy", "pandas", "scipy") and hasattr(kind, "copy"):
            if hasattr(kind, "iloc"):
                return self._table(value.copy())
            return self.copy.deepcopy(value) if getattr(getattr(value, "dtype", None), "hasobject", False) else value.copy()
        return value

    def _filled(self, own):
        """What is in a shallow copy, copied: items by the methods of Python's own class, and attributes."""
        for base in (dict, list, self.collections.deque):
            if isinstance(own, base):
                for at in list(dict.keys(own)) if base is dict else range(base.__len__(own)):
                    base.__setitem__(own, at, self._copied(base.__getitem__(own, at)))
        inside = getattr(own, "__dict__", {})
        for name in list(inside):
            inside[name] = self._copied(inside[name])
        for name in getattr(type(own), "__dataclass_fields__", ()):
            if name not in inside and hasattr(own, name):
                object.__setattr__(own, name, self._copied(getattr(own, name)))
        return own

    def _table(self, own):
        """The objects in the cells of a copied table, which pandas shares in its deepest copy, too."""
        kinds = own.dtypes if own.ndim == 2 else [own.dtype]
        places = [at for at, kind in enumerate(kinds) if kind == object]
        if places:
            cells = (own.iloc[:, places] if own.ndim == 2 else own).to_numpy().reshape(len(own), len(places))
            for at, column, copies in zip(places, cells.T, self._copied(cells).T):
                # Setting a column takes long, and the copy of a text is itself.
                if any(each is not cell for each, cell in zip(copies, column)):
                    own.iloc[(slice(None), at)[:own.ndim]] = copies
        return own

    def _start(self):
        if self._thread is not None and self._thread.is_alive():
            return
        # Who finds it taken goes on: another is starting the thread.
        if self._starting.acquire(blocking=False):
            try:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = self.threading.Thread(target=self._run, name="shadow-calls", daemon=True)
                    self._thread.start()
            finally:
                self._starting.release()

    def _drop(self, failure):
        try:
            self.dropped += 1
            kind = type(failure).__name__
            if kind not in self._warned:
                self._warned.add(kind)
                logger = self.logging.getLogger("shadow_calls")
                logger.warning("A shadow call was dropped, as others will be: %s: %s", kind, str(failure)[:500])
        except Exception:
            pass

    def _run(self):
        waiting = self._queue
        while True:
            try:
                self._log(*waiting.get())
            except Exception as failure:
                self._drop(failure)
            finally:
                waiting.task_done()

    def _log(self, flag, request_id, ask):
        dropped = self.dropped
        record = {
            "ts": self.datetime.datetime.now(self.datetime.timezone.utc).isoformat(),
            "request_id": request_id,
            "environment": self._environment,
            "flag": flag,
            "assigned_arm": "candidate",
            "model_version": self._versions.get(flag),
            "role": "shadow",
            "dropped": dropped - self._recorded,
            "score": None,
            "error": None,
        }
        started = self.time.perf_counter()
        try:
            try:
                answer = ask()
            finally:
                record["latency_ms"] = round((self.time.perf_counter() - started) * 1000, 3)
            record.update(self._told(answer))
        except BaseException as failure:
            record["error"] = (str(failure) or type(failure).__name__)[:500]
        self.os.makedirs(self.os.path.dirname(self._path) or ".", exist_ok=True)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(self.json.dumps(record) + "\\n")
        self._recorded = dropped

    def _told(self, answer):
        """A number is the score and a text the label, also as the only one in an array or a list."""
        item = answer[0] if isinstance(answer, (list, tuple)) and len(answer) == 1 else answer
        try:
            item = item.item() if hasattr(item, "item") else item
            if isinstance(item, str) and len(item) <= 2000:
                return {"label": item}
            if not isinstance(item, str) and self.math.isfinite(item):
                return {"score": float(item)}
        except Exception:
            pass
        raise TypeError("the candidate answered neither a number nor a short text: " + repr(answer)[:200])
`;
