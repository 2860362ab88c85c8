//! An operation made of closures, and a count of drops.

use mlx::kernels::{Operation, Spec, View, ViewMut};
use mlx::{Device, Result, Stream, with_stream};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::{Duration, Instant};

/// Kernels of the user's take the places of those for CPUs.
pub(crate) fn on_the_cpu<T>(test: impl FnOnce() -> T) -> T {
    let cpu = Stream::default_of(Device::Cpu).expect("there always is a CPU");
    with_stream(&cpu, test)
}

type Outputs = dyn Fn(&[Spec]) -> Result<Vec<Spec>> + Send + Sync;
type Eval = dyn Fn(&[View<'_>], &mut [ViewMut<'_>]) -> Result<()> + Send + Sync;

pub(crate) struct Closures {
    pub(crate) outputs: Box<Outputs>,
    pub(crate) eval: Box<Eval>,
    pub(crate) strided: bool,
    pub(crate) _drops: Option<Drops>,
}

impl Closures {
    pub(crate) fn new(
        outputs: impl Fn(&[Spec]) -> Result<Vec<Spec>> + Send + Sync + 'static,
        eval: impl Fn(&[View<'_>], &mut [ViewMut<'_>]) -> Result<()> + Send + Sync + 'static,
    ) -> Closures {
        Closures { outputs: Box::new(outputs), eval: Box::new(eval), strided: false, _drops: None }
    }

    /// With one output like the first input.
    pub(crate) fn map(
        eval: impl Fn(&[View<'_>], &mut [ViewMut<'_>]) -> Result<()> + Send + Sync + 'static,
    ) -> Closures {
        Closures::new(|inputs| Ok(vec![inputs[0].clone()]), eval)
    }

    pub(crate) fn counting(mut self, drops: &Drops) -> Closures {
        self._drops = Some(drops.one());
        self
    }

    pub(crate) fn share(self) -> Arc<Closures> {
        Arc::new(self)
    }
}

impl Operation for Closures {
    fn name(&self) -> &str {
        "closures"
    }

    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        (self.outputs)(inputs)
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        (self.eval)(inputs, outputs)
    }

    fn strided_inputs(&self) -> bool {
        self.strided
    }
}

/// Counts how many of the values that hold it were dropped. The count starts with itself.
#[derive(Clone, Default)]
pub(crate) struct Drops {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Drops {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drops {
    /// One more value to be dropped.
    pub(crate) fn one(&self) -> Drops {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.clone()
    }

    /// Waits until as many were dropped as were made, and not one more.
    pub(crate) fn settle(&self, what: &str) {
        let start = Instant::now();
        let count = || (self.dropped.load(Ordering::SeqCst), self.made.load(Ordering::SeqCst));
        while count().0 != count().1 && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(count().0, count().1, "{what}: drops and values made");
    }
}
