"""What an applicant tells us, as the models take it."""

from typing import List

from pydantic import BaseModel, Field

# The order of the columns that the models were trained on.
FEATURES = [
    "income",
    "debt_ratio",
    "utilization",
    "late_payments",
    "history_months",
    "loan_amount",
    "loan_months",
]


class Applicant(BaseModel):
    """Who applies. The properties decide, with Unleash's rules, which model answers."""

    user_id: str
    region: str = "us"
    plan: str = "free"
    group: str = "customer"

    def flag_context(self) -> dict:
        return {
            "userId": self.user_id,
            "properties": {"region": self.region, "plan": self.plan, "group": self.group},
        }


class Application(BaseModel):
    applicant: Applicant
    income: float = Field(ge=0, description="yearly income in thousands")
    debt_ratio: float = Field(ge=0, description="monthly payments by monthly income")
    utilization: float = Field(ge=0, le=1, description="used share of existing credit lines")
    late_payments: int = Field(ge=0, description="payments more than 30 days late in the last two years")
    history_months: int = Field(ge=0, description="age of the oldest account")
    loan_amount: float = Field(gt=0, description="in thousands")
    loan_months: int = Field(gt=0)

    def feature_dict(self) -> dict:
        return {name: getattr(self, name) for name in FEATURES}

    def feature_row(self) -> List[float]:
        return [float(getattr(self, name)) for name in FEATURES]
