"""Pipes that protect the visitors of an application: CSRF, CORS and security headers."""

from .cors import CORS
from .csrf import CSRF, csrf_field, csrf_token
from .headers import SecurityHeaders, csp_nonce

__all__ = ["CORS", "CSRF", "SecurityHeaders", "csp_nonce", "csrf_field", "csrf_token"]
