"""What the layers of Python's mlx.nn that convolve, recur, attend or are quantized compute on the CPU, and what the
parameters of all layers are called: `nn_modules.safetensors`.

    python nn_modules.py OUTPUT_FOLDER

The names in the file are those of nn.py. The group `names` holds LAYER/PATH: the shape of that parameter.
"""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from nn import Goldens, keys, normal, write


def shifted(module: nn.Module) -> nn.Module:
    """The module with random biases, and scales of normalizations, in place of zeros and ones."""
    return module.apply(lambda a: a + 0.3 * normal(*a.shape) if a.ndim == 1 else a)


def convolution(goldens: Goldens) -> None:
    case = lambda name, layer, x: goldens.case(name, shifted(layer), x, grad=True)
    signal, image, volume = normal(2, 9, 4), normal(2, 6, 7, 4), normal(1, 4, 5, 4, 2)
    case("conv1d", nn.Conv1d(4, 3, 3), signal)
    case("conv1d.options", nn.Conv1d(4, 6, 3, stride=2, padding=3, dilation=2, groups=2, bias=False), signal)
    case("conv2d", nn.Conv2d(4, 3, 2), image)
    case("conv2d.options", nn.Conv2d(4, 3, (3, 2), stride=(2, 1), padding=(0, 2), dilation=(1, 2)), image)
    case("conv2d.groups", nn.Conv2d(4, 8, 3, padding=1, groups=4), image)
    case("conv3d", nn.Conv3d(2, 3, 2), volume)
    case("conv3d.options", nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=1, dilation=(2, 1, 1)), volume)
    case("transpose1d", nn.ConvTranspose1d(4, 3, 3), signal)
    case("transpose1d.options", nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1, dilation=2, output_padding=1), signal)
    case("transpose2d", nn.ConvTranspose2d(4, 3, 2, bias=False), image)
    options = dict(stride=(2, 3), padding=(1, 0), output_padding=(1, 0))
    case("transpose2d.options", nn.ConvTranspose2d(4, 3, (3, 2), **options), image)
    case("transpose3d", nn.ConvTranspose3d(2, 3, 2), volume)
    case("transpose3d.options", nn.ConvTranspose3d(2, 3, (2, 1, 2), stride=2, output_padding=(0, 1, 0)), volume)


def recurrent(goldens: Goldens) -> None:
    batch, single, hidden, cell = normal(2, 5, 3), normal(5, 3), normal(2, 4), normal(2, 4)
    for name, kind in {"rnn": nn.RNN, "gru": nn.GRU}.items():
        goldens.case(name, kind(3, 4), batch, grad=True)
        goldens.case(f"{name}.hidden", kind(3, 4), batch, hidden, grad=True)
        goldens.case(f"{name}.single", kind(3, 4), single)
        goldens.case(f"{name}.no_bias", kind(3, 4, bias=False), batch, hidden)
    goldens.case("rnn.relu", nn.RNN(3, 4, nonlinearity=nn.relu), batch, hidden)
    goldens.case("lstm", nn.LSTM(3, 4), batch)
    goldens.case("lstm.hidden", nn.LSTM(3, 4), batch, hidden, cell)
    goldens.case("lstm.single", nn.LSTM(3, 4), single, hidden[0], cell[0])
    goldens.case("lstm.no_bias", nn.LSTM(3, 4, bias=False), batch)


def attention(goldens: Goldens) -> None:
    x, memory, values = normal(2, 3, 8), normal(2, 5, 6), normal(2, 5, 4)
    mask = nn.MultiHeadAttention.create_additive_causal_mask
    of_self = nn.MultiHeadAttention(8, 2)
    goldens.case("attention", lambda x: of_self(x, x, x), x, module=of_self, grad=True)
    goldens.case("attention.causal", lambda x: of_self(x, x, x, mask(3)), x, module=of_self)
    goldens.case("attention.mask", lambda x, mask: of_self(x, x, x, mask), x, normal(2, 1, 3, 3), module=of_self)
    of_other = shifted(nn.MultiHeadAttention(8, 4, key_input_dims=6, bias=True))
    goldens.case("attention.keys", lambda x, y: of_other(x, y, y), x, memory, module=of_other)
    sizes = dict(query_input_dims=8, key_input_dims=6, value_input_dims=4, value_dims=6, value_output_dims=5)
    goldens.case("attention.sizes", nn.MultiHeadAttention(4, 2, **sizes), x, memory, values)
    for name, dtype in {"f32": mx.float32, "f16": mx.float16}.items():
        goldens.put(f"additive.{name}/out", mask(4, dtype))


