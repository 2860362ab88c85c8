"""Makes up requests from the server's OpenAPI document and checks every answer against it: contract.py URL MODEL"""

import sys

import schemathesis
from schemathesis.cli import schemathesis as command

URL, MODEL = sys.argv[1:]

# Answers of a few tokens: this is about requests, not about what a model says.
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict", "n")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Names the one model there is, which nothing made up would hit."""
    for name, schema in raw_schema["components"]["schemas"].items():
        model = schema.get("properties", {}).get("model")
        # What there is to pull is another matter, and told in a stream that has begun.
        if model is not None and name != "ollama.PullRequest":
            model.clear()
            model.update({"type": "string", "enum": [MODEL]})


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        for fields in (body, body.get("options")):
            for name in LIMITS if isinstance(fields, dict) else ():
                if type(fields.get(name)) is int and fields[name] > 2:
                    fields[name] = 2
    return body


CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
command(
    ["run", f"{URL}/openapi.json", "--checks", ",".join(CHECKS), "--phases", "fuzzing"]
    + ["--max-examples", "20", "--seed", "1", "--generation-database", "none", "--continue-on-failure"]
    + ["--request-timeout", "30", "--suppress-health-check", "all", "--no-shrink", "--no-color"]
)
