//! Optimizers against Python's, and what they promise beside the numbers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, ErrorKind, Loader, Module, Param, Parameters, Result, io,
    nn::{self, Linear, RmsNorm},
    ones,
    optimizers::*,
    random,
    transforms::{CompileMode, compile_with_state, set_compile_mode},
    zeros,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/optimizers.safetensors");

/// What Python computed, by name.
fn golden() -> Parameters {
    io::load_safetensors(GOLDEN).unwrap()
}

/// The arrays whose names start with `prefix`, without it.
fn under(all: &Parameters, prefix: &str) -> Parameters {
    let cut = |(name, array): (&String, &Array)| Some((name.strip_prefix(prefix)?.to_owned(), array.clone()));
    all.iter().filter_map(cut).collect()
}

fn cast(parameters: &Parameters, dtype: Dtype) -> Parameters {
    parameters.iter().map(|(path, array)| (path.clone(), array.astype(dtype).unwrap())).collect()
}

#[track_caller]
fn assert_close(found: &Array, expected: &Array, what: &str) {
    assert_eq!(found.shape().unwrap(), expected.shape().unwrap(), "{what}");
    assert_eq!(found.dtype().unwrap(), expected.dtype().unwrap(), "{what}");
    let on_a_gpu = Device::default_device().unwrap() == Device::Gpu;
    let is_half = found.dtype().unwrap() == Dtype::Bf16;
    let tolerance = match (on_a_gpu, is_half) {
        (true, true) => 5e-2,
        (true, false) => 1e-5,
        (false, true) => 1e-2,
        (false, false) => 1e-6,
    };
    let expected = expected.to_vec::<f32>().unwrap();
    // What is left where large terms cancel differs as they do: by the last digit of the largest.
    let largest = expected.iter().fold(0.0f32, |most, y| most.max(y.abs()));
    let least = if on_a_gpu && is_half { largest / 128.0 } else { 0.0 };
    for (i, (x, y)) in found.to_vec::<f32>().unwrap().into_iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= least.max(tolerance * y.abs()), "{what}: element {i} is {x}, expected {y}");
    }
}

/// All elements in one row, path by path.
fn row(parameters: &Parameters) -> Array {
    let flat: Vec<_> = parameters.values().map(|array| array.reshape([-1]).unwrap()).collect();
    mlx::concatenate(&flat, 0).unwrap()
}

fn joined() -> Result<Schedule> {
    let parts = [linear_schedule(0.0, 0.1, 3)?, exponential_decay(0.1, 0.9), cosine_decay(0.05, 0.0, 20)?];
    join_schedules(&parts, &[3, 7])
}

