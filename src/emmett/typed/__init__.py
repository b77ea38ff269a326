"""Values with types: decoding and encoding by annotation, and every fault of a value with its path.

`FromQuery[T]` and `FromBody[T]` annotate a parameter of a request handler, to say from which part of a request it is
read.
"""

from .sources import FromBody, FromQuery

__all__ = ["FromBody", "FromQuery"]
