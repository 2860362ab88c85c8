//! Operations on elements, reductions, scans and sorts.

use super::{Args, Op, one, pair};
use mlx::{
    Array,
    ops::{NonFinite, Scan, Side, Tolerance, Unique},
    scan,
};

macro_rules! unary {
    ($($name:ident)*) => { &[$((stringify!($name), |x, _| one(x[0].$name()))),*] };
}

pub(super) const UNARY: &[(&str, Op)] = unary! {
    abs arccos arccosh arcsin arcsinh arctan arctanh bitwise_invert ceil conjugate cos cosh degrees erf erfinv exp expm1
    floor imag isfinite isinf isnan isneginf isposinf log log10 log1p log2 logical_not negative radians real reciprocal
    rsqrt sigmoid sign sin sinh sqrt square stop_gradient tan tanh trunc
};

/// The second operand: an array, or a scalar.
fn rhs(x: &[Array], args: &Args<'_>) -> super::Given {
    match x.get(1) {
        Some(array) => super::Given::Array(array.clone()),
        None => args.operand("b"),
    }
}

macro_rules! binary {
    ($($name:ident)*) => { &[$((stringify!($name), |x, a| one(x[0].$name(rhs(x, a))))),*] };
}

pub(super) const BINARY: &[(&str, Op)] = binary! {
    add arctan2 bitwise_and bitwise_or bitwise_xor divide equal floor_divide greater greater_equal left_shift less
    less_equal logaddexp logical_and logical_or logical_xor maximum minimum multiply not_equal power remainder
    right_shift subtract
};

fn tolerance(args: &Args<'_>) -> Tolerance {
    Tolerance {
        rtol: args.float_or("rtol", 1e-5),
        atol: args.float_or("atol", 1e-8),
        equal_nan: args.flag("equal_nan"),
    }
}

pub(super) const CHOICES: &[(&str, Op)] = &[
    ("divmod", |x, a| pair(x[0].divmod(rhs(x, a)))),
    ("round", |x, a| one(x[0].round(a.int_or("decimals", 0)))),
    ("isclose", |x, a| one(x[0].isclose(&x[1], tolerance(a)))),
    ("allclose", |x, a| one(x[0].allclose(&x[1], tolerance(a)))),
    ("array_equal", |x, a| match a.flag("equal_nan") {
        true => one(x[0].array_equal_nan(&x[1])),
        false => one(x[0].array_equal(&x[1])),
    }),
    ("where", |x, a| match x {
        [condition, y] => one(condition.where_(a.operand("x"), y)),
        _ => one(x[0].where_(&x[1], &x[2])),
    }),
    ("clip", |x, a| one(x[0].clip(a.operand("a_min"), a.operand("a_max")))),
    ("nan_to_num", |x, a| {
        let mut with = NonFinite::from(a.float_or("nan", 0.0) as f32);
        if let Some(value) = a.float("posinf") {
            with = with.posinf(value as f32);
        }
        if let Some(value) = a.float("neginf") {
            with = with.neginf(value as f32);
        }
        one(x[0].nan_to_num(with))
    }),
];

macro_rules! along_axes {
    ($($name:ident)*) => { &[$((stringify!($name), |x, a| one(x[0].$name(a.axes())))),*] };
}

pub(super) const REDUCTIONS: &[(&str, Op)] = along_axes! {
    all any argmax argmin count_nonzero logsumexp max mean median min prod sum argsort sort
};

pub(super) const MORE_REDUCTIONS: &[(&str, Op)] = &[
    ("minmax", |x, a| pair(x[0].minmax(a.axes()))),
    ("var", |x, a| one(x[0].var(a.axes(), a.int_or("ddof", 0)))),
    ("std", |x, a| one(x[0].std(a.axes(), a.int_or("ddof", 0)))),
    ("softmax", |x, a| match a.flag("precise") {
        true => one(x[0].softmax(a.axes())),
        false => one(x[0].softmax_imprecise(a.axes())),
    }),
];

fn how(args: &Args<'_>) -> Scan {
    let run = if args.has("axis") { scan(args.int("axis")) } else { scan(..) };
    let run = if args.flag("reverse") { run.reverse() } else { run };
    if args.flag_or("inclusive", true) { run } else { run.exclusive() }
}

macro_rules! scans {
    ($($name:ident)*) => { &[$((stringify!($name), |x, a| one(x[0].$name(how(a))))),*] };
}

pub(super) const SCANS: &[(&str, Op)] = scans! { cummax cummin cumprod cumsum logcumsumexp };

pub(super) const ORDER: &[(&str, Op)] = &[
    ("diff", |x, a| one(x[0].diff(a.int_or("n", 1), a.int_or("axis", -1)))),
    ("partition", |x, a| one(x[0].partition(a.int("kth"), a.axes()))),
    ("argpartition", |x, a| one(x[0].argpartition(a.int("kth"), a.axes()))),
    ("topk", |x, a| one(x[0].topk(a.int("k"), a.axes()))),
    ("searchsorted", |x, a| {
        let side = if a.text("side") == Some("right") { Side::Right } else { Side::Left };
        one(x[0].searchsorted(&x[1], side))
    }),
    ("unique", |x, a| {
        let size = a.int("size");
        let fill = a.has("fill_value").then(|| a.operand("fill_value"));
        let unique = match fill {
            Some(fill) => x[0].unique_or(size, fill)?,
            None => x[0].unique(size)?,
        };
        let Unique { values, index, inverse, counts } = unique;
        Ok(vec![values, index, inverse, counts])
    }),
];
