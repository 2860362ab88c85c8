//! Gradients against Python's, and against differences of values.

use super::{Args, Case, Golden, Op, compare::difference, find, on_the_cpu, report};
use mlx::{Array, Dtype, Result, eval, random, transforms::grad};

/// A case as a scalar function of its inputs: the sum of real and imaginary parts, each times a given number.
struct Weighted<'a> {
    op: Op,
    args: Args<'a>,
    inputs: Vec<Array>,
    /// Which inputs are variables.
    places: Vec<usize>,
    golden: &'a Golden,
}

impl<'a> Weighted<'a> {
    fn of(golden: &'a Golden, case: &'a Case) -> Result<Weighted<'a>> {
        let inputs = golden.inputs(case);
        let mut places = vec![];
        for (i, input) in inputs.iter().enumerate() {
            if input.dtype()? == Dtype::F32 {
                places.push(i);
            }
        }
        Ok(Weighted { op: find(&case.op).unwrap(), args: golden.args(case), inputs, places, golden })
    }

    fn variables(&self) -> Vec<Array> {
        self.places.iter().map(|&i| self.inputs[i].clone()).collect()
    }

    fn value(&self, variables: &[Array]) -> Result<Array> {
        let mut inputs = self.inputs.clone();
        for (&place, variable) in self.places.iter().zip(variables) {
            inputs[place] = variable.clone();
        }
        let mut sum = Array::scalar(0.0f32);
        for (i, output) in (self.op)(&inputs, &self.args)?.iter().enumerate() {
            let real = match output.dtype()? {
                Dtype::C64 => output.real()? + output.imag()?,
                dtype if dtype.is_float() => output.clone(),
                _ => continue,
            };
            let extents: Vec<_> = output.shape()?.iter().map(i32::to_string).collect();
            let weights = self.golden.input(&format!("f32:{}#c{i}", extents.join("x")));
            sum += (real * weights).sum(..)?;
        }
        Ok(sum)
    }

    fn gradients(&self) -> Result<Vec<Array>> {
        let gradients = grad(|x: &Vec<Array>| self.value(x))(&self.variables())?;
        eval(&gradients)?;
        Ok(gradients)
    }
}

#[test]
fn gradients_are_python_s() {
    on_the_cpu(|| {
        let golden = Golden::load();
        let (mut wrong, mut count) = (vec![], 0);
        for case in &golden.cases {
            let Some(expected) = golden.gradients(case) else { continue };
            count += 1;
            let text = match (Weighted::of(&golden, case).unwrap().gradients(), expected) {
                (Err(_), None) => None,
                (Ok(found), Some(expected)) => difference(&found, &expected, 1.0),
                (Ok(_), None) => Some("Python has no gradient".to_owned()),
                (Err(error), Some(_)) => Some(error.to_string()),
            };
            wrong.extend(text.map(|text| format!("{}: {text}\n    {}", case.name, case.text)));
        }
        assert!(count > 140, "only {count} cases have gradients");
        report(&wrong, count);
    });
}

/// A step over which smooth functions hardly bend, and single precision still tells values apart.
const STEP: f32 = 1e-2;

/// How much the value grows along a random direction, by the gradients and by the difference of two values.
fn growth(case: &Weighted<'_>) -> Result<(f64, f64)> {
    let (gradients, variables) = (case.gradients()?, case.variables());
    let mut by_gradients = 0.0;
    let (mut ahead, mut behind) = (vec![], vec![]);
    for (i, (variable, gradient)) in variables.iter().zip(&gradients).enumerate() {
        let direction = random::normal(variable.shape()?, Dtype::F32, &random::key(i as u64)?)?;
        by_gradients += (gradient * &direction).sum(..)?.item::<f64>()?;
        ahead.push(variable + &direction * STEP);
        behind.push(variable - &direction * STEP);
    }
    let difference: f64 = (case.value(&ahead)? - case.value(&behind)?).item()?;
    Ok((by_gradients, difference / f64::from(2.0 * STEP)))
}

#[test]
fn gradients_are_slopes() {
    on_the_cpu(|| {
        let golden = Golden::load();
        let (mut wrong, mut count) = (vec![], 0);
        for case in &golden.cases {
            if golden.gradients(case).flatten().is_none() {
                continue;
            }
            count += 1;
            let text = match growth(&Weighted::of(&golden, case).unwrap()) {
                Ok((gradient, slope)) => {
                    let far = (gradient - slope).abs() > 1e-2 * slope.abs().max(1.0);
                    far.then(|| format!("by gradients {gradient}, by values {slope}"))
                }
                Err(error) => Some(error.to_string()),
            };
            wrong.extend(text.map(|text| format!("{}: {text}\n    {}", case.name, case.text)));
        }
        report(&wrong, count);
    });
}
