//! The cases of `xtask/golden/ops.py`: operations, their arguments, and what Python made of them.

use mlx::{Array, Axes, Dtype, Operand, Result, axes, eval, io, step};
use serde_json::Value;
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

const CASES: &str = include_str!("../golden/ops.json");

pub(crate) struct Golden {
    arrays: BTreeMap<String, Array>,
    pub(crate) cases: Vec<Case>,
}

/// What Python computed once for one operation.
pub(crate) struct Case {
    /// The operation and the number of the case among its cases.
    pub(crate) name: String,
    pub(crate) op: String,
    /// The case as it stands in the file.
    pub(crate) text: String,
    value: Value,
}

impl Case {
    /// Whether Python gave something, and did not raise.
    pub(crate) fn has_outputs(&self) -> bool {
        self.value["out"].is_array()
    }
}

impl Golden {
    pub(crate) fn load() -> Golden {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ops.safetensors");
        let arrays = io::load_safetensors(path).unwrap();
        // A failed evaluation breaks what it has begun to read.
        eval(arrays.values()).unwrap();
        let mut counts = BTreeMap::<String, usize>::new();
        let case = |value: &Value| {
            let op = value["op"].as_str().unwrap().to_owned();
            let number = counts.entry(op.clone()).or_default();
            let name = format!("{op}.{number}");
            *number += 1;
            Case { name, op, text: value.to_string(), value: value.clone() }
        };
        let list: Vec<Value> = serde_json::from_str(CASES).unwrap();
        let cases = list.iter().map(case).collect();
        Golden { arrays, cases }
    }

    /// An input by the name that `xtask/golden/ops_recorder.py` explains.
    pub(crate) fn input(&self, name: &str) -> Array {
        let (base, views) = name.split_once('.').unwrap_or((name, ""));
        let dtype = dtype(base.split_once(':').unwrap().0);
        views.chars().fold(self.array(&format!("in/{base}"), dtype), |x, view| {
            let viewed = match view {
                'T' => x.transpose(..),
                'S' => x.at((mlx::Rest, step(.., 2))),
                'R' => x.at((mlx::Rest, step(.., -1))),
                _ => x.broadcast_to([&[2], x.shape().unwrap()].concat()),
            };
            viewed.unwrap()
        })
    }

    fn array(&self, name: &str, dtype: Dtype) -> Array {
        let array = self.arrays.get(name).unwrap_or_else(|| panic!("no array {name}"));
        // The file has no float64, but its bits.
        if dtype == Dtype::F64 { array.view(dtype).unwrap() } else { array.clone() }
    }

    pub(crate) fn inputs(&self, case: &Case) -> Vec<Array> {
        let names = case.value["in"].as_array().unwrap().iter();
        names.map(|name| self.input(name.as_str().unwrap())).collect()
    }

    pub(crate) fn args<'a>(&'a self, case: &'a Case) -> Args<'a> {
        Args { values: &case.value["args"], golden: self, used: RefCell::default() }
    }

    /// The arrays that Python gave; `None` if it raised.
    pub(crate) fn outputs(&self, case: &Case) -> Option<Vec<Array>> {
        let dtypes = case.value["out"].as_array()?.iter().map(|name| dtype(name.as_str().unwrap()));
        let named = |(i, dtype)| self.array(&format!("{}/out.{i}", case.name), dtype);
        Some(dtypes.enumerate().map(named).collect())
    }

    /// The gradients that Python gave, or `Some(None)` if it raised, of a case that asks for them.
    pub(crate) fn gradients(&self, case: &Case) -> Option<Option<Vec<Array>>> {
        let of = |count: u64| {
            (0..count).map(|i| self.array(&format!("{}/grad.{i}", case.name), Dtype::F32)).collect()
        };
        case.value.get("grad").map(|count| count.as_u64().map(of))
    }
}

/// The other arguments of a case, by Python's names.
pub(crate) struct Args<'a> {
    values: &'a Value,
    golden: &'a Golden,
    used: RefCell<BTreeSet<String>>,
}

