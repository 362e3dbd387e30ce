"""A model for the Open Inference Protocol: two probabilities for each row."""

import math

import numpy
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse


class Risk(MLModel):
    async def predict(self, payload):
        columns = {each.name: each for each in payload.inputs}
        if "income" not in columns:
            raise InferenceError("income is missing")
        income = numpy.asarray(NumpyCodec.decode_input(columns["income"]), dtype=float).reshape(-1)
        names = StringCodec.decode_input(columns["name"])
        bad = numpy.array([1 / (1 + math.exp((each - 50) / 20)) for each in income]) + numpy.array([0.05 if name == "Ahmed" else 0.0 for name in names])
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[NumpyCodec.encode_output("proba", numpy.column_stack([1 - bad, bad]))])
