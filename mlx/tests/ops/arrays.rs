//! Operations on shapes and layouts, creation, and indexing.

use super::{Args, Op, one};
use mlx::{
    Array,
    ops::{Grid, MatrixSize, PadMode, Padding, Shifts},
};

fn list(x: &[Array]) -> Vec<&Array> {
    x.iter().collect()
}

pub(super) const SHAPES: &[(&str, Op)] = &[
    ("reshape", |x, a| one(x[0].reshape(a.ints("shape")))),
    ("transpose", |x, a| one(x[0].transpose(a.axes_named("axes")))),
    ("matrix_transpose", |x, _| one(x[0].t())),
    ("swapaxes", |x, a| one(x[0].swapaxes(a.int("axis1"), a.int("axis2")))),
    ("moveaxis", |x, a| one(x[0].moveaxis(a.int("source"), a.int("destination")))),
    ("squeeze", |x, a| one(x[0].squeeze(a.axes()))),
    ("expand_dims", |x, a| one(x[0].expand_dims(a.axes()))),
    ("flatten", |x, a| one(x[0].flatten(a.int_or("start_axis", 0), a.int_or("end_axis", -1)))),
    ("unflatten", |x, a| one(x[0].unflatten(a.int("axis"), a.ints("shape")))),
    ("broadcast_to", |x, a| one(x[0].broadcast_to(a.ints("shape")))),
    ("repeat", |x, a| one(x[0].repeat(a.int("repeats"), a.axes()))),
    ("tile", |x, a| one(x[0].tile(a.ints("reps")))),
    ("flip", |x, a| one(x[0].flip(a.axes()))),
    ("roll", |x, a| one(x[0].roll(Shifts::from(a.ints("shift")), a.axes()))),
    ("atleast_1d", |x, _| one(x[0].atleast_1d())),
    ("atleast_2d", |x, _| one(x[0].atleast_2d())),
    ("atleast_3d", |x, _| one(x[0].atleast_3d())),
    ("number_of_elements", |x, a| one(x[0].number_of_elements(a.int("axis"), mlx::Dtype::I32))),
];

pub(super) const JOINTS: &[(&str, Op)] = &[
    ("concatenate", |x, a| one(mlx::concatenate(&list(x), a.int("axis")))),
    ("stack", |x, a| one(mlx::stack(&list(x), a.int("axis")))),
    ("split", |x, a| {
        let (at, axis) = (a.ints("indices_or_sections"), a.int("axis"));
        match at[..] {
            [parts] if !a.is_list("indices_or_sections") => x[0].split(parts, axis),
            _ => x[0].split_at(&at, axis),
        }
    }),
    ("unstack", |x, a| x[0].unstack(a.int("axis"))),
    ("broadcast_arrays", |x, _| mlx::broadcast_arrays(&list(x))),
    ("meshgrid", |x, a| {
        let grid = if a.text("indexing") == Some("ij") { Grid::IJ } else { Grid::XY };
        mlx::meshgrid(&list(x), if a.flag("sparse") { grid.sparse() } else { grid })
    }),
    ("depends", |x, _| mlx::depends(&[&x[0]], &[&x[1]])),
    ("pad", |x, a| {
        let mode = match a.text("mode") {
            Some("edge") => PadMode::Edge,
            Some("reflect") => PadMode::Reflect,
            Some("symmetric") => PadMode::Symmetric,
            _ if a.has("constant_values") => {
                return one(x[0].pad(widths(a), a.operand("constant_values")));
            }
            _ => return one(x[0].pad(widths(a), 0)),
        };
        one(x[0].pad_mode(widths(a), mode))
    }),
];

fn widths(args: &Args<'_>) -> Padding {
    let pair = |pair: &[i32]| (pair[0], pair[1]);
    if args.is_nested("pad_width") {
        return args.lists("pad_width").iter().map(|list| pair(list)).collect::<Vec<_>>().into();
    }
    match args.ints("pad_width")[..] {
        [every] => every.into(),
        ref both => pair(both).into(),
    }
}

pub(super) const LAYOUTS: &[(&str, Op)] = &[
    ("astype", |x, a| one(x[0].astype(a.dtype("dtype")))),
    ("view", |x, a| one(x[0].view(a.dtype("dtype")))),
    ("contiguous", |x, a| match a.flag("allow_col_major") {
        true => one(x[0].contiguous_in_any_order()),
        false => one(x[0].contiguous()),
    }),
    ("copy", |x, _| one(x[0].copy())),
    ("as_strided", |x, a| {
        let strides: Vec<i64> = a.ints("strides").into_iter().map(i64::from).collect();
        one(x[0].as_strided(a.ints("shape"), &strides, a.int_or("offset", 0) as usize))
    }),
];

fn size(args: &Args<'_>) -> MatrixSize {
    mlx::matrix([args.int("n"), args.int("m")]).diagonal(args.int("k"))
}

