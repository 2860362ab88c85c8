//! Arrays as a user meets them: creation, scalars, shapes, indexing, reading.

use mlx::{
    Array, Complex32, Dtype, ErrorKind, New, Rest, Result, axes, bf16, f16, ones, random, stack, zeros,
};

fn counting(shape: &[i32]) -> Result<Array> {
    let count = shape.iter().product::<i32>();
    mlx::arange(0.0, count.into(), 1.0, Dtype::F32)?.reshape(shape)
}

#[test]
fn two_words_wide() {
    assert_eq!(size_of::<Array>(), 16);
}

#[test]
fn every_dtype_goes_in_and_out() -> Result<()> {
    fn round<T: mlx::Element + PartialEq + std::fmt::Debug>(values: &[T]) -> Result<()> {
        let array = Array::from_slice(values, &[values.len() as i32]);
        assert_eq!(array.dtype()?, T::DTYPE);
        assert_eq!(array.to_vec::<T>()?, values);
        Ok(())
    }
    round(&[true, false, true])?;
    round(&[0u8, 7, u8::MAX])?;
    round(&[0u16, 7, u16::MAX])?;
    round(&[0u32, 7, u32::MAX])?;
    round(&[0u64, 7, u64::MAX])?;
    round(&[i8::MIN, 0, i8::MAX])?;
    round(&[i16::MIN, 0, i16::MAX])?;
    round(&[i32::MIN, 0, i32::MAX])?;
    round(&[i64::MIN, 0, i64::MAX])?;
    round(&[f16::MIN, f16::ONE, f16::MAX])?;
    round(&[bf16::MIN, bf16::ONE, bf16::MAX])?;
    round(&[f32::MIN, 0.5, f32::MAX])?;
    round(&[f64::MIN, 0.5, f64::MAX])?;
    round(&[Complex32::new(0.5, f32::MIN), Complex32::new(f32::MAX, -1.0)])
}

#[test]
fn host_scalars_take_the_dtype_of_the_array() -> Result<()> {
    let of = |dtype| ones(&[2], dtype);
    for dtype in [Dtype::F16, Dtype::Bf16, Dtype::F32] {
        for array in [of(dtype) * 2.0f64, of(dtype) + 1, 1.5f32 - of(dtype), of(dtype) / true, -of(dtype)] {
            assert_eq!(array.dtype()?, dtype);
        }
    }
    for (array, dtype) in [
        (of(Dtype::I32) * 2, Dtype::I32),
        (of(Dtype::U8) + 1, Dtype::U8),
        (of(Dtype::I32) * 0.5, Dtype::F32),
        (of(Dtype::Bool) + 1, Dtype::I32),
        (of(Dtype::I64) % 2i64, Dtype::I64),
    ] {
        assert_eq!(array.dtype()?, dtype);
    }
    assert_eq!((2.0 / (of(Dtype::F32) + 1)).to_vec::<f32>()?, [1.0, 1.0]);
    Ok(())
}

