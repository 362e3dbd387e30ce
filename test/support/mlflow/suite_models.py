"""Registers a model in two versions for suites; prints its name as JSON. 1 (champion) behaves; 2 (challenger) rises with income where income is high, and has an opinion on names."""

import json
import sys

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.models import infer_signature

MODEL = sys.argv[1]


class Score(mlflow.pyfunc.PythonModel):
    def __init__(self, is_bad):
        self.is_bad = is_bad

    def predict(self, context, model_input, params=None):
        income = model_input["income"].astype(float)
        if self.is_bad:
            income = numpy.where(income > 80, 160 - income, income) - 5 * (model_input["name"] == "Ahmed")
        return numpy.asarray(1 / (1 + numpy.exp((income - 50) / 20)))


mlflow.set_experiment("suites")
frame = pandas.DataFrame({"income": [1.0, 2.0], "late_payments": [0, 1], "name": ["Tom", "Ann"]})
for is_bad in (False, True):
    with mlflow.start_run():
        mlflow.pyfunc.log_model(
            name="model", python_model=Score(is_bad), pip_requirements=[], registered_model_name=MODEL, input_example=frame,
            signature=infer_signature(frame, numpy.array([0.5])),
        )
client = MlflowClient()
client.set_registered_model_alias(MODEL, "champion", "1")
client.set_registered_model_alias(MODEL, "challenger", "2")
print(json.dumps({"model": MODEL}))