pub(super) const CREATION: &[(&str, Op)] = &[
    ("arange", |_, a| {
        let [start, stop, step] = ["start", "stop", "step"].map(|name| a.float(name).unwrap());
        one(mlx::arange(start, stop, step, a.dtype("dtype")))
    }),
    ("linspace", |_, a| {
        let [start, stop] = ["start", "stop"].map(|name| a.float(name).unwrap());
        let (count, dtype) = (a.int("num"), a.dtype("dtype"));
        match a.flag_or("endpoint", true) {
            true => one(mlx::linspace(start..=stop, count, dtype)),
            false => one(mlx::linspace(start..stop, count, dtype)),
        }
    }),
    ("zeros", |_, a| one(Ok(mlx::zeros(&a.ints("shape"), a.dtype("dtype"))))),
    ("ones", |_, a| one(Ok(mlx::ones(&a.ints("shape"), a.dtype("dtype"))))),
    ("full", |x, a| {
        let value = x.first().map_or_else(|| a.operand("vals"), |x| super::Given::Array(x.clone()));
        one(Ok(mlx::full(&a.ints("shape"), value, a.dtype("dtype"))))
    }),
    ("zeros_like", |x, _| one(x[0].zeros_like())),
    ("ones_like", |x, _| one(x[0].ones_like())),
    ("full_like", |x, a| one(x[0].full_like(a.operand("vals")))),
    ("identity", |_, a| one(Ok(mlx::identity(a.int("n"), a.dtype("dtype"))))),
    ("eye", |_, a| one(Ok(mlx::eye(size(a), a.dtype("dtype"))))),
    ("tri", |_, a| one(Ok(mlx::tri(size(a), a.dtype("dtype"))))),
    ("bartlett", |_, a| one(Ok(mlx::bartlett(a.int("M"))))),
    ("blackman", |_, a| one(Ok(mlx::blackman(a.int("M"))))),
    ("hamming", |_, a| one(Ok(mlx::hamming(a.int("M"))))),
    ("hanning", |_, a| one(Ok(mlx::hanning(a.int("M"))))),
];

fn two_axes(args: &Args<'_>) -> [i32; 2] {
    [args.int("axis1"), args.int("axis2")]
}

pub(super) const DIAGONALS: &[(&str, Op)] = &[
    ("diag", |x, a| one(x[0].diag(a.int_or("k", 0)))),
    ("tril", |x, a| one(x[0].tril(a.int_or("k", 0)))),
    ("triu", |x, a| one(x[0].triu(a.int_or("k", 0)))),
    ("diagonal", |x, a| one(x[0].diagonal(a.int_or("offset", 0), two_axes(a)))),
    ("trace", |x, a| one(x[0].trace(a.int_or("offset", 0), two_axes(a)))),
];

pub(super) const INDEXING: &[(&str, Op)] = &[
    ("take", |x, a| one(x[0].take(&x[1], a.axes()))),
    ("take_along_axis", |x, a| one(x[0].take_along_axis(&x[1], a.axes()))),
    ("put_along_axis", |x, a| one(x[0].put_along_axis(&x[1], &x[2], a.axes()))),
    ("scatter_add_axis", |x, a| one(x[0].scatter_add_axis(&x[1], &x[2], a.axes()))),
    ("masked_scatter", |x, _| match x[1].ndim()? {
        1 => one(x[0].masked_scatter(&x[1].expand_dims(1)?, &x[2])),
        _ => one(x[0].masked_scatter(&x[1], &x[2])),
    }),
    ("gather", |x, a| one(x[0].gather(&list(&x[1..]), &a.ints("axes"), &a.ints("sizes")))),
    ("slice", |x, a| one(x[0].slice(&a.ints("start"), &a.ints("stop")))),
    ("slice_dynamic", |x, a| one(x[0].slice_dynamic(&x[1], &a.ints("axes"), &a.ints("sizes")))),
    ("slice_update_dynamic", |x, a| one(x[0].slice_update_dynamic(&x[1], &x[2], &a.ints("axes")))),
];

macro_rules! scatters {
    ($($name:ident)*) => { &[$((stringify!($name), |x, a| one(x[0].$name(&[&x[1]], &x[2], &a.ints("axes"))))),*] };
}

pub(super) const SCATTERS: &[(&str, Op)] =
    scatters! { scatter scatter_add scatter_prod scatter_max scatter_min };

macro_rules! updates {
    ($($name:ident)*) => {
        &[$((stringify!($name), |x, a| one(x[0].$name(&x[1], &a.ints("start"), &a.ints("stop"))))),*]
    };
}

pub(super) const UPDATES: &[(&str, Op)] =
    updates! { slice_update slice_update_add slice_update_prod slice_update_max slice_update_min };
