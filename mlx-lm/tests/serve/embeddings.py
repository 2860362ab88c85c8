"""Vectors by the official clients: embeddings.py URL MODEL SIZE"""

import sys

import ollama
import openai

URL, MODEL, SIZE = sys.argv[1], sys.argv[2], int(sys.argv[3])
TEXTS = ["The capital of France", "Paris"]

# This client asks for base64, and decodes it.
client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
reply = client.embeddings.create(model=MODEL, input=TEXTS)
vectors = [entry.embedding for entry in reply.data]
assert [len(vector) for vector in vectors] == [SIZE, SIZE], vectors
plain = client.embeddings.create(model=MODEL, input=TEXTS, encoding_format="float")
for coded, entry in zip(vectors, plain.data, strict=True):
    assert all(abs(a - b) < 1e-6 for a, b in zip(coded, entry.embedding, strict=True))
assert reply.usage.prompt_tokens == reply.usage.total_tokens > 4
assert len(client.embeddings.create(model=MODEL, input=TEXTS[0], dimensions=8).data[0].embedding) == 8

client = ollama.Client(host=URL)
reply = client.embed(model=MODEL, input=TEXTS, truncate=True)
for one, other in zip(vectors, reply.embeddings, strict=True):
    assert all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))
assert len(client.embed(model=MODEL, input=TEXTS[0], dimensions=8).embeddings[0]) == 8
