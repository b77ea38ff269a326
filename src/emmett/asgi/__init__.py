"""The ASGI 3 interface of an application: HTTP, websocket and lifespan.

It is below `app`, since every `App` is an ASGI application, and separate from `server`, whose default websocket path
does not use it.

`App.__call__` imports `application.py` when an ASGI server calls it: the default server never does.
"""