/// The optimizers of the golden file, by name.
fn optimizers() -> Result<Vec<(&'static str, Optimizer)>> {
    let relative = LearningRate::Relative;
    let adafactor_options = Adafactor::new()
        .with_eps([1e-3, 0.5])
        .with_clip_threshold(0.5)
        .with_decay_rate(-0.5)
        .with_beta_1(0.9)
        .with_weight_decay(0.1);
    let adam_options = Adam::new().with_betas([0.8, 0.95]).with_eps(1e-2);
    let adamw_options =
        AdamW::new().with_betas([0.8, 0.95]).with_eps(1e-2).with_weight_decay(0.3).with_bias_correction(true);
    let sgd_dampening = Sgd::new().with_momentum(0.9).with_dampening(0.2).with_weight_decay(0.05);
    let muon_options =
        Muon::new().with_momentum(0.8).with_weight_decay(0.0).with_nesterov(false).with_ns_steps(3);
    let multi = Optimizer::new(Adam::new(), 0.01)?
        .with_group(|path, g| path.starts_with("layers") && g.ndim().unwrap() == 2, Muon::new(), 0.02)?
        .with_group(|path, _| path.contains("conv"), Lion::new(), exponential_decay(0.1, 0.5))?;
    let layers = Optimizer::new(Sgd::new().with_momentum(0.9), 0.1)?.with_group(
        |_, g| g.ndim().unwrap() == 2,
        Muon::new(),
        0.02,
    )?;
    let others =
        Optimizer::new(Adam::new(), 0.01)?.with_group(|path, _| path.contains("conv"), Lion::new(), 0.1)?;
    let multi_nested = Optimizer::multi(others).with_optimizer(|path, _| path.starts_with("layers"), layers);
    Ok(vec![
        ("sgd", Optimizer::new(Sgd::new(), 0.1)?),
        ("sgd_weight_decay", Optimizer::new(Sgd::new().with_weight_decay(0.05), 0.1)?),
        ("sgd_momentum", Optimizer::new(Sgd::new().with_momentum(0.9), 0.1)?),
        ("sgd_dampening", Optimizer::new(sgd_dampening, 0.1)?),
        ("sgd_nesterov", Optimizer::new(Sgd::new().with_momentum(0.9).with_nesterov(true), 0.1)?),
        ("rmsprop", Optimizer::new(RmsProp::new(), 0.01)?),
        ("rmsprop_options", Optimizer::new(RmsProp::new().with_alpha(0.8).with_eps(1e-2), 0.01)?),
        ("adagrad", Optimizer::new(Adagrad::new(), 0.1)?),
        ("adagrad_options", Optimizer::new(Adagrad::new().with_eps(1e-1), 0.1)?),
        ("adadelta", Optimizer::new(AdaDelta::new(), 0.5)?),
        ("adadelta_options", Optimizer::new(AdaDelta::new().with_rho(0.7).with_eps(1e-2), 0.5)?),
        ("adam", Optimizer::new(Adam::new(), 0.01)?),
        ("adam_options", Optimizer::new(adam_options, 0.01)?),
        ("adam_bias_correction", Optimizer::new(Adam::new().with_bias_correction(true), 0.01)?),
        ("adamw", Optimizer::new(AdamW::new(), 0.01)?),
        ("adamw_options", Optimizer::new(adamw_options, 0.01)?),
        ("adamax", Optimizer::new(Adamax::new(), 0.01)?),
        ("adamax_options", Optimizer::new(Adamax::new().with_betas([0.8, 0.95]).with_eps(1e-2), 0.01)?),
        ("lion", Optimizer::new(Lion::new(), 0.01)?),
        ("lion_options", Optimizer::new(Lion::new().with_betas([0.8, 0.95]).with_weight_decay(0.3), 0.01)?),
        ("adafactor", Optimizer::new(Adafactor::new(), relative.clone())?),
        ("adafactor_warmup", Optimizer::new(Adafactor::new().with_warmup_init(true), relative.clone())?),
        ("adafactor_learning_rate", Optimizer::new(Adafactor::new(), 0.05)?),
        ("adafactor_options", Optimizer::new(adafactor_options, 0.05)?),
        (
            "adafactor_unscaled",
            Optimizer::new(Adafactor::new().with_beta_1(0.8).with_scale_parameter(false), relative)?,
        ),
        ("muon", Optimizer::new(Muon::new(), 0.02)?),
        ("muon_options", Optimizer::new(muon_options, 0.02)?),
        ("scheduled", Optimizer::new(AdamW::new(), joined()?)?),
        ("multi", multi),
        ("multi_nested", multi_nested),
    ])
}

