use crate::golden::{Case, Goldens};
use mlx::{
    Array, Result,
    nn::losses::{Reduction::*, *},
};

/// The loss by the inputs of `NAME.none`, `NAME.mean` and `NAME.sum`, and with Python's default reduction.
fn check<O: From<Reduction> + Default>(
    goldens: &Goldens,
    name: &str,
    loss: impl Fn(&Case<'_>, O) -> Result<Array>,
) {
    for (reduction, value) in [("none", None), ("mean", Mean), ("sum", Sum)] {
        let case = goldens.case(&format!("{name}.{reduction}"));
        case.check("out", &loss(&case, value.into()).unwrap());
    }
    let case = goldens.case(name);
    case.check("out", &loss(&case, O::default()).unwrap());
}

/// Reductions that stand alone have no default of their own.
fn check_plain(
    goldens: &Goldens,
    name: &str,
    default: Reduction,
    loss: fn(&Array, &Array, Reduction) -> Result<Array>,
) {
    for (suffix, reduction) in [(".none", None), (".mean", Mean), (".sum", Sum), ("", default)] {
        let case = goldens.case(&format!("{name}{suffix}"));
        case.check("out", &loss(case.input(0), case.input(1), reduction).unwrap());
    }
}

#[test]
fn losses() {
    let goldens = Goldens::of("losses");
    of_classes(&goldens);
    of_distances(&goldens);
    goldens.finish();
}

fn of_classes(goldens: &Goldens) {
    let entropy = |name: &str, options: fn(CrossEntropy<'static>) -> CrossEntropy<'static>| {
        check(goldens, name, |case, o| cross_entropy(case.input(0), case.input(1), options(o)));
    };
    entropy("cross_entropy", |o| o);
    entropy("cross_entropy.axis", |o| CrossEntropy { axis: 0, ..o });
    entropy("cross_entropy.probabilities", |o| o);
    entropy("cross_entropy.smoothing", |o| CrossEntropy { label_smoothing: 0.2, ..o });
    entropy("cross_entropy.both", |o| CrossEntropy { label_smoothing: 0.2, ..o });
    let case = goldens.case("cross_entropy.weights");
    let options = CrossEntropy { weights: Some(case.input(2)), ..None.into() };
    case.check("out", &cross_entropy(case.input(0), case.input(1), options).unwrap());

    let binary = |name: &str, options: fn(BinaryCrossEntropy<'static>) -> BinaryCrossEntropy<'static>| {
        check(goldens, name, |case, o| binary_cross_entropy(case.input(0), case.input(1), options(o)));
    };
    binary("binary_cross_entropy", |o| o);
    binary("binary_cross_entropy.probabilities", |o| BinaryCrossEntropy { with_logits: false, ..o });
    let case = goldens.case("binary_cross_entropy.weights");
    let options = BinaryCrossEntropy { weights: Some(case.input(2)), ..Default::default() };
    case.check("out", &binary_cross_entropy(case.input(0), case.input(1), options).unwrap());

    check(goldens, "nll_loss", |case, o: Nll| nll_loss(case.input(0), case.input(1), o));
    check(goldens, "nll_loss.axis", |case, o| nll_loss(case.input(0), case.input(1), Nll { axis: 0, ..o }));
    check(goldens, "kl_div_loss", |case, o: KlDiv| kl_div_loss(case.input(0), case.input(1), o));
    check(goldens, "kl_div_loss.axis", |case, o| {
        kl_div_loss(case.input(0), case.input(1), KlDiv { axis: 0, ..o })
    });
}

fn of_distances(goldens: &Goldens) {
    check_plain(goldens, "l1_loss", Mean, l1_loss);
    check_plain(goldens, "mse_loss", Mean, mse_loss);
    check_plain(goldens, "hinge_loss", None, hinge_loss);
    check_plain(goldens, "log_cosh_loss", None, log_cosh_loss);

    let gaussian = |name: &str, options: fn(GaussianNll) -> GaussianNll| {
        check(goldens, name, |case, o| {
            gaussian_nll_loss(case.input(0), case.input(1), case.input(2), options(o))
        });
    };
    gaussian("gaussian_nll_loss", |o| o);
    gaussian("gaussian_nll_loss.options", |o| GaussianNll { full: true, eps: 0.5, ..o });

    check(goldens, "smooth_l1_loss", |case, o: SmoothL1| smooth_l1_loss(case.input(0), case.input(1), o));
    check(goldens, "smooth_l1_loss.beta", |case, o| {
        smooth_l1_loss(case.input(0), case.input(1), SmoothL1 { beta: 0.3, ..o })
    });
    check(goldens, "huber_loss", |case, o: Huber| huber_loss(case.input(0), case.input(1), o));
    check(goldens, "huber_loss.delta", |case, o| {
        huber_loss(case.input(0), case.input(1), Huber { delta: 0.4, ..o })
    });

    let triplet = |name: &str, options: fn(Triplet) -> Triplet| {
        check(goldens, name, |case, o| triplet_loss(case.input(0), case.input(1), case.input(2), options(o)));
    };
    triplet("triplet_loss", |o| o);
    triplet("triplet_loss.options", |o| Triplet { axis: 0, p: 3.0, margin: 0.5, eps: 1e-3, ..o });

    let cosine = |name: &str, options: fn(CosineSimilarity) -> CosineSimilarity| {
        check(goldens, name, |case, o| cosine_similarity_loss(case.input(0), case.input(1), options(o)));
    };
    cosine("cosine_similarity_loss", |o| o);
    cosine("cosine_similarity_loss.options", |o| CosineSimilarity { axis: 0, eps: 3.0, ..o });

    let ranking = |name: &str, options: fn(MarginRanking) -> MarginRanking| {
        check(goldens, name, |case, o| {
            margin_ranking_loss(case.input(0), case.input(1), case.input(2), options(o))
        });
    };
    ranking("margin_ranking_loss", |o| o);
    ranking("margin_ranking_loss.margin", |o| MarginRanking { margin: 0.7, ..o });
}