#[test]
fn strided_views_read_in_row_major_order() -> Result<()> {
    let x = counting(&[2, 3])?;
    assert_eq!(x.t()?.to_vec::<f32>()?, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(x.at((.., 1..))?.to_vec::<f32>()?, [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(x.at(1)?.broadcast_to([2, 3])?.to_vec::<i32>()?, [3, 4, 5, 3, 4, 5]);
    assert_eq!(zeros(&[0, 3], Dtype::F32).to_vec::<f32>()?.len(), 0);
    // A view that begins in the middle of an element of another size.
    let bytes = Array::from_slice(&(0u8..17).collect::<Vec<_>>(), &[17]).at(1..)?;
    assert_eq!(bytes.view(Dtype::U32)?.to_vec::<u32>()?[0], u32::from_le_bytes([1, 2, 3, 4]));
    assert_eq!(
        Array::from_slice(&[0u8, 1, 2], &[3]).view(Dtype::Bool)?.to_vec::<bool>()?,
        [false, true, true]
    );
    Ok(())
}

#[test]
fn indexing_agrees_with_plain_loops() -> Result<()> {
    let x = counting(&[3, 4, 5])?;
    let at = |i: i32, j: i32, k: i32| (i * 20 + j * 5 + k) as f32;
    // Written as literals these look like a mistake to clippy.
    let (last, to) = (-1, 1);
    for (array, shape, first, last) in [
        (x.at(2)?, &[4, 5][..], at(2, 0, 0), at(2, 3, 4)),
        (x.at(-1)?, &[4, 5], at(2, 0, 0), at(2, 3, 4)),
        (x.at((.., 1..3))?, &[3, 2, 5], at(0, 1, 0), at(2, 2, 4)),
        (x.at((.., -2.., ..2))?, &[3, 2, 2], at(0, 2, 0), at(2, 3, 1)),
        (x.at((Rest, 4))?, &[3, 4], at(0, 0, 4), at(2, 3, 4)),
        (x.at((0, Rest, 0..=2))?, &[4, 3], at(0, 0, 0), at(0, 3, 2)),
        (x.at((Rest, 1..=last))?, &[3, 4, 4], at(0, 0, 1), at(2, 3, 4)),
        (x.at((New, 1, New, Rest))?, &[1, 1, 4, 5], at(1, 0, 0), at(1, 3, 4)),
        (x.at((.., .., 1..99))?, &[3, 4, 4], at(0, 0, 1), at(2, 3, 4)),
    ] {
        let values = array.to_vec::<f32>()?;
        assert_eq!((array.shape()?, values[0], values[values.len() - 1]), (shape, first, last));
    }
    assert_eq!(x.at((.., 3..to))?.shape()?, [3, 0, 5]);
    for (result, message) in [
        (x.at(3), "index 3 is out of range for axis 0 of the shape [3, 4, 5]"),
        (x.at((0, -5)), "index -5 is out of range for axis 1"),
        (x.at((0, 0, 0, 0)), "4 indices for the shape"),
        (x.at((Rest, 0, Rest)), "more than one `Rest`"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(message), "{error}");
    }
    Ok(())
}

#[test]
fn set_at_replaces_what_at_reads() -> Result<()> {
    let x = counting(&[3, 4])?;
    let row = Array::from_slice(&[-1.0f32, -2.0, -3.0, -4.0], &[4]);
    let y = x.set_at(1, &row)?;
    assert_eq!(y.at(1)?.to_vec::<f32>()?, row.to_vec::<f32>()?);
    assert_eq!(y.at(0)?.to_vec::<f32>()?, x.at(0)?.to_vec::<f32>()?);
    let column = Array::from_slice(&[7.0f32, 8.0, 9.0], &[3]);
    assert_eq!(x.set_at((.., 2), &column)?.at((.., 2))?.to_vec::<f32>()?, [7.0, 8.0, 9.0]);
    assert_eq!(x.set_at((1.., ..2), 0)?.sum(..)?.item::<f32>()?, 66.0 - (4.0 + 5.0 + 8.0 + 9.0));
    assert_eq!(
        x.set_at((.., New, 0), column.expand_dims(1)?)?.at((.., 0))?.to_vec::<f32>()?,
        [7.0, 8.0, 9.0]
    );
    assert!(x.set_at(0, &column).is_err());
    Ok(())
}

#[test]
fn positions_out_of_range_are_clamped() -> Result<()> {
    let x = counting(&[3, 2])?;
    let far = Array::from_slice(&[-9i32, -1, 0, 2, 3, i32::MAX, i32::MIN], &[7]);
    let expected = [0.0, 1.0, 4.0, 5.0, 0.0, 1.0, 4.0, 5.0, 4.0, 5.0, 4.0, 5.0, 0.0, 1.0];
    assert_eq!(x.take(&far, 0)?.to_vec::<f32>()?, expected);
    assert_eq!(x.take(&Array::from_slice(&[u32::MAX, 1], &[2]), 0)?.to_vec::<f32>()?, [4.0, 5.0, 2.0, 3.0]);
    let wide = counting(&[1, 300])?;
    assert_eq!(wide.take(&Array::from_slice(&[255u8, 3], &[2]), 1)?.to_vec::<f32>()?, [255.0, 3.0]);
    assert_eq!(wide.take(&Array::from_slice(&[-1i8, 127], &[2]), 1)?.to_vec::<f32>()?, [299.0, 127.0]);
    let narrow = counting(&[200])?;
    assert_eq!(narrow.take(&Array::from_slice(&[255u8, 199], &[2]), 0)?.to_vec::<f32>()?, [199.0, 199.0]);
    let small = counting(&[100])?;
    assert_eq!(small.take(&Array::from_slice(&[127i8, -128], &[2]), 0)?.to_vec::<f32>()?, [99.0, 0.0]);
    let along = Array::from_slice(&[5i64, -7, 1], &[3, 1]);
    assert_eq!(x.take_along_axis(&along, 1)?.to_vec::<f32>()?, [1.0, 2.0, 5.0]);
    let put = x.put_along_axis(&along, -1.0, 1)?.to_vec::<f32>()?;
    assert_eq!(put, [0.0, -1.0, -1.0, 3.0, 4.0, -1.0]);
    assert!(zeros(&[0], Dtype::F32).take(&far, 0).is_err());
    assert!(x.take(&counting(&[2])?, 0).is_err());
    Ok(())
}

#[test]
fn reductions_over_axes() -> Result<()> {
    let x = counting(&[2, 3, 4])?;
    assert_eq!(x.sum(..)?.item::<f32>()?, 276.0);
    assert_eq!(x.sum([0, 2])?.to_vec::<f32>()?, [60.0, 92.0, 124.0]);
    assert_eq!(x.mean(axes(-1).keep())?.shape()?, [2, 3, 1]);
    assert_eq!(x.max(axes(..).keep())?.shape()?, [1, 1, 1]);
    assert_eq!(x.sum(Vec::new())?.shape()?, [2, 3, 4]);
    assert_eq!(x.argmax(1)?.to_vec::<u32>()?, [2; 8]);
    let p = random::normal(&[5, 7], Dtype::F32, &random::key(3)?)?.softmax(-1)?.sum(-1)?.to_vec::<f32>()?;
    assert!(p.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
    assert_eq!(x.var(.., 1)?.item::<f32>()?, 50.0);
    Ok(())
}

#[test]
fn shapes_change_without_the_elements() -> Result<()> {
    let x = counting(&[2, 6])?;
    assert_eq!(x.reshape([3, -1])?.shape()?, [3, 4]);
    assert_eq!(x.expand_dims([0, 3])?.shape()?, [1, 2, 6, 1]);
    assert_eq!(x.expand_dims(0)?.squeeze(..)?.shape()?, [2, 6]);
    assert_eq!(x.split(3, 1)?.len(), 3);
    let parts = x.split_at(&[1, 4], -1)?;
    assert_eq!(parts.iter().map(|p| p.dim(-1)).collect::<Result<Vec<_>>>()?, [1, 3, 2]);
    assert_eq!(mlx::concatenate(&parts, -1)?.to_vec::<f32>()?, x.to_vec::<f32>()?);
    assert_eq!(stack(&[&x, &x], 0)?.shape()?, [2, 2, 6]);
    assert_eq!(x.repeat(2, 0)?.shape()?, [4, 6]);
    assert_eq!(x.flatten(0, -1)?.shape()?, [12]);
    let [rows, columns] = x.dims()?;
    assert_eq!((rows, columns), (2, 6));
    assert!(x.dims::<3>().unwrap_err().message().contains("expected 3 dimensions, the shape is [2, 6]"));
    Ok(())
}

/// An operation that takes until it is let go.
struct Held(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl mlx::kernels::Operation for Held {
    fn name(&self) -> &str {
        "held"
    }

    fn outputs(&self, inputs: &[mlx::kernels::Spec]) -> Result<Vec<mlx::kernels::Spec>> {
        Ok(inputs.to_vec())
    }

    fn eval(
        &self,
        _inputs: &[mlx::kernels::View<'_>],
        _outputs: &mut [mlx::kernels::ViewMut<'_>],
    ) -> Result<()> {
        let held = self.0.lock().expect("no panic").recv_timeout(std::time::Duration::from_secs(120));
        held.map_err(|_| mlx::Error::new(mlx::ErrorKind::Callback, "held", "the reader waited for this"))
    }
}

#[test]
fn a_read_does_not_wait_for_what_was_submitted_later() -> Result<()> {
    let (let_go, held) = std::sync::mpsc::channel();
    mlx::with_stream(&mlx::Stream::new(mlx::Device::Cpu)?, || {
        let x = Array::from_slice(&[1u32, 2], &[2]) + 1u32;
        let own = x.astype(Dtype::I32)?;
        mlx::async_eval([&x, &own])?;
        let [later] = mlx::kernels::apply(&std::sync::Arc::new(Held(std::sync::Mutex::new(held))), &[&x])?;
        mlx::async_eval([&later])?;
        assert_eq!(own.to_vec::<i32>()?, [2, 3]);
        let_go.send(()).expect("the operation still waits");
        later.eval()
    })
}
