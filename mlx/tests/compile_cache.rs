//! What a trace captured is freed with the function; alone in its process, because memory is counted for all of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Array, Dtype, memory, ones, random, transforms::compile};

#[test]
fn constants_of_a_trace_go_with_the_function() {
    const SIDE: i32 = 256;
    let x = ones(&[1, SIDE], Dtype::F32);
    x.eval().unwrap();
    let before = memory::active().unwrap();
    for seed in 0..5 {
        let constant = random::normal(&[SIDE, SIDE], Dtype::F32, &random::key(seed).unwrap()).unwrap();
        constant.eval().unwrap();
        let f = compile(move |x: &Array| x.matmul(&constant));
        f.call(&x).unwrap().eval().unwrap();
        let held = memory::active().unwrap().saturating_sub(before);
        assert!(held >= (SIDE * SIDE * 4) as usize, "the trace holds {held} bytes, not its constant");
    }
    // What a GPU was given, it keeps until it has come to the end.
    mlx::synchronize().unwrap();
    let left = memory::active().unwrap() - before;
    assert!(left < 4096, "{left} bytes stay behind functions that are gone");
}
