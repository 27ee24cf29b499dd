"""Which examples there are: a superset, by purpose, of those of the official package."""

import ast
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

NAMES = {
    # EX-10
    "fastmcp/{}.py": "complex_inputs desktop direct_call_tool_result_return echo icons_demo logging_and_progress memory"
    " parameter_descriptions readme-quickstart screenshot simple_echo text_me unicode_example weather_structured",
    # EX-20
    "servers/{}/server.py": "everything simple-pagination simple-prompt simple-resource simple-tool"
    " simple-streamablehttp simple-streamablehttp-stateless simple-task simple-task-interactive sse-polling-demo"
    " structured-output-lowlevel echo sqlite_explorer",
    "servers/simple-auth/{}.py": "authorization_server resource_server legacy_server",
    # EX-30
    "clients/{}/client.py": "conformance simple-auth-client simple-chatbot simple-task-client"
    " simple-task-interactive-client sse-polling-client group resumption",
    # EX-51
    "snippets/{}.toml": "pyproject",
    # EX-40 EX-41 EX-42 EX-43 EX-44
    "snippets/servers/{}.py": "fastmcp_quickstart basic_tool basic_resource basic_prompt direct_execution"
    " lifespan_example notifications completion sampling structured_output json_schema_example tool_errors"
    " tool_progress tool_change_notifications direct_call_tool_result embedded_resource_results"
    " embedded_resource_results_binary images audio_example resource_templates binary_resources"
    " resource_subscriptions prompt_embedded_resources prompt_image_content prompt_change_notifications elicitation"
    " elicitation_complete elicitation_enum set_logging_level pagination_example oauth_server streamable_config"
    " streamable_starlette_mount streamable_http_basic_mounting streamable_http_host_mounting"
    " streamable_http_multiple_servers streamable_http_path_config"
    # EX-60
    " custom_route settings_from_environment roots icons threads event_store streamable_http_cors"
    " streamable_http_fastapi",
    # EX-45
    "snippets/servers/lowlevel/{}.py": "basic lifespan structured_output direct_call_tool_result",
    # EX-50 EX-51 EX-60
    "snippets/clients/{}.py": "stdio_client streamable_basic sse_client completion_client pagination_client"
    " display_utilities parsing_tool_results logging_client roots_example cancellation oauth_client"
    " url_elicitation_client elicitation_client client_credentials subscription_client",
}


@pytest.mark.parametrize("pattern", NAMES)
def test_examples_are_there(pattern: str) -> None:
    """EX-10 EX-20 EX-30 EX-40 EX-41 EX-42 EX-43 EX-44 EX-45 EX-50 EX-51 EX-60"""
    missing = [name for name in NAMES[pattern].split() if not (EXAMPLES / pattern.format(name)).is_file()]
    assert missing == []


FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_example_says_what_it_is_and_keeps_to_public_names(path: str) -> None:
    tree = ast.parse((EXAMPLES / path).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    private = {name for name in modules if name.startswith("mcp.") and "._" in name}
    # The factory of HTTP clients is private by name only: programs are told to use it.
    assert private <= {"mcp.shared._httpx_utils"}
