"""Exports the credit applications up to a month, with their outcomes: `python -m training.generate 2026-09`. Synthetic, and the same each time."""

import csv
import json
import sys
from pathlib import Path
from typing import Tuple

import numpy as np

from app.features import FEATURES

SEED = 20261
ROWS_PER_MONTH = 2_500
TEST_ROWS = 5_000
WHOLE_NUMBERS = {"late_payments", "history_months", "loan_months"}


def applications(count: int, seed: int) -> Tuple[np.ndarray, np.ndarray]:
    """Features (one row per application, columns as FEATURES) and whether the loan defaulted (about 16 %)."""
    random = np.random.default_rng(seed)
    income = random.lognormal(np.log(48), 0.45, count)
    history_months = random.gamma(3.0, 40.0, count).round()
    utilization = random.beta(2.0, 3.0, count)
    late_payments = random.poisson(0.25 + 1.6 * utilization**2, count)
    loan_amount = random.lognormal(np.log(12), 0.6, count)
    loan_months = random.choice([12, 24, 36, 48, 60, 72], count)
    debt_ratio = np.clip(random.beta(2.0, 5.0, count) + loan_amount / loan_months / (income / 12) * 0.5, 0, 3)
    columns = {
        "income": income.round(2),
        "debt_ratio": debt_ratio.round(4),
        "utilization": utilization.round(4),
        "late_payments": late_payments,
        "history_months": history_months,
        "loan_amount": loan_amount.round(2),
        "loan_months": loan_months,
    }
    # The last three terms are what a linear model can't see: the candidate is better for a reason.
    log_odds = (
        -3.85
        - 1.2 * np.log(income / 48)
        + 2.0 * debt_ratio
        + 1.2 * utilization
        + 0.35 * np.minimum(late_payments, 6)
        + 2.2 * ((utilization > 0.7) & (debt_ratio > 0.45))
        + 1.9 * ((history_months < 30) & (late_payments > 0))
        + 1.4 * np.abs(np.log(loan_amount / 12)) * (debt_ratio > 0.4)
    )
    defaulted = random.random(count) < 1 / (1 + np.exp(-log_odds))
    return np.column_stack([columns[name] for name in FEATURES]).astype(float), defaulted.astype(int)


def records(count: int, seed: int) -> list:
    features, defaulted = applications(count, seed)
    return [
        {**{name: int(value) if name in WHOLE_NUMBERS else value for name, value in zip(FEATURES, row)}, "defaulted": outcome}
        for row, outcome in zip(features.tolist(), defaulted.tolist())
    ]


def main(until: str, data: Path = Path("data")) -> None:
    data.mkdir(exist_ok=True)
    with open(data / "applications.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["month", *FEATURES, "defaulted"], lineterminator="\n")
        writer.writeheader()
        for month in range(1, int(until.split("-")[1]) + 1):
            writer.writerows({"month": f"2026-{month:02}", **record} for record in records(ROWS_PER_MONTH, SEED + 100 * month))
    # Applicants that no model has seen: for the evaluation, and for load tests.
    with open(data / "applicants.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records(TEST_ROWS, SEED + 1))


if __name__ == "__main__":
    main(sys.argv[1])
