//! The process-wide switches of compilation; alone in their process.

use mlx::{
    Array,
    transforms::{
        CompileMode, clear_compile_cache, compile, disable_compile, enable_compile, set_compile_mode,
    },
};

#[test]
fn modes_and_the_cache_change_nothing_in_results() {
    let x = Array::from_slice(&[0.25f32, 0.5], &[2]);
    let values = |x: &Array| x.to_vec::<f32>().unwrap();
    let expected = values(&(x.sin().unwrap() * 2.0 + 1.0));
    let modes = [CompileMode::Disabled, CompileMode::NoSimplify, CompileMode::NoFuse, CompileMode::Enabled];
    for mode in modes {
        set_compile_mode(mode).unwrap();
        let f = compile(|x: &Array| x.sin()?.multiply(2.0)?.add(1.0));
        assert_eq!(values(&f.call(&x).unwrap()), expected, "{mode:?}");
        clear_compile_cache().unwrap();
        assert_eq!(values(&f.call(&x).unwrap()), expected, "{mode:?}");
    }
    disable_compile().unwrap();
    enable_compile().unwrap();
}
