"""Vectors of texts by Python mlx-lm's features and the formulas of sentence-transformers: `embeddings.json`, `.safetensors`.

    python embeddings.py OUTPUT_FOLDER

The weights come from named_weights.py. The JSON file has the model's `config.json` and the texts as token ids, one of them
longer than a chunk. The safetensors file has, for each way of pooling, the vectors `[texts, features]`, float32, not
normalized.
"""

import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from safetensors.numpy import save

import fixture
from goldens import named_model
from named_weights import splitmix64
from tiny_models import BASE

CONFIG = {
    **BASE,
    "model_type": "qwen3",
    "vocab_size": 49152,
    "hidden_size": 32,
    "intermediate_size": 48,
    "head_dim": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32768,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
}
LENGTHS = [1, 9, 700, 30, 9]

POOLING = {
    "cls": lambda h: h[0],
    "lasttoken": lambda h: h[-1],
    "mean": lambda h: h.mean(0),
    "mean_sqrt_len_tokens": lambda h: h.sum(0) / np.sqrt(len(h)),
    "weightedmean": lambda h: np.average(h, axis=0, weights=np.arange(1, len(h) + 1)),
}


def main() -> None:
    mx.set_default_device(mx.cpu)
    output = Path(sys.argv[1])
    model = named_model(CONFIG)
    texts = [[int(i % 49152) for i in splitmix64(seed, length)] for seed, length in enumerate(LENGTHS)]
    features = [np.array(model.model(mx.array([text])))[0].astype(np.float64) for text in texts]
    vectors = {
        name: np.stack([pool(rows) for rows in features]).astype(np.float32) for name, pool in POOLING.items()
    }
    fixture.write(output / "embeddings.json", {"versions": fixture.versions(), "config": CONFIG, "texts": texts})
    (output / "embeddings.safetensors").write_bytes(save(vectors))


if __name__ == "__main__":
    main()
