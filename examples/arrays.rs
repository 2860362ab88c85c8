//! Arrays and laziness: `cargo run --release -p examples --example arrays`

use mlx::{Array, Dtype, Rest, arange, axes, eval, random};

fn main() -> mlx::Result<()> {
    // Operations record what to do and return at once.
    let x = arange(0.0, 6.0, 1.0, Dtype::F32)?.reshape([2, 3])?;
    let y = (&x * 2.0 + 1) / 3.0;
    println!("not computed yet, but known: {:?} of {}", y.shape()?, y.dtype()?);

    // `eval`, `to_vec` and `item` compute; several results in one pass.
    let (sum, rows) = (y.sum(..)?, y.max(axes(-1).keep())?);
    eval([&sum, &rows])?;
    println!("sum {} and the largest of each row {:?}", sum.item::<f32>()?, rows.to_vec::<f32>()?);

    // Part of an array: numbers, ranges, and `Rest` for the axes not named.
    println!("last column {:?}", x.at((Rest, -1))?.to_vec::<f32>()?);

    // Host scalars take the array's type: bf16 stays bf16.
    println!("half a bf16 array is {:?}", x.astype(Dtype::Bf16)? * 0.5);

    // An operator that fails needs no `?`; the next fallible call reports it, with the operator's line.
    let bad = &x + Array::from_slice(&[1.0f32, 2.0], &[2]);
    if let Err(error) = (bad * 2.0).sum(..) {
        println!("error: {error}");
    }

    // A softmax regression by hand: random draws are reproducible from their keys.
    let weights = random::normal(&[3, 4], Dtype::F32, &random::key(1)?)?;
    println!("probabilities {:?}", x.matmul(&weights)?.softmax(-1)?.to_vec::<f32>()?);
    Ok(())
}
