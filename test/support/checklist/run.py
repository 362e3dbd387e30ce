"""The tests of the bench written with CheckList (Ribeiro et al., ACL 2020): run.py URL ROWS prints what they find as a line of JSON.

Its own test types and expectations judge; the viewer for notebooks is left out. Answers come from the same server, in batches of 32 over one
kept connection, as whoever writes a prediction function for CheckList would ask for them.
"""

import http.client
import json
import sys
import time
import types
from urllib.parse import urlparse

sys.modules["checklist.viewer.test_summarizer"] = types.SimpleNamespace(TestSummarizer=object)

import numpy
from checklist.expect import Expect
from checklist.test_types import DIR, INV, MFT

url, count = urlparse(sys.argv[1]), int(sys.argv[2])
COLUMNS = ["income", "name"]
asked = 0


def predict(examples):
    global asked
    connection = http.client.HTTPConnection(url.hostname, url.port)
    answers = []
    for start in range(0, len(examples), 32):
        body = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": examples[start : start + 32]}})
        connection.request("POST", "/invocations", body, {"content-type": "application/json"})
        answers += json.loads(connection.getresponse().read())["predictions"]
    asked += len(answers)
    confidences = numpy.array(answers)
    return confidences.argmax(axis=1), confidences


rows = [((index * 7919) % 100, "Tom") for index in range(count)]
started = time.perf_counter()
tests = {
    "known": MFT(rows, expect=Expect.single(lambda row, pred, conf, label=None, meta=None: bool(0.1 <= conf[1] <= 1))),
    "name-blind": INV([[row, (row[0], "Anna"), (row[0], "Ahmed")] for row in rows], threshold=0.01),
    "income-up": DIR([[row, (row[0] + 10, row[1])] for row in rows], expect=Expect.monotonic(label=1, increasing=False, tolerance=0.005)),
}
found = {}
for name, test in tests.items():
    test.run(predict, verbose=False)
    found[name] = {"failed": len(test.fail_idxs()), "skipped": len(test.filtered_idxs())}
print(json.dumps({"seconds": time.perf_counter() - started, "asked": asked, "tests": found}))
