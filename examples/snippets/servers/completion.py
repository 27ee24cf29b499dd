"""Completion of the arguments of prompts and resource templates."""

from mcp.server.fastmcp import FastMCP
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

mcp = FastMCP("Example")

LANGUAGES = ["python", "javascript", "typescript", "go", "rust"]
REPOSITORIES = {"modelcontextprotocol": ["python-sdk", "typescript-sdk", "specification"]}


@mcp.resource("github://repos/{owner}/{repo}")
def github_repo(owner: str, repo: str) -> str:
    """A repository."""
    return f"Repository: {owner}/{repo}"


@mcp.prompt(description="Code review prompt")
def review_code(language: str, code: str) -> str:
    """Ask for a review of code in a language."""
    return f"Review this {language} code:\n{code}"


@mcp.completion()
async def handle_completion(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion | None:
    """What the user may mean by what is typed so far."""
    if isinstance(ref, PromptReference):
        if ref.name == "review_code" and argument.name == "language":
            return Completion(values=[language for language in LANGUAGES if language.startswith(argument.value)])
    elif ref.uri == "github://repos/{owner}/{repo}" and argument.name == "repo":
        # The values of the other arguments, as far as they are known.
        owner = ((context and context.arguments) or {}).get("owner", "")
        found = [name for name in REPOSITORIES.get(owner, []) if name.startswith(argument.value)]
        return Completion(values=found, hasMore=False)
    return None


if __name__ == "__main__":
    mcp.run()
