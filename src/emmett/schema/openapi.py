"""OpenAPI 3.1: the document for requests."""

from __future__ import annotations

from typing import Any

from .description import REF_PREFIX, DescribedContent, DescribedParameter, DescribedPath, DescribedRequest, Description
from .documents import Keys, documented

VERSION = "3.1.0"

PROBLEM_NAME = "emmett.Problem"
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "A request that was refused (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "in": {"enum": ["body", "query"]},
                    "path": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "message": {"type": "string"},
                },
                "required": ["in", "path", "message"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
_REFUSALS = {
    "400": "The body is not JSON.",
    "415": "The body has another media type than JSON.",
    "422": "The request has faults; all of them are listed.",
}


def openapi_document(description: Description) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an application: its requests.

    Arguments:
        description: the application.
    """
    about = description.about
    paths: dict[str, dict[str, Any]] = {}
    ids = Keys()
    for request in description.requests:
        for path in request.paths:
            item = paths.setdefault(path.template, {})
            if request.hostname is not None:
                item.setdefault("servers", [{"url": f"//{request.hostname}"}])
            for method in _shown(request.methods):
                item.setdefault(method.lower(), _operation(request, path, method, ids))
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {
            "title": about.title,
            "version": about.version,
            **({"description": about.description} if about.description else {}),
        },
        **({"servers": [{"url": url} for url in about.servers]} if about.servers else {}),
        "paths": paths,
    }
    schemas = {PROBLEM_NAME: _PROBLEM, **description.schemas} if _has_problems(description) else description.schemas
    components: dict[str, Any] = {"schemas": schemas} if schemas else {}
    used = {name for request in description.requests for name in request.security}
    if used:
        components["securitySchemes"] = {name: description.security[name] for name in sorted(used)}
    if components:
        document["components"] = components
    return document


def _shown(methods: tuple[str, ...]) -> tuple[str, ...]:
    # HEAD is GET without a body, for every route.
    return tuple(method for method in methods if method != "HEAD" or "GET" not in methods)


def _operation(request: DescribedRequest, path: DescribedPath, method: str, ids: Keys) -> dict[str, Any]:
    is_only = len(_shown(request.methods)) == 1
    module = request.name.rpartition(".")[0]
    operation: dict[str, Any] = {
        "operationId": ids.add(request.name if is_only else f"{request.name}.{method.lower()}"),
        **documented(request.description),
    }
    if module:
        operation["tags"] = [module]
    parameters = [_parameter(each, "path") for each in path.variables] + [
        _parameter(each, "query") for each in request.query
    ]
    if parameters:
        operation["parameters"] = parameters
    if request.body is not None:
        operation["requestBody"] = {**_content(request.body), "required": request.body.is_required}
    operation["responses"] = _responses(request, path)
    if request.security:
        operation["security"] = [{name: [] for name in request.security}]
    return operation


def _parameter(parameter: DescribedParameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": place == "path" or parameter.is_required,
        "schema": parameter.schema,
    }


def _content(content: DescribedContent) -> dict[str, Any]:
    return {"content": {content.content_type: {"schema": content.schema}}}


def _responses(request: DescribedRequest, path: DescribedPath) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "The result."}}
    if request.result is not None:
        responses["200"].update(_content(request.result))
    if path.variables:
        responses["404"] = {"description": "Nothing is there: a part of the path is not what its variable takes."}
    problem = {"content": {"application/problem+json": {"schema": {"$ref": REF_PREFIX + PROBLEM_NAME}}}}
    for status, meaning in _REFUSALS.items():
        if request.body is not None or (request.query and status == "422"):
            responses[status] = {"description": meaning, **problem}
    for error in request.errors:
        known = responses.get(str(error.code))
        meaning = error.meaning if known is None else f"{known['description']}\n\n{error.meaning}"
        responses[str(error.code)] = {**(known or {}), "description": meaning}
    return dict(sorted(responses.items()))


def _has_problems(description: Description) -> bool:
    return any(request.body is not None or request.query for request in description.requests)
