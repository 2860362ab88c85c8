use crate::golden::Goldens;
use mlx::nn::{self, Activation};

#[test]
fn activations() {
    let goldens = Goldens::of("activations");
    for (name, activation) in [
        ("celu", Activation::Celu(1.0)),
        ("celu.options", Activation::Celu(1.5)),
        ("elu", Activation::Elu(1.0)),
        ("elu.options", Activation::Elu(0.5)),
        ("gelu", Activation::Gelu),
        ("gelu_approx", Activation::GeluApprox),
        ("gelu_fast_approx", Activation::GeluFastApprox),
        ("glu", Activation::Glu(-1)),
        ("glu.options", Activation::Glu(0)),
        ("hard_shrink", Activation::HardShrink(0.5)),
        ("hard_shrink.options", Activation::HardShrink(1.0)),
        ("hard_tanh", Activation::HardTanh(-1.0, 1.0)),
        ("hard_tanh.options", Activation::HardTanh(-2.0, 0.5)),
        ("hardswish", Activation::Hardswish),
        ("leaky_relu", Activation::LeakyRelu(0.01)),
        ("leaky_relu.options", Activation::LeakyRelu(0.3)),
        ("log_sigmoid", Activation::LogSigmoid),
        ("log_softmax", Activation::LogSoftmax(-1)),
        ("log_softmax.options", Activation::LogSoftmax(0)),
        ("mish", Activation::Mish),
        ("relu", Activation::Relu),
        ("relu2", Activation::Relu2),
        ("relu6", Activation::Relu6),
        ("selu", Activation::Selu),
        ("sigmoid", Activation::Sigmoid),
        ("silu", Activation::Silu),
        ("softmax", Activation::Softmax(-1)),
        ("softmax.options", Activation::Softmax(0)),
        ("softmin", Activation::Softmin(-1)),
        ("softmin.options", Activation::Softmin(0)),
        ("softplus", Activation::Softplus),
        ("softshrink", Activation::Softshrink(0.5)),
        ("softshrink.options", Activation::Softshrink(1.0)),
        ("softsign", Activation::Softsign),
        ("step", Activation::Step(0.0)),
        ("step.options", Activation::Step(0.5)),
        ("tanh", Activation::Tanh),
    ] {
        goldens.layer(name, activation);
    }
    goldens.layer("prelu", nn::PRelu::new(6));
    goldens.finish();
}
