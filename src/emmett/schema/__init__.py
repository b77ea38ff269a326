"""The description of what clients of an application can use, and the OpenAPI and AsyncAPI documents made from it."""

from typing import TYPE_CHECKING

from ..lazy import import_later
from .description import (
    About,
    DescribedCalls,
    DescribedContent,
    DescribedError,
    DescribedMessage,
    DescribedMethod,
    DescribedParameter,
    DescribedPath,
    DescribedRequest,
    DescribedWebsocket,
    Description,
)

if TYPE_CHECKING:
    from .asyncapi import asyncapi_document
    from .describing import describe
    from .openapi import openapi_document

__all__ = [
    "About",
    "DescribedCalls",
    "DescribedContent",
    "DescribedError",
    "DescribedMessage",
    "DescribedMethod",
    "DescribedParameter",
    "DescribedPath",
    "DescribedRequest",
    "DescribedWebsocket",
    "Description",
    "asyncapi_document",
    "describe",
    "openapi_document",
]

# Imported when it is used: servers need it only when someone requests a document.
__getattr__, __dir__ = import_later(
    __name__, __all__, asyncapi_document=".asyncapi", describe=".describing", openapi_document=".openapi"
)
