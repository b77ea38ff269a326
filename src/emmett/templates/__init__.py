"""Pages from templates: the folder of an application's templates, and the values that they can use. Needs jinja2."""

from .filling import fill_template
from .finding import template_path
from .templates import Templates

__all__ = ["Templates", "fill_template", "template_path"]
