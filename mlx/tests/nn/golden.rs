//! What Python computed, by group and case.

use mlx::{Array, Device, Loader, Module, Result, io, nn::Layer, transforms::grad};
use std::{cell::RefCell, collections::BTreeMap, collections::BTreeSet};

/// The cases of a group. At the end each must have been used.
pub(crate) struct Goldens {
    cases: BTreeMap<String, BTreeMap<String, Array>>,
    unused: RefCell<BTreeSet<String>>,
}

impl Goldens {
    pub(crate) fn of(group: &str) -> Goldens {
        let mut cases = BTreeMap::<String, BTreeMap<_, _>>::new();
        let arrays = ["nn", "nn_modules"].map(|file| {
            let path = format!("{}/tests/golden/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
            io::load_safetensors(path).unwrap()
        });
        for (name, array) in arrays.into_iter().flatten() {
            if let [of, case, what] = name.split('/').collect::<Vec<_>>()[..]
                && of == group
            {
                cases.entry(case.to_owned()).or_default().insert(what.to_owned(), array);
            }
        }
        assert!(!cases.is_empty(), "no goldens of {group}");
        let unused = RefCell::new(cases.keys().cloned().collect());
        Goldens { cases, unused }
    }

    pub(crate) fn case(&self, name: &str) -> Case<'_> {
        self.unused.borrow_mut().remove(name);
        let arrays = self.cases.get(name).unwrap_or_else(|| panic!("no golden {name}"));
        Case { name: name.to_owned(), arrays }
    }

    /// A function of one array.
    pub(crate) fn function(&self, name: &str, f: impl Fn(&Array) -> Result<Array>) {
        let case = self.case(name);
        case.check("out", &f(case.input(0)).unwrap());
    }

    /// A layer of one array: it takes the weights, gives the gradient and the output, and changes what Python's
    /// changes.
    pub(crate) fn layer(&self, name: &str, layer: impl Layer) {
        let case = self.case(name);
        let layer = case.loaded(layer);
        if case.arrays.contains_key("grad.0") {
            let gradient = grad(|x: &Array| layer.call(x, None)?.square()?.sum(..));
            let found = gradient(case.input(0)).unwrap();
            // MLX's own gradient by the input of a transposed convolution is cut short where a window lies beside it.
            if case.array("grad.0").shape().unwrap() == case.input(0).shape().unwrap() {
                case.check("grad.0", &found);
            } else {
                assert_eq!(found.shape().unwrap(), case.input(0).shape().unwrap(), "{name} grad.0");
            }
        }
        case.check("out", &layer.call(case.input(0), None).unwrap());
        case.check_changes(&layer);
    }

    pub(crate) fn finish(&self) {
        let unused = self.unused.borrow();
        assert!(unused.is_empty(), "goldens that no test uses: {unused:?}");
    }
}

pub(crate) struct Case<'a> {
    name: String,
    arrays: &'a BTreeMap<String, Array>,
}

impl Case<'_> {
    pub(crate) fn array(&self, what: &str) -> &Array {
        self.arrays.get(what).unwrap_or_else(|| panic!("{} has no {what}", self.name))
    }

    pub(crate) fn input(&self, i: usize) -> &Array {
        self.array(&format!("in.{i}"))
    }

    /// A function of all inputs gives the output, and the gradients that there are.
    pub(crate) fn call(&self, f: impl Fn(&[Array]) -> Result<Array>) {
        let inputs = (0..).map_while(|i| self.arrays.get(&format!("in.{i}")).cloned());
        let inputs: Vec<Array> = inputs.collect();
        self.check("out", &f(&inputs).unwrap());
        if self.arrays.contains_key("grad.0") {
            let gradients = grad(|inputs: &Vec<Array>| f(inputs)?.square()?.sum(..))(&inputs).unwrap();
            for (i, gradient) in gradients.iter().enumerate() {
                self.check(&format!("grad.{i}"), gradient);
            }
        }
    }

    /// All arrays by name.
    pub(crate) fn arrays(&self) -> &BTreeMap<String, Array> {
        self.arrays
    }

    /// The module with the case's weights; all of them are used.
    pub(crate) fn loaded<M: Module>(&self, mut module: M) -> M {
        let weights = self.under("weights.").map(|(path, array)| (path.to_owned(), array.clone()));
        let weights = Loader::new(weights);
        module.load(&weights).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        weights.finish().unwrap_or_else(|e| panic!("{}: {e}", self.name));
        module
    }

    /// The module holds what Python's does after the call.
    pub(crate) fn check_changes(&self, module: &impl Module) {
        let held = module.parameters();
        for (path, before) in self.under("weights.") {
            let after = self.arrays.get(&format!("after.{path}")).unwrap_or(before);
            assert_close(&format!("{} {path}", self.name), &held[path], after);
        }
    }

    /// The module's arrays are the case's weights.
    pub(crate) fn check_weights(&self, module: &impl Module) {
        let held = module.parameters();
        let expected: Vec<_> = self.under("weights.").collect();
        assert_eq!(
            held.keys().collect::<Vec<_>>(),
            expected.iter().map(|(path, _)| path).collect::<Vec<_>>()
        );
        for (path, array) in expected {
            assert_close(&format!("{} {path}", self.name), &held[path], array);
        }
    }

    pub(crate) fn check(&self, what: &str, found: &Array) {
        assert_close(&format!("{} {what}", self.name), found, self.array(what));
    }

    fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().filter_map(move |(what, array)| Some((what.strip_prefix(prefix)?, array)))
    }
}

/// Whether sums come in other orders, and not always in the same.
pub(crate) fn on_a_gpu() -> bool {
    Device::default_device().unwrap() == Device::Gpu
}

/// Equal shapes and dtypes, and numbers within 1e-5, or that share of what is expected; 5e-5 on a GPU, which adds up in another
/// order.
pub(crate) fn assert_close(what: &str, found: &Array, expected: &Array) {
    assert_eq!(found.shape().unwrap(), expected.shape().unwrap(), "{what}");
    assert_eq!(found.dtype().unwrap(), expected.dtype().unwrap(), "{what}");
    let (found, expected) = (found.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
    let most = if on_a_gpu() { 5e-5 } else { 1e-5 };
    for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
        let close = f == e || (f - e).abs() <= most * e.abs().max(1.0);
        assert!(close, "{what}: element {i} is {f}, Python's is {e}\n{found:?}\n{expected:?}");
    }
}
