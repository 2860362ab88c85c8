"""Drives every endpoint with the official clients: clients.py URL MODEL KEY"""

import sys

import anthropic
import ollama
import openai
from pydantic import BaseModel

URL, MODEL, KEY = sys.argv[1:]
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
ASK = [{"role": "user", "content": QUESTION}]


class City(BaseModel):
    name: str
    big: bool


def equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def raises(kind, call, *texts):
    try:
        call()
    except kind as error:
        for text in texts:
            assert text in str(error), f"{text!r} is not in {error}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def openai_client():
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    assert MODEL in [model.id for model in client.models.list()]
    equal(client.models.retrieve(MODEL).id, MODEL)

    chat = client.chat.completions.create(model=MODEL, messages=ASK, temperature=0, seed=1, user="someone")
    equal(chat.choices[0].message.content, ANSWER)
    equal(chat.usage.completion_tokens, 8)
    assert chat.usage.prompt_tokens_details.cached_tokens >= 0

    stream = client.chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}, logprobs=True, top_logprobs=2
    )
    text, tokens, usage = "", 0, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            tokens += len(choice.logprobs.content) if choice.logprobs else 0
    equal((text, usage.completion_tokens, tokens), (ANSWER, 8, 7))

    with client.chat.completions.stream(model=MODEL, messages=ASK) as stream:
        stream.until_done()
        equal(stream.get_final_completion().choices[0].message.content, ANSWER)

    parsed = client.chat.completions.parse(model=MODEL, messages=ASK, response_format=City, max_tokens=200)
    assert isinstance(parsed.choices[0].message.parsed, City)

    several = client.chat.completions.create(model=MODEL, messages=ASK, n=2, temperature=1, max_tokens=5)
    equal([choice.index for choice in several.choices], [0, 1])

    completion = client.completions.create(model=MODEL, prompt="One, two, three,", max_tokens=6)
    equal(completion.choices[0].text, " four, five, six,")
    pieces = client.completions.create(model=MODEL, prompt="One, two, three,", max_tokens=6, stream=True)
    equal("".join(piece.choices[0].text for piece in pieces), " four, five, six,")

    response = client.responses.create(model=MODEL, input=QUESTION, store=False)
    equal((response.output_text, response.status), (ANSWER, "completed"))
    equal(response.usage.output_tokens, 8)
    with client.responses.stream(model=MODEL, input=ASK) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        equal((text, stream.get_final_response().output_text), (ANSWER, ANSWER))

    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    raises(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model=MODEL, messages=ASK, tools=[tool]),
        "knows no tools",
    )
    error = raises(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"grammar": "x"}),
        "grammar",
    )
    equal((error.param, error.code), ("grammar", "unsupported_parameter"))
    raises(openai.BadRequestError, lambda: client.embeddings.create(model=MODEL, input="x"), "no vectors")
    raises(openai.NotFoundError, lambda: client.chat.completions.create(model="no/model", messages=ASK), "no model")
    wrong = openai.OpenAI(base_url=f"{URL}/v1", api_key="wrong", max_retries=0)
    raises(openai.AuthenticationError, wrong.models.list, "API key")


def anthropic_client():
    client = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
    message = client.messages.create(model=MODEL, max_tokens=50, messages=ASK)
    equal((message.content[0].text, message.stop_reason), (ANSWER, "end_turn"))
    assert message.usage.output_tokens == 8

    system = [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]
    with client.messages.stream(model=MODEL, max_tokens=50, system=system, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    equal(final.content[0].text, text)
    assert final.usage.output_tokens > 0 and final.stop_reason in ("end_turn", "max_tokens")

    short = client.messages.create(model=MODEL, max_tokens=2, messages=ASK, metadata={"user_id": "u"})
    equal(short.stop_reason, "max_tokens")
    stopped = client.messages.create(model=MODEL, max_tokens=50, messages=ASK, stop_sequences=[" Paris"])
    equal((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", " Paris"))
    equal(client.messages.count_tokens(model=MODEL, messages=ASK).input_tokens, 37)

    raises(
        anthropic.BadRequestError,
        lambda: client.messages.create(model=MODEL, max_tokens=9, messages=ASK, extra_body={"grammar": "x"}),
        "grammar",
    )
    raises(anthropic.NotFoundError, lambda: client.messages.create(model="no/model", max_tokens=9, messages=ASK))
    wrong = anthropic.Anthropic(base_url=URL, api_key="wrong", max_retries=0)
    raises(anthropic.AuthenticationError, lambda: wrong.messages.create(model=MODEL, max_tokens=9, messages=ASK))


def ollama_client():
    client = ollama.Client(host=URL, headers={"Authorization": f"Bearer {KEY}"})
    assert MODEL in [model.model for model in client.list().models]
    chat = client.chat(model=MODEL, messages=ASK, options={"temperature": 0, "num_ctx": 512}, think=False)
    equal((chat.message.content, chat.done_reason, chat.eval_count), (ANSWER, "stop", 8))
    equal("".join(part.message.content for part in client.chat(model=MODEL, messages=ASK, stream=True)), ANSWER)
    equal(client.generate(model=MODEL, prompt=QUESTION).response, ANSWER)
    pieces = client.generate(model=MODEL, prompt="One, two, three,", raw=True, options={"num_predict": 6}, stream=True)
    equal("".join(piece.response for piece in pieces), " four, five, six,")
    formatted = client.chat(model=MODEL, messages=ASK, format=City.model_json_schema(), options={"num_predict": 200})
    City.model_validate_json(formatted.message.content)
    scored = client.generate(model=MODEL, prompt=QUESTION, logprobs=True, top_logprobs=2)
    equal(len(scored.logprobs), 7)

    assert "completion" in client.show(MODEL).capabilities
    equal([model.model for model in client.ps().models], [MODEL])
    client.copy(MODEL, "copied")
    equal(client.generate(model="copied", prompt=QUESTION).response, ANSWER)
    client.delete("copied")
    equal([part.status for part in client.pull(MODEL, stream=True)][-1], "success")
    equal(client.pull(MODEL).status, "success")
    raises(ollama.ResponseError, lambda: client.embed(model=MODEL, input="x"), "no vectors")
    raises(ollama.ResponseError, lambda: client.chat(model="no/model", messages=ASK), "no model")
    raises(ollama.ResponseError, lambda: client.generate(model=MODEL, prompt="x", options={"typical_p": 0.5}))
    raises(ollama.ResponseError, lambda: client.delete(MODEL), "keeps it")


openai_client()
anthropic_client()
ollama_client()