impl Args<'_> {
    /// `None` if missing; Python's None is `Null`.
    fn get(&self, name: &str) -> Option<&Value> {
        self.used.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_null())
    }

    /// Those that were never asked for.
    pub(crate) fn unused(&self) -> Vec<&String> {
        let used = self.used.borrow();
        self.values.as_object().unwrap().keys().filter(|name| !used.contains(*name)).collect()
    }

    pub(crate) fn int(&self, name: &str) -> i32 {
        self.get(name).and_then(Value::as_i64).unwrap_or_else(|| panic!("no integer {name}")) as i32
    }

    pub(crate) fn int_or(&self, name: &str, default: i32) -> i32 {
        if self.has(name) { self.int(name) } else { default }
    }

    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Value::as_f64)
    }

    pub(crate) fn float_or(&self, name: &str, default: f64) -> f64 {
        self.float(name).unwrap_or(default)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn flag_or(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(crate) fn dtype(&self, name: &str) -> Dtype {
        dtype(self.text(name).unwrap_or_else(|| panic!("no dtype {name}")))
    }

    /// A number becomes a list of one.
    pub(crate) fn ints(&self, name: &str) -> Vec<i32> {
        self.ints_or(name, &[])
    }

    pub(crate) fn ints_or(&self, name: &str, default: &[i32]) -> Vec<i32> {
        self.get(name).map_or(default.to_vec(), ints)
    }

    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::is_array)
    }

    pub(crate) fn is_nested(&self, name: &str) -> bool {
        self.get(name).and_then(|value| value.get(0)).is_some_and(Value::is_array)
    }

    /// Each element a list of integers.
    pub(crate) fn lists(&self, name: &str) -> Vec<Vec<i32>> {
        self.get(name).and_then(Value::as_array).map_or(vec![], |list| list.iter().map(ints).collect())
    }

    /// As `lists`, of a list of lists; none of anything else.
    pub(crate) fn lists_if_nested(&self, name: &str) -> Vec<Vec<i32>> {
        if self.is_nested(name) { self.lists(name) } else { vec![] }
    }

    /// Python's axis and keepdims: all axes for None, and if missing.
    pub(crate) fn axes(&self) -> Axes {
        let list = self.axes_named("axis");
        if self.flag("keepdims") { list.keep() } else { list }
    }

    pub(crate) fn axes_named(&self, name: &str) -> Axes {
        match self.get(name) {
            None | Some(Value::Null) => axes(..),
            Some(value) => axes(ints(value)),
        }
    }

    pub(crate) fn array(&self, name: &str) -> Option<Array> {
        let value = self.get(name)?.get("array")?;
        Some(self.golden.input(value.as_str().unwrap()))
    }

    pub(crate) fn key(&self) -> Array {
        self.array("key").unwrap()
    }

    /// An array, or a host scalar.
    pub(crate) fn operand(&self, name: &str) -> Given {
        match self.get(name).unwrap_or_else(|| panic!("no operand {name}")) {
            Value::Bool(value) => Given::Bool(*value),
            Value::Number(value) => value.as_i64().map_or(Given::Float(value.as_f64().unwrap()), Given::Int),
            _ => Given::Array(self.array(name).unwrap()),
        }
    }
}

fn ints(value: &Value) -> Vec<i32> {
    match value {
        Value::Array(list) => list.iter().map(|value| value.as_i64().unwrap() as i32).collect(),
        _ => vec![value.as_i64().unwrap() as i32],
    }
}

/// An operand of a case.
pub(crate) enum Given {
    Array(Array),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Operand for Given {
    fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>> {
        match self {
            Given::Array(array) => array.to_array(like),
            Given::Bool(value) => value.to_array(like),
            Given::Int(value) => value.to_array(like),
            Given::Float(value) => value.to_array(like),
        }
    }
}

pub(crate) fn dtype(name: &str) -> Dtype {
    let (_, dtype) = DTYPES.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no dtype {name}"));
    *dtype
}

const DTYPES: [(&str, Dtype); 14] = [
    ("bool", Dtype::Bool),
    ("u8", Dtype::U8),
    ("u16", Dtype::U16),
    ("u32", Dtype::U32),
    ("u64", Dtype::U64),
    ("i8", Dtype::I8),
    ("i16", Dtype::I16),
    ("i32", Dtype::I32),
    ("i64", Dtype::I64),
    ("f16", Dtype::F16),
    ("f32", Dtype::F32),
    ("f64", Dtype::F64),
    ("bf16", Dtype::Bf16),
    ("c64", Dtype::C64),
];
