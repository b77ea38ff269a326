"""The description of what clients of an application can use, and the OpenAPI and AsyncAPI documents made from it."""

from .asyncapi import asyncapi_document
from .describing import describe
from .description import (
    About,
    DescribedCalls,
    DescribedContent,
    DescribedMessage,
    DescribedMethod,
    DescribedParameter,
    DescribedPath,
    DescribedRequest,
    DescribedWebsocket,
    Description,
)
from .openapi import openapi_document

__all__ = [
    "About",
    "DescribedCalls",
    "DescribedContent",
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
