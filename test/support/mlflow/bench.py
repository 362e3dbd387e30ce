"""The questions of test/bench/registry.ts asked by MLflow's own Python client: milliseconds and requests of each, as JSON.

Arguments: how often each question is asked, and the model whose versions are asked for.
"""
import json
import statistics
import sys
import time

import requests
from mlflow import MlflowClient

sent = 0
send = requests.Session.send


def counting(self, *args, **kwargs):
    global sent
    sent += 1
    return send(self, *args, **kwargs)


requests.Session.send = counting
repeats, model = int(sys.argv[1]), sys.argv[2]
client = MlflowClient()


def everything():
    found = client.search_registered_models(max_results=1000)
    names = [each.name for each in found]
    while found.token:
        found = client.search_registered_models(max_results=1000, page_token=found.token)
        names += [each.name for each in found]
    return names


def versions():
    return client.search_model_versions(f"name = '{model}'", max_results=100, order_by=["version_number DESC"]), client.get_registered_model(model).aliases


def measure(question):
    global sent
    question()
    times = []
    for _ in range(repeats):
        sent = 0
        started = time.perf_counter()
        question()
        times.append((time.perf_counter() - started) * 1000)
    return {"ms": statistics.median(times), "requests": sent}


print(json.dumps({
    "first": measure(lambda: client.search_registered_models(max_results=100)),
    "versions": measure(versions),
    "everything": measure(everything),
}))
