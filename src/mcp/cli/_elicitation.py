"""Questions of a server to the user (elicitation), answered in the terminal.

Source: specification 2025-11-25, page "Elicitation".
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from mcp.cli._terminal import printable
from mcp.cli._values import BadValue, Schema, alternatives_of, choices_of, items_of, parse_value, types_of
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams, ElicitResult

Ask = Callable[[str], str]
Tell = Callable[[str], None]

DECLINED = ElicitResult(action="decline")


def answer(params: ElicitRequestParams, server: str, ask: Ask, tell: Tell) -> ElicitResult:
    """Put the question of a server to the user.

    Args:
        params: the question.
        server: who asks.
        ask: asks for a line and returns it; raises `EOFError` if the user does not want to answer.
        tell: shows a line.
    """
    tell(f"{printable(server)} asks: {printable(params.message)}")
    try:
        if isinstance(params, ElicitRequestURLParams):
            return _visit(params, ask, tell)
        return _fill_in(params, ask, tell)
    except EOFError:
        return DECLINED


def _visit(params: ElicitRequestURLParams, ask: Ask, tell: Tell) -> ElicitResult:
    tell(f"It wants you to open {printable(str(params.url), lines=False)}")
    reply = ask("Open it in your browser now, if you trust it. Agree? [y/N] ")
    return ElicitResult(action="accept") if reply.lower() in ("y", "yes") else DECLINED


def _fill_in(params: ElicitRequestFormParams, ask: Ask, tell: Tell) -> ElicitResult:
    schema: Schema = params.requestedSchema
    properties = cast("Mapping[str, Schema]", schema.get("properties") or {})
    required = schema.get("required") or ()
    if not properties:
        reply = ask("Agree? [y/N] ")
        return ElicitResult(action="accept", content={}) if reply.lower() in ("y", "yes") else DECLINED
    tell("(Ctrl-D declines)")
    content: dict[str, Any] = {}
    for key, wanted in properties.items():
        value = _ask_field(key, wanted, key in required, schema, ask, tell)
        if value is not _NOTHING:
            content[key] = value
    return ElicitResult(action="accept", content=content)


_NOTHING = object()


def _ask_field(key: str, wanted: Schema, required: bool, root: Schema, ask: Ask, tell: Tell) -> Any:
    question = f"{field_label(key, wanted, required, root)}: "
    while True:
        text = ask(question)
        if not text and "default" in wanted:
            return wanted["default"]
        if not text and not required:
            return _NOTHING
        if not text and not _accepts_empty(wanted, root):
            tell("Please give an answer.")
            continue
        try:
            value = parse_field(key, text, wanted, root)
            complaint = problem_of(value, wanted, root)
        except BadValue as error:
            complaint = str(error)
        else:
            if complaint is None:
                return value
        tell(complaint)


def parse_field(key: str, text: str, wanted: Schema, root: Schema) -> Any:
    """Parse the answer to one field; a list is written with commas."""
    alternatives = alternatives_of(wanted, root)
    for alternative in alternatives:
        if "array" in types_of(alternative):
            texts = [part.strip() for part in text.split(",") if part.strip()]
            return [parse_value([part], items_of(alternative), root, name=key) for part in texts]
    for choice, title in _titled_choices(wanted, alternatives):
        if text == title:
            return choice
    return parse_value([text], wanted, root, name=key)


def field_label(key: str, wanted: Schema, required: bool, root: Schema) -> str:
    """What stands before the cursor: title, description, choices and default of a field."""
    alternatives = alternatives_of(wanted, root)
    label = printable(str(wanted.get("title") or key), lines=False)
    if wanted.get("description"):
        label += f", {printable(str(wanted['description']), lines=False)}"
    hints: list[str] = []
    items = [inner for each in alternatives for inner in alternatives_of(items_of(each), root)]
    choices = _titled_choices(wanted, alternatives) or _titled_choices(items_of(wanted), items)
    kinds = [kind for alternative in alternatives for kind in types_of(alternative)]
    if choices:
        hints.append("/".join(_with_title(value, title) for value, title in choices))
    elif "boolean" in kinds:
        hints.append("yes/no")
    elif kinds and kinds[0] not in ("string", "array"):
        hints.append(kinds[0])
    if "array" in kinds:
        hints.append("separate with commas")
    if "default" in wanted:
        hints.append(f"default {printable(str(wanted['default']), lines=False)}")
    elif not required:
        hints.append("optional")
    return f"{label} [{', '.join(hints)}]" if hints else label


def _with_title(value: Any, title: str) -> str:
    shown = printable(str(value), lines=False)
    return shown if title == str(value) else f"{shown} ({printable(title, lines=False)})"


def _titled_choices(wanted: Schema, alternatives: list[Schema]) -> list[tuple[Any, str]]:
    """The values a field may take, each with its title: `oneOf` of constants, or `enum` with `enumNames`."""
    found: list[tuple[Any, str]] = []
    names = wanted.get("enumNames") or ()
    for alternative in alternatives:
        for index, value in enumerate(choices_of(alternative)):
            title = alternative.get("title") if "const" in alternative else None
            if title is None and "enum" in alternative and index < len(names):
                title = names[index]
            found.append((value, str(value if title is None else title)))
    return found


def _accepts_empty(wanted: Schema, root: Schema) -> bool:
    alternatives = alternatives_of(wanted, root)
    return any(
        "string" in types_of(each) and not choices_of(each) and not each.get("minLength") for each in alternatives
    )


def problem_of(value: Any, wanted: Schema, root: Schema) -> str | None:
    """What the bounds of a field say against a value of the right type; None if nothing."""
    alternatives = [each for each in alternatives_of(wanted, root) if types_of(each) != ["null"]]
    complaints = [_bound_violated(value, each) for each in alternatives]
    return None if None in complaints else complaints[0] if complaints else None


def _bound_violated(value: Any, wanted: Schema) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _out_of_bounds(value, wanted.get("minimum"), wanted.get("maximum"), "The number must be")
    if isinstance(value, str):
        return _out_of_bounds(len(value), wanted.get("minLength"), wanted.get("maxLength"), "The length must be")
    if isinstance(value, list):
        count = len(cast("list[Any]", value))
        return _out_of_bounds(count, wanted.get("minItems"), wanted.get("maxItems"), "The count must be")
    return None


def _out_of_bounds(value: float, low: float | None, high: float | None, what: str) -> str | None:
    if low is not None and value < low:
        return f"{what} at least {low}."
    if high is not None and value > high:
        return f"{what} at most {high}."
    return None
