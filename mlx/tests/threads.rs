//! What crosses threads, and what a thread leaves behind.

use mlx::{Array, Device, Dtype, Engine, Result, SharedArray, Stream, beside, ones, random, with_stream};
use std::sync::Arc;

#[test]
fn evaluated_arrays_are_shared() -> Result<()> {
    fn crosses<T: Send + Sync>() {}
    crosses::<SharedArray>();
    crosses::<Engine<Array>>();

    let weights = random::normal(&[64, 64], Dtype::F32, &random::key(0)?)?;
    let expected = weights.matmul(&weights)?.to_vec::<f32>()?;
    let shared = Arc::new(weights.share()?);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let shared = shared.clone();
            std::thread::spawn(move || -> Result<Vec<f32>> {
                let local = shared.local()?;
                (0..20).try_for_each(|_| local.matmul(&local)?.eval())?;
                local.matmul(&local)?.to_vec()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic")?, expected);
    }
    Ok(())
}

#[test]
fn an_engine_keeps_its_state_and_survives_panics() -> Result<()> {
    let engine = Engine::start("counter", || Ok::<_, mlx::Error>(ones(&[2], Dtype::F32)))?;
    for _ in 0..3 {
        engine.run(|state| *state = &*state * 2.0)?;
    }
    assert_eq!(engine.run(|state| state.to_vec::<f32>())??, [8.0, 8.0]);

    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.run(|_| panic!("mine"))));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"mine"));
    engine.post(|_| panic!("posted")).expect("queued");
    assert!(engine.run(|state| state.item::<f32>().is_err())?, "two elements are not an item");

    let name = engine.run(|_| std::thread::current().name().map(str::to_owned))?;
    assert_eq!(name.as_deref(), Some("counter"));
    Ok(())
}

#[test]
fn an_engine_that_cannot_start_says_why() {
    let error =
        Engine::<Array>::start("broken", || ones(&[2], Dtype::F32).reshape([3])).err().expect("an error");
    assert_eq!(error.op(), "reshape");
}

#[test]
fn scopes_nest_and_restore_after_panics() -> Result<()> {
    let (a, b) = (Stream::new(Device::Cpu)?, Stream::new(Device::Cpu)?);
    let x = ones(&[3], Dtype::F32);
    let sum = with_stream(&a, || with_stream(&b, || x.sum(..)))?;
    assert_eq!(sum.item::<f32>()?, 3.0);
    let panic = std::panic::catch_unwind(|| {
        with_stream(&Stream::new(Device::Cpu).expect("a stream"), || panic!("out"))
    });
    assert!(panic.is_err());
    assert_eq!((&x + 1.0).sum(..)?.item::<f32>()?, 6.0);
    a.synchronize()
}

#[test]
fn another_threads_lazy_work_is_an_error_not_a_crash() {
    // Only evaluated arrays cross; the types do not let a lazy one through. This is what the check rests on.
    let lazy = ones(&[2], Dtype::F32) + 1.0;
    let shared = lazy.share().expect("evaluates first");
    let value =
        std::thread::spawn(move || shared.local().and_then(|x| x.to_vec::<f32>())).join().expect("no panic");
    assert_eq!(value.expect("readable"), [2.0, 2.0]);
}

#[test]
fn work_beside_gives_the_same_numbers() -> Result<()> {
    let mut x = random::normal(&[48, 48], Dtype::F32, &random::key(5)?)? / 8.0;
    let mut y = x.clone();
    for _ in 0..40 {
        let aside = beside(|| x.matmul(&x)?.tanh())?;
        x = x.matmul(&x.t()?)? - aside;
        y = y.matmul(&y.t()?)? - y.matmul(&y)?.tanh()?;
        (x, y) = (x.tanh()?, y.tanh()?);
    }
    assert_eq!(x.to_vec::<f32>()?, y.to_vec::<f32>()?);
    // An error inside comes out, and the scope is left.
    assert!(beside(|| x.matmul(&ones(&[3, 3], Dtype::F32))).is_err());
    (&x + 1.0).eval()
}
