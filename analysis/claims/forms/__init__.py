"""The forms of claims, one file each, and the claim that has exactly one of them.

compare.py    one level of a factor against another, in matched pairs
trend.py      a metric against a numeric factor
level.py      every run, their mean, or the selected configuration, against a number
selected.py   what this study selects against what another study selects
agreement.py  two rankings of the same configurations
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import create_model

from analysis.claims.claim import ClaimBase, Form
from analysis.claims.forms.agreement import Agreement
from analysis.claims.forms.compare import Compare
from analysis.claims.forms.level import Level
from analysis.claims.forms.selected import Selected
from analysis.claims.forms.trend import Trend

FORMS: dict[str, type[Form]] = {
    "compare": Compare,
    "trend": Trend,
    "level": Level,
    "selected": Selected,
    "agreement": Agreement,
}
"""Every form, by its key in a claim."""

_fields: dict[str, Any] = {name: (form | None, None) for name, form in FORMS.items()}


class _WithForms(ClaimBase):
    FORMS: ClassVar[Any] = FORMS


StatedClaim = create_model("StatedClaim", __base__=_WithForms, **_fields)
"""A claim of a study file: `StatedClaim.model_validate({"claim": …, "compare": {…}, …})`."""
