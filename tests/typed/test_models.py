from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, Field, field_validator

from emmett import App
from emmett.errors import CallError
from emmett.typed.faults import find_faults
from emmett.typed.models import decode_model, encode_model, is_model


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, alias="years")

    @field_validator("name")
    @classmethod
    def not_empty(cls, value: str) -> str:
        if not value:
            raise ValueError("a name is needed")
        return value


def test_models_are_recognised() -> None:
    assert is_model(Person)
    for other in (int, BaseException, Person(name="a", years=1), list[Person], None):
        assert not is_model(other)


def test_a_model_survives_encoding() -> None:
    person = msgspec.json.decode(b'{"name": "Ada", "years": 36}', type=Person, dec_hook=decode_model)
    assert person == Person(name="Ada", years=36)
    assert msgspec.json.encode([person], enc_hook=encode_model) == b'[{"name":"Ada","years":36}]'


def test_other_types_are_not_supported() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        decode_model(object, {})
    with pytest.raises(NotImplementedError, match="object"):
        encode_model(object())


def test_all_faults_of_a_model_are_reported() -> None:
    faults = {
        fault.path: fault.message
        for fault in find_faults({"people": [{"name": "", "years": -1}]}, dict[str, list[Person]])
    }
    assert set(faults) == {("people", 0, "name"), ("people", 0, "years")}
    assert "a name is needed" in faults["people", 0, "name"]


async def test_models_work_in_calls() -> None:
    app = App(__name__)
    calls = app.calls("/api")

    @calls.method()
    async def older(person: Person, by: int) -> Person:
        return person.model_copy(update={"age": person.age + by})

    @calls.method()
    async def greet(person: Person) -> str:
        return f"Hello, {person.name}"

    async with app.test_client_async() as client, client.calls("/api") as api:
        assert await api.older({"name": "Ada", "years": 36}, 1) == {"name": "Ada", "years": 37}
        assert await api.greet(name="Ada", years=1) == "Hello, Ada"
        with pytest.raises(CallError) as error:
            await api.greet(name="")
        data: Any = error.value.data
        assert sorted(fault["path"] for fault in data) == [["name"], ["years"]]