/// Takes the steps of the golden file and compares the parameters after each, and the state after the last.
fn check(golden: &Parameters, case: &str, optimizer: &mut Optimizer, dtype: Dtype) -> Result<()> {
    let mut parameters = cast(&under(golden, "start/"), dtype);
    let rows = &golden[&format!("{case}/parameters")];
    for i in 0..rows.dim(0)? {
        let gradients = cast(&under(golden, &format!("gradients/{i}/")), dtype);
        parameters = optimizer.apply_gradients(&gradients, &parameters)?;
        assert_close(&row(&parameters), &rows.at(i)?, &format!("{case}, step {i}"));
    }
    let (state, expected) = (optimizer.state(), under(golden, &format!("{case}/state/")));
    assert_eq!(state.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{case}");
    for (name, array) in &state {
        assert_close(array, &expected[name], &format!("{case}, {name}"));
    }
    Ok(())
}

#[test]
fn parameters_and_states_are_those_of_python() -> Result<()> {
    let golden = golden();
    let mut in_bfloat16 = 0;
    for (case, mut optimizer) in optimizers()? {
        check(&golden, case, &mut optimizer, Dtype::F32)?;
    }
    for (name, mut optimizer) in optimizers()? {
        let case = format!("{name}_bf16");
        if golden.contains_key(&format!("{case}/parameters")) {
            check(&golden, &case, &mut optimizer, Dtype::Bf16)?;
            in_bfloat16 += 1;
        }
    }
    assert_eq!(in_bfloat16, 5);
    let cases = golden.keys().filter(|name| name.ends_with("/parameters")).count();
    assert_eq!(cases, optimizers()?.len() + in_bfloat16, "a case of the golden file is not tested");
    Ok(())
}

#[test]
fn schedules_are_those_of_python() -> Result<()> {
    let golden = under(&golden(), "schedules/");
    let steps = golden["steps"].to_vec::<u64>()?;
    for (name, schedule) in [
        ("exponential", exponential_decay(0.1, 0.9)),
        ("step", step_decay(0.1, 0.5, 3)?),
        ("cosine", cosine_decay(0.1, 0.01, 10)?),
        ("linear", linear_schedule(0.5, 0.1, 8)?),
        ("joined", joined()?),
    ] {
        for (i, step) in steps.iter().enumerate() {
            let expected = golden[name].at(i as i32)?;
            assert_close(&schedule.at(&Array::scalar(*step))?, &expected, &format!("{name} at {step}"));
        }
    }
    Ok(())
}

#[test]
fn schedules_refuse_what_they_cannot_follow() {
    for (schedule, message) in [
        (step_decay(0.1, 0.9, 0), "step_size must be at least 1"),
        (cosine_decay(0.1, 0.0, 0), "decay_steps must be at least 1"),
        (linear_schedule(0.1, 0.0, 0), "steps must be at least 1"),
        (join_schedules(&[], &[]), "there is no schedule to join"),
        (join_schedules(&[exponential_decay(0.1, 0.9)], &[3]), "1 schedules need 0 boundaries, not 1"),
        (join_schedules(&vec![exponential_decay(0.1, 0.9); 2], &[]), "2 schedules need 1 boundaries, not 0"),
    ] {
        let error = schedule.unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
}

#[test]
fn norms_are_clipped_as_in_python() -> Result<()> {
    let golden = golden();
    let gradients = under(&golden, "gradients/0/");
    for (case, max_norm) in [("much", 0.5), ("nothing", 1e3)] {
        let (clipped, norm) = clip_grad_norm(&gradients, max_norm)?;
        let expected = under(&golden, &format!("clip/{case}/"));
        assert_close(&norm, &expected["norm"], case);
        assert_eq!(clipped.len(), gradients.len());
        clipped.iter().for_each(|(path, array)| assert_close(array, &expected[path], path));
    }
    let (clipped, norm) = clip_grad_norm(&Parameters::new(), 1.0)?;
    assert!(clipped.is_empty() && norm.item::<f32>()? == 0.0);
    // 300² overflows half precision.
    let half = named("w", mlx::full(&[4], 300.0, Dtype::F16));
    let (clipped, norm) = clip_grad_norm(&half, 1.0)?;
    assert_eq!((norm.item::<f32>()?, clipped["w"].dtype()?), (600.0, Dtype::F16));
    assert_eq!(clipped["w"].to_vec::<f32>()?, [0.5; 4]);
    for max_norm in [-1.0, f64::NAN] {
        assert!(clip_grad_norm(&half, max_norm).is_err());
    }
    Ok(())
}

fn named(path: &str, array: Array) -> Parameters {
    Parameters::from([(path.to_owned(), array)])
}

#[test]
fn dtypes_of_parameters_stay() -> Result<()> {
    for (name, mut optimizer) in optimizers()? {
        for (gradient, parameter) in [(Dtype::Bf16, Dtype::Bf16), (Dtype::F32, Dtype::F16)] {
            let path = format!("{parameter}.weight");
            let (gradients, parameters) =
                (named(&path, ones(&[2, 2], gradient)), named(&path, ones(&[2, 2], parameter)));
            let made = optimizer.apply_gradients(&gradients, &parameters)?;
            assert_eq!(made[&path].dtype()?, parameter, "{name}");
        }
        optimizer.state().retain(|key, state| {
            let expected = if key.contains("bfloat16") { Dtype::Bf16 } else { Dtype::F32 };
            assert!(state.dtype().unwrap() == expected || key.ends_with("step"), "{name}: {key}");
            true
        });
    }
    Ok(())
}

#[test]
fn parameters_without_elements_are_no_trouble() -> Result<()> {
    for (name, mut optimizer) in optimizers()? {
        for shape in [&[0][..], &[0, 3], &[3, 0], &[0, 0], &[2, 0, 3, 1]] {
            let empty = named(&format!("layers.{shape:?}.conv"), zeros(shape, Dtype::F32));
            let made = optimizer.apply_gradients(&empty, &empty)?;
            assert!(
                made.values().all(|array| array.to_vec::<f32>().unwrap().is_empty()),
                "{name}: {shape:?}"
            );
        }
    }
    Ok(())
}

/// Steps `from..to` of the golden file, from `parameters` on.
fn steps(
    optimizer: &mut Optimizer,
    mut parameters: Parameters,
    range: std::ops::Range<i32>,
) -> Result<Parameters> {
    let golden = golden();
    for i in range {
        parameters = optimizer.apply_gradients(&under(&golden, &format!("gradients/{i}/")), &parameters)?;
    }
    Ok(parameters)
}

#[test]
fn a_saved_state_continues_where_it_stopped() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let start = under(&golden(), "start/");
    let fresh = optimizers()?;
    for ((name, mut through), (_, mut resumed)) in optimizers()?.into_iter().zip(fresh) {
        let file = folder.path().join(format!("{name}.safetensors"));
        let half_way = steps(&mut through, start.clone(), 0..2)?;
        through.save_state(&file)?;
        resumed.load_state(&file)?;
        let (expected, found) =
            (steps(&mut through, half_way.clone(), 2..4)?, steps(&mut resumed, half_way.clone(), 2..4)?);
        assert_close(&row(&found), &row(&expected), name);
        assert_eq!(resumed.step().item::<u64>()?, 4);
        // As a module it is loaded strictly, in place.
        let weights = Loader::new(io::load_safetensors(&file)?);
        resumed.load(&weights)?;
        weights.finish()?;
        assert_close(&row(&steps(&mut resumed, half_way, 2..4)?), &row(&expected), name);
    }
    Ok(())
}

#[test]
fn states_of_python_are_taken() -> Result<()> {
    let golden = golden();
    for (name, mut optimizer) in optimizers()? {
        let state = under(&golden, &format!("{name}/state/"));
        optimizer.set_state(&state)?;
        optimizer.init(&under(&golden, "start/"))?;
        let held = optimizer.state();
        assert_eq!(held.keys().collect::<Vec<_>>(), state.keys().collect::<Vec<_>>(), "{name}");
        held.iter().for_each(|(key, array)| assert_close(array, &state[key], key));
        steps(&mut optimizer, under(&golden, "start/"), 0..1)?;
        assert_eq!(optimizer.step().item::<u64>()?, 5);
    }
    Ok(())
}

#[test]
fn states_that_do_not_fit_are_refused() -> Result<()> {
    let scalar = |x: f32| Array::scalar(x);
    let state = |more: &[(&str, Array)]| {
        let base = [("step", Array::scalar(3u64)), ("learning_rate", scalar(0.5))];
        base.iter()
            .chain(more)
            .map(|(name, array)| ((*name).to_owned(), array.clone()))
            .collect::<Parameters>()
    };
    let vector = || zeros(&[3], Dtype::F32);
    let mut optimizer = Optimizer::new(Adam::new(), 0.1)?;
    let before = optimizer.state();
    let only_step = named("step", Array::scalar(3u64));
    for (state, message) in [
        (Parameters::new(), "`step` is missing"),
        (only_step.clone(), "`learning_rate` is missing"),
        (state(&[("w.v", vector()), ("w.u", vector())]), "`w.u` is nothing that Adam"),
        (state(&[("w", vector())]), "`w` is nothing that Adam"),
        (state(&[("step", vector())]), "`step` must be a scalar, not of the shape [3]"),
        (state(&[("learning_rate", vector())]), "`learning_rate` must be a scalar"),
    ] {
        let error = optimizer.set_state(&state).unwrap_err();
        assert_eq!((error.kind(), error.location().file()), (ErrorKind::Weights, file!()), "{error}");
        assert!(error.message().contains(message), "{error}");
        assert_eq!(optimizer.step().item::<u64>()?, 0);
    }
    assert_eq!(optimizer.state().len(), before.len());
    // Shapes are compared when the parameter comes by.
    for (state, message) in [
        (state(&[("w.m", vector())]), "the state of `w` lacks `v`"),
        (
            state(&[("w.m", vector()), ("w.v", zeros(&[1], Dtype::F32))]),
            "the state `v` of `w` has the shape [1], the parameter asks for [3]",
        ),
    ] {
        optimizer.set_state(&state)?;
        let w = named("w", vector());
        for error in [optimizer.apply_gradients(&w, &w).unwrap_err(), optimizer.init(&w).unwrap_err()] {
            assert_eq!(error.location().file(), file!(), "{error}");
            assert!(error.message().contains(message), "{error}");
        }
        assert_eq!(optimizer.step().item::<u64>()?, 3, "a failed step counts");
    }
    let mut adafactor = Optimizer::new(Adafactor::new(), LearningRate::Relative)?;
    assert!(adafactor.set_state(&state(&[])).unwrap_err().message().contains("the optimizer has none"));
    adafactor.set_state(&[only_step, named("w.exp_avg_sq_row", vector())].into_iter().flatten().collect())?;
    let w = named("w", vector());
    assert!(adafactor.apply_gradients(&w, &w).unwrap_err().message().contains("lacks `exp_avg_sq`"));
    let mut multi = Optimizer::new(Adam::new(), 0.1)?.with_group(|_, _| true, Sgd::new(), 0.1)?;
    let mut foreign = multi.state();
    foreign.insert("states.2.step".to_owned(), Array::scalar(0u64));
    let error = multi.set_state(&foreign).unwrap_err();
    assert!(error.message().contains("`states.2.step` is of none of the 2 groups"), "{error}");
    assert!(multi.set_state(&state(&[])).is_err());
    Ok(())
}

#[test]
fn options_out_of_range_are_refused() {
    let nan = f64::NAN;
    for (optimizer, message) in [
        (Optimizer::new(Sgd::new().with_nesterov(true), 0.1), "Nesterov needs a momentum"),
        (
            Optimizer::new(Sgd::new().with_nesterov(true).with_momentum(0.9).with_dampening(0.1), 0.1),
            "the dampening 0.1",
        ),
        (Optimizer::new(RmsProp::new().with_alpha(-0.1), 0.1), "alpha must be at least 0, not -0.1"),
        (Optimizer::new(RmsProp::new().with_eps(0.0), 0.1), "eps must be above 0, not 0"),
        (Optimizer::new(Adagrad::new().with_eps(-1.0), 0.1), "eps must be above 0, not -1"),
        (Optimizer::new(AdaDelta::new().with_rho(nan), 0.1), "rho must be at least 0, not NaN"),
        (Optimizer::new(AdaDelta::new().with_eps(0.0), 0.1), "eps must be above 0"),
        (
            Optimizer::new(Adam::new().with_betas([1.0, 0.9]), 0.1),
            "beta 1 must be at least 0 and below 1, not 1",
        ),
        (Optimizer::new(AdamW::new().with_betas([0.9, -0.1]), 0.1), "beta 2"),
        (Optimizer::new(Adamax::new().with_eps(nan), 0.1), "eps must be at least 0, not NaN"),
        (Optimizer::new(Lion::new().with_betas([0.9, 2.0]), 0.1), "beta 2"),
        (Optimizer::new(Sgd::new(), zeros(&[2], Dtype::F32)), "`learning_rate` must be a scalar"),
        (Optimizer::new(Sgd::new(), Schedule::new(|_| Ok(zeros(&[2], Dtype::F32)))), "must be a scalar"),
    ] {
        let error = optimizer.unwrap_err();
        assert!(error.message().contains(message), "{error}");
        assert_eq!(error.location().file(), file!(), "{error}");
    }
}

#[derive(Module)]
struct Model {
    weight: Param,
    norm: RmsNorm,
    count: Array,
}

fn model() -> Model {
    let weight = ones(&[3], Dtype::F32).into();
    Model { weight, norm: RmsNorm::new(2, 1e-5), count: Array::scalar(0.0f32) }
}

#[test]
fn gradients_that_do_not_fit_change_nothing() -> Result<()> {
    let (mut model, mut optimizer) = (model(), Optimizer::new(Adam::new(), 0.1)?);
    model.freeze(|path| path == "norm.weight");
    let fitting = || named("weight", ones(&[3], Dtype::F32));
    for (path, shape, message) in [
        ("weights", &[3][..], "nothing that learns at `weights`"),
        ("norm.weight", &[2], "nothing that learns at `norm.weight`"),
        ("count", &[], "nothing that learns at `count`"),
        ("weight", &[1], "the gradient of `weight` has the shape [1], the parameter [3]"),
    ] {
        let mut gradients = fitting();
        gradients.insert(path.to_owned(), ones(shape, Dtype::F32));
        let error = optimizer.update(&mut model, &gradients).unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
    let failed = named("weight", ones(&[3], Dtype::F32) + ones(&[2], Dtype::F32));
    assert_eq!(optimizer.update(&mut model, &failed).unwrap_err().op(), "add");
    assert_eq!((optimizer.step().item::<u64>()?, optimizer.state().len()), (0, 2));
    assert_eq!(model.weight.to_vec::<f32>()?, [1.0; 3]);
    let mut without_rate = Optimizer::new(Adam::new(), LearningRate::Relative)?;
    let error = without_rate.update(&mut model, &fitting()).unwrap_err();
    assert!(error.message().contains("this rule needs a learning rate"), "{error}");
    optimizer.update(&mut model, &fitting())?;
    assert_ne!(model.weight.to_vec::<f32>()?, [1.0; 3]);
    assert_eq!(model.norm.parameters()["weight"].to_vec::<f32>()?, [1.0; 2]);
    Ok(())
}

#[test]
fn learning_rates_can_be_replaced() -> Result<()> {
    let mut optimizer = Optimizer::new(Sgd::new(), exponential_decay(1.0, 0.5))?.with_group(
        |path, _| path == "y",
        Sgd::new(),
        0.0,
    )?;
    let gradients = Parameters::from(["x", "y"].map(|path| (path.to_owned(), Array::scalar(1.0f32))));
    let mut parameters = gradients.clone();
    let mut step = |optimizer: &mut Optimizer| -> Result<[f32; 2]> {
        parameters = optimizer.apply_gradients(&gradients, &parameters)?;
        Ok([parameters["x"].item()?, parameters["y"].item()?])
    };
    assert_eq!(step(&mut optimizer)?, [0.0, 1.0]);
    assert_eq!(step(&mut optimizer)?, [-0.5, 1.0]);
    assert_eq!(optimizer.learning_rate().unwrap().item::<f32>()?, 0.5);
    optimizer.set_learning_rate(0.25)?;
    assert_eq!(step(&mut optimizer)?, [-0.75, 0.75]);
    optimizer.set_learning_rate(linear_schedule(0.0, 1.0, 6)?)?;
    assert_eq!(optimizer.learning_rate().unwrap().item::<f32>()?, 0.5);
    assert_eq!(step(&mut optimizer)?, [-1.25, 0.25]);
    Ok(())
}

/// Linear regression with the gradient worked out by hand: `2/n · Xᵀ(Xw - y)`.
#[test]
fn training_converges() -> Result<()> {
    let x = random::normal(&[32, 3], Dtype::F32, &random::key(0)?)?;
    let y = x.matmul(&Array::from_slice(&[0.8f32, -0.5, 1.1], &[3, 1]))?;
    for (name, optimizer) in [
        ("sgd", Optimizer::new(Sgd::new().with_momentum(0.8), 0.05)?),
        ("rmsprop", Optimizer::new(RmsProp::new(), 0.02)?),
        ("adagrad", Optimizer::new(Adagrad::new(), 0.3)?),
        ("adadelta", Optimizer::new(AdaDelta::new().with_eps(1e-3), 1.0)?),
        ("adam", Optimizer::new(Adam::new(), cosine_decay(0.05, 0.0, 150)?)?),
        ("adamw", Optimizer::new(AdamW::new().with_weight_decay(1e-4), cosine_decay(0.05, 0.0, 150)?)?),
        ("adamax", Optimizer::new(Adamax::new(), 0.05)?),
        ("lion", Optimizer::new(Lion::new(), cosine_decay(0.05, 0.0, 150)?)?),
        ("adafactor", Optimizer::new(Adafactor::new(), cosine_decay(0.2, 0.0, 150)?)?),
        ("muon", Optimizer::new(Muon::new(), cosine_decay(0.1, 0.0, 150)?)?),
    ] {
        let mut optimizer = optimizer;
        let mut parameters = named("w", mlx::full(&[3, 1], 0.1, Dtype::F32));
        let residue = |parameters: &Parameters| x.matmul(&parameters["w"])?.subtract(&y);
        let loss = |parameters: &Parameters| residue(parameters)?.square()?.mean(..)?.item::<f32>();
        let before = loss(&parameters)?;
        for _ in 0..150 {
            let gradient = x.t()?.matmul(&residue(&parameters)?)? * (2.0 / 32.0);
            parameters = optimizer.apply_gradients(&named("w", gradient), &parameters)?;
            mlx::eval(parameters.values().chain(optimizer.state().values()))?;
        }
        let after = loss(&parameters)?;
        assert!(after < 0.02 * before, "{name}: the loss went from {before} to {after}");
    }
    Ok(())
}

/// A step of regression by a linear layer; returns the loss.
fn train((model, optimizer): &mut (Linear, Optimizer), (x, y): &(Array, Array)) -> Result<Array> {
    let loss = |model: &Linear| (model.forward(x)? - y).square()?.mean(..);
    let (loss, gradients) = nn::value_and_grad(model, loss)?;
    optimizer.update(model, &clip_grad_norm(&gradients, 0.5)?.0)?;
    Ok(loss)
}

fn regression() -> Result<(Linear, Optimizer)> {
    let mut model = Linear::new(3, 2);
    model.update(&named("weight", random::normal(&[2, 3], Dtype::F32, &random::key(1)?)?))?;
    let adam = AdamW::new().with_bias_correction(true);
    let optimizer = Optimizer::new(adam, linear_schedule(0.1, 0.0, 8)?)?.with_group(
        |path, _| path == "weight",
        Muon::new(),
        joined()?,
    )?;
    Ok((model, optimizer))
}

#[test]
fn compiled_steps_go_the_same_way() -> Result<()> {
    // Fusing would run a C++ compiler.
    set_compile_mode(CompileMode::NoFuse)?;
    let batch = |seed| -> Result<_> {
        let x = random::normal(&[4, 3], Dtype::F32, &random::key(seed)?)?;
        Ok((x.clone(), x.slice(&[0, 0], &[4, 2])?))
    };
    let (mut plain, mut compiled) = (regression()?, regression()?);
    let step = compile_with_state(train);
    let error = step.call(&mut compiled, &batch(2)?).unwrap_err();
    assert!(error.message().contains("changed what its state consists of"), "{error}");
    compiled.1.init(&compiled.0.trainable_parameters())?;
    let mut steps = 0;
    for seed in 2..7 {
        let expected = train(&mut plain, &batch(seed)?)?.item::<f32>()?;
        let loss = step.call(&mut compiled, &batch(seed)?)?.item::<f32>()?;
        assert!((loss - expected).abs() <= 1e-5 * expected, "step {steps}: {loss}, expected {expected}");
        steps += 1;
        assert_eq!(compiled.1.step().item::<u64>()?, steps);
        let rate = |optimizer: &Optimizer| optimizer.state()["states.0.learning_rate"].item::<f32>();
        assert_eq!(rate(&compiled.1)?, rate(&plain.1)?);
    }
    Ok(())
}
