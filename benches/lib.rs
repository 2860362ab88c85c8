//! The C++ side of the comparison.

use std::ffi::c_void;

unsafe extern "C" {
    fn bench_one() -> *mut c_void;
    fn bench_drop(array: *mut c_void);
    fn bench_add(array: *const c_void, count: i32);
    fn bench_add_on(array: *const c_void, count: i32);
    fn bench_clone(array: *const c_void, count: i32);
}

/// An array of C++.
pub struct CppArray(*mut c_void);

impl CppArray {
    /// Two ones.
    pub fn ones() -> CppArray {
        // SAFETY: takes nothing.
        CppArray(unsafe { bench_one() })
    }

    /// Records `count` additions with operators and drops them.
    pub fn add(&self, count: i32) {
        // SAFETY: a live array.
        unsafe { bench_add(self.0, count) }
    }

    /// As [`CppArray::add`], naming the stream.
    pub fn add_on(&self, count: i32) {
        // SAFETY: a live array.
        unsafe { bench_add_on(self.0, count) }
    }

    /// Clones and drops `count` times.
    pub fn clone_and_drop(&self, count: i32) {
        // SAFETY: a live array.
        unsafe { bench_clone(self.0, count) }
    }
}

impl Drop for CppArray {
    fn drop(&mut self) {
        // SAFETY: ours, dropped once.
        unsafe { bench_drop(self.0) }
    }
}