def transformer(goldens: Goldens) -> None:
    source, target = normal(2, 5, 8), normal(2, 3, 8)
    causal, seen = nn.MultiHeadAttention.create_additive_causal_mask(3), normal(3, 5)

    def encoder(name: str, module: nn.Module) -> None:
        goldens.case(name, lambda x: module(x, None), source, module=module, grad=True)

    def decoder(name: str, module: nn.Module) -> None:
        called = lambda x, memory, mask: module(x, memory, causal, mask)
        goldens.case(name, called, target, source, seen, module=module, grad=True)

    encoder("encoder_layer", shifted(nn.TransformerEncoderLayer(8, 2)))
    encoder("encoder_layer.norm_last", shifted(nn.TransformerEncoderLayer(8, 2, norm_first=False)))
    options = dict(mlp_dims=6, activation=nn.gelu)
    encoder("encoder", shifted(nn.TransformerEncoder(2, 8, 4, **options)))
    decoder("decoder_layer", shifted(nn.TransformerDecoderLayer(8, 2, **options)))
    decoder("decoder_layer.norm_last", shifted(nn.TransformerDecoderLayer(8, 2, norm_first=False, **options)))
    decoder("decoder", shifted(nn.TransformerDecoder(2, 8, 2, **options)))
    model = shifted(nn.Transformer(8, 2, 1, 2, mlp_dims=6))
    goldens.case("transformer", lambda x, y: model(x, y, None, causal, None), source, target, module=model, grad=True)


def drawn(goldens: Goldens) -> None:
    layers = {
        "conv2d": (1, lambda: nn.Conv2d(4, 3, (3, 2), groups=2)),
        "transpose1d": (1, lambda: nn.ConvTranspose1d(4, 3, 2)),
        "rnn": (3, lambda: nn.RNN(3, 4)),
        "gru": (4, lambda: nn.GRU(3, 4)),
        "lstm": (3, lambda: nn.LSTM(3, 4)),
    }
    for name, (count, make) in layers.items():
        with keys(7, count):
            for path, array in tree_flatten(make().parameters()):
                goldens.put(f"{name}/weights.{path}", array)


def quantized(goldens: Goldens) -> None:
    make = lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3, bias=False))
    model, x = shifted(make()), normal(2, 64)
    goldens.case("dense", model, x, grad=True)
    for mode in ("affine", "mxfp4"):
        copy = make().update(model.parameters())
        nn.quantize(copy, 32, 4, mode=mode, class_predicate=lambda path, _: path == "layers.0")
        goldens.case(mode, copy, x, grad=True)
    embedding = nn.Embedding(5, 64)
    goldens.case("embedding.dense", embedding, mx.array([1, 4]))
    goldens.case("embedding", embedding.to_quantized(64, 8), mx.array([1, 4]))


def names(goldens: Goldens) -> None:
    layers = {
        "Linear": nn.Linear(4, 3),
        "QuantizedLinear": nn.QuantizedLinear(64, 3),
        "QQLinear": nn.QQLinear(64, 3),
        "Bilinear": nn.Bilinear(4, 3, 2),
        "Embedding": nn.Embedding(4, 3),
        "QuantizedEmbedding": nn.QuantizedEmbedding(4, 64, mode="mxfp4"),
        "LayerNorm": nn.LayerNorm(4),
        "RMSNorm": nn.RMSNorm(4),
        "GroupNorm": nn.GroupNorm(2, 4),
        "InstanceNorm": nn.InstanceNorm(4, affine=True),
        "BatchNorm": nn.BatchNorm(4),
        "PReLU": nn.PReLU(4),
        "Sequential": nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)),
        "Conv1d": nn.Conv1d(4, 6, 3, groups=2),
        "Conv2d": nn.Conv2d(4, 6, (3, 2)),
        "Conv3d": nn.Conv3d(4, 6, (3, 2, 1)),
        "ConvTranspose1d": nn.ConvTranspose1d(4, 6, 3),
        "ConvTranspose2d": nn.ConvTranspose2d(4, 6, (3, 2)),
        "ConvTranspose3d": nn.ConvTranspose3d(4, 6, (3, 2, 1)),
        "RNN": nn.RNN(4, 3),
        "GRU": nn.GRU(4, 3),
        "LSTM": nn.LSTM(4, 3),
        "MultiHeadAttention": nn.MultiHeadAttention(4, 2, bias=True),
        "TransformerEncoderLayer": nn.TransformerEncoderLayer(4, 2),
        "TransformerEncoder": nn.TransformerEncoder(2, 4, 2),
        "TransformerDecoderLayer": nn.TransformerDecoderLayer(4, 2),
        "TransformerDecoder": nn.TransformerDecoder(2, 4, 2),
        "Transformer": nn.Transformer(4, 2, 1, 1),
        "AllToShardedLinear": nn.AllToShardedLinear(4, 3),
        "ShardedToAllLinear": nn.ShardedToAllLinear(4, 3),
        "QuantizedAllToShardedLinear": nn.QuantizedAllToShardedLinear(64, 3),
        "QuantizedShardedToAllLinear": nn.QuantizedShardedToAllLinear(64, 3),
    }
    for layer, module in layers.items():
        for path, array in tree_flatten(module.parameters()):
            goldens.put(f"{layer}/{path}", mx.array(array.shape))


if __name__ == "__main__":
    write([convolution, recurrent, attention, transformer, drawn, quantized, names], "nn_modules.safetensors")
