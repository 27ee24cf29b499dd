"""Reading `WWW-Authenticate` (RFC 9110 section 11.6.1), pure."""

import re
from collections.abc import Iterable

# A parameter, quoted or not; or a bare word: a scheme, or the one value (token68) that some schemes have instead.
_PIECE = re.compile(
    r"""[\s,]*(?:
        (?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"=][^\s,"]*))
        |(?P<word>[^\s,]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_challenges(headers: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """Return each challenge as its scheme and parameters, both names in lower case; of duplicates the first counts."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        challenges.append(("", {}))
        for piece in _PIECE.finditer(header):
            if piece["word"] is not None:
                challenges.append((piece["word"].lower(), {}))
                continue
            value = piece["plain"] if piece["quoted"] is None else _ESCAPE.sub(r"\1", piece["quoted"])
            challenges[-1][1].setdefault(piece["name"].lower(), value)
    return [challenge for challenge in challenges if challenge != ("", {})]


def find_parameter(headers: Iterable[str], name: str) -> str | None:
    """Return a parameter of the Bearer challenge, else of any other one, else None."""
    challenges = parse_challenges(headers)
    for _, parameters in sorted(challenges, key=lambda challenge: challenge[0] != "bearer"):
        if name.lower() in parameters:
            return parameters[name.lower()]
    return None
