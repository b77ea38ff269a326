"""The hooks with which msgspec decodes and encodes pydantic models, if an application uses pydantic."""

from __future__ import annotations

import sys
from typing import Any

import msgspec


def is_model(type_: object) -> bool:
    """Return whether a type is a pydantic model. If pydantic is not imported, no type is one."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(type_, type) and issubclass(type_, pydantic.BaseModel)


def decode_model(type_: type, value: Any) -> Any:
    """Convert a value to the custom type that an annotation requires: msgspec's `dec_hook`.

    Raises:
        NotImplementedError: the type is not a pydantic model.
        ValueError: the model rejects the value.
    """
    if is_model(type_):
        return type_.model_validate(value)  # type: ignore[attr-defined]
    raise NotImplementedError(f"{type_.__qualname__} is not a type that can be decoded")


def encode_model(value: Any) -> Any:
    """Convert a value to types that can be encoded: msgspec's `enc_hook`.

    Raises:
        NotImplementedError: the value is not a pydantic model.
    """
    if is_model(type(value)):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError(f"{type(value).__qualname__} is not a type that can be encoded")


def find_undecodable(type_: Any) -> type | None:
    """Return a class in a type that neither msgspec nor pydantic can decode; None if there is none."""
    return find_undecodable_part(msgspec.inspect.type_info(type_))


def find_undecodable_part(info: object) -> type | None:
    """Do the same as `find_undecodable`, for msgspec's information on a type."""
    return _find_undecodable(info, set())


def _find_undecodable(info: object, seen: set[int]) -> type | None:
    """Return a class inside a type that neither msgspec nor pydantic can decode; None if there is none."""
    if id(info) in seen:
        return None
    seen.add(id(info))
    if isinstance(info, msgspec.inspect.CustomType):
        return None if is_model(info.cls) else info.cls
    parts: list[object] = []
    for value in msgspec.structs.asdict(info).values() if isinstance(info, msgspec.Struct) else ():
        parts += value if isinstance(value, tuple) else [value]
    found = (_find_undecodable(part, seen) for part in parts if isinstance(part, msgspec.Struct))
    return next((each for each in found if each is not None), None)
