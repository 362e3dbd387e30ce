"""An authorization function for MLflow's basic-auth app that takes one bearer token instead."""
import os

from flask import Response, request
from werkzeug.datastructures import Authorization


def authenticate():
    if request.headers.get("Authorization") == f"Bearer {os.environ['TEST_BEARER']}":
        return Authorization("basic", {"username": "admin", "password": "none"})
    response = Response("You are not authenticated.", status=401)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
