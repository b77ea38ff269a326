"""The hooks by which msgspec reads and writes pydantic models, where an application uses pydantic."""

from __future__ import annotations

import sys
from typing import Any


def is_model(type_: object) -> bool:
    """Return whether a type is a pydantic model. Where pydantic was not imported, there is none."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(type_, type) and issubclass(type_, pydantic.BaseModel)


def decode_model(type_: type, value: Any) -> Any:
    """Return a value as the custom type that an annotation asks for: msgspec's `dec_hook`.

    Raises:
        NotImplementedError: the type is not a pydantic model.
        ValueError: the model does not take the value.
    """
    if is_model(type_):
        return type_.model_validate(value)  # type: ignore[attr-defined]
    raise NotImplementedError(f"{type_.__qualname__} is not a type that can be decoded")


def encode_model(value: Any) -> Any:
    """Return a value in types that can be encoded: msgspec's `enc_hook`.

    Raises:
        NotImplementedError: the value is not a pydantic model.
    """
    if is_model(type(value)):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError(f"{type(value).__qualname__} is not a type that can be encoded")
