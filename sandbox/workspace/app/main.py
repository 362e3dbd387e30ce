"""The HTTP interface of the credit service."""

from contextlib import asynccontextmanager
from typing import AsyncIterator, List, Optional

from fastapi import FastAPI
from prometheus_client import make_asgi_app
from pydantic import BaseModel, ConfigDict

from app import __version__, settings
from app.explaining import explain
from app.features import Application
from app.flags import unleash
from app.prediction_log import prediction_log
from app.scoring import score


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    unleash.initialize_client()
    yield
    unleash.destroy()
    prediction_log.close()


app = FastAPI(title="Credit service", version=__version__, lifespan=lifespan)
app.mount("/metrics", make_asgi_app())


class Prediction(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    request_id: str
    default_probability: float
    decision: str
    assigned_arm: str
    model_version: str
    reasons: Optional[List[str]] = None


class Reasons(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    request_id: str
    assigned_arm: str
    model_version: str
    reasons: List[str]


@app.post("/predict")
def predict(application: Application) -> Prediction:
    result = score(application)
    reasons = None
    if unleash.is_enabled("credit-reasons", application.applicant.flag_context()):
        reasons = explain(application).reasons
    return Prediction(
        request_id=result.request_id,
        default_probability=result.probability,
        decision=result.decision,
        assigned_arm=result.assigned_arm,
        model_version=result.model_version,
        reasons=reasons,
    )


@app.post("/explain")
def explanation(application: Application) -> Reasons:
    result = explain(application)
    return Reasons(
        request_id=result.request_id,
        assigned_arm=result.assigned_arm,
        model_version=result.model_version,
        reasons=result.reasons,
    )


@app.get("/health")
def health() -> dict:
    return {
        "status": "ok",
        "service": settings.SERVICE,
        "version": __version__,
        "models": {"current": settings.CURRENT_VERSION, "candidate": settings.CANDIDATE_VERSION},
    }
