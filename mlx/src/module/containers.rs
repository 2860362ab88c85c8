//! Modules made of modules, and plain data.

use crate::{Array, Loader, Module, Path, Result, Slot, SlotMut, error::at_caller};
use std::{cell::RefCell, collections::BTreeMap};

/// Carried along, not learned.
impl Module for Array {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        f(path.as_str(), Slot::Buffer(self));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        f(path.as_str(), SlotMut::Buffer(self));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        *self = weights.take(self.shape()?)?;
        Ok(())
    }
}

/// What a layer changes while it is used, such as running statistics.
impl Module for RefCell<Array> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        // A clone, so that nothing stays borrowed while `f` runs.
        let array = self.borrow().clone();
        f(path.as_str(), Slot::Buffer(&array));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        f(path.as_str(), SlotMut::Buffer(self.get_mut()));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.get_mut().load(weights)
    }
}

/// An absent module has no parameters, and takes none.
impl<M: Module> Module for Option<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        self.iter().for_each(|module| module.visit(path, f));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        self.iter_mut().for_each(|module| module.visit_mut(path, f));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        at_caller(self.iter_mut().try_for_each(|module| module.load(weights)))
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        (**self).visit(path, f);
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        (**self).visit_mut(path, f);
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        at_caller((**self).load(weights))
    }
}

/// Children are numbered from zero.
impl<M: Module> Module for [M] {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        for (i, module) in self.iter().enumerate() {
            path.enter(&i.to_string(), |path| module.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        for (i, module) in self.iter_mut().enumerate() {
            path.enter(&i.to_string(), |path| module.visit_mut(path, f));
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        at_caller(self.iter_mut().enumerate().try_for_each(|(i, module)| module.load(&weights.at(i))))
    }
}

macro_rules! lists {
    ($($(#[$doc:meta])* [$($generics:tt)*] $ty:ty;)*) => { $(
        $(#[$doc])*
        impl<$($generics)*> Module for $ty {
            fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
                self.as_slice().visit(path, f);
            }

            fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
                self.as_mut_slice().visit_mut(path, f);
            }

            fn load(&mut self, weights: &Loader) -> Result<()> {
                self.as_mut_slice().load(weights)
            }
        }
    )* };
}

lists! {
    /// Children are numbered from zero.
    [M: Module] Vec<M>;
    /// Children are numbered from zero.
    [M: Module, const N: usize] [M; N];
}

/// Children are named by their keys.
impl<M: Module> Module for BTreeMap<String, M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        for (key, module) in self {
            path.enter(key, |path| module.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        for (key, module) in self {
            path.enter(key, |path| module.visit_mut(path, f));
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        at_caller(self.iter_mut().try_for_each(|(key, module)| module.load(&weights.at(key))))
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt)+;)*) => { $(
        /// Children are numbered from zero.
        impl<$($name: Module),+> Module for ($($name,)+) {
            fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
                $(path.enter(stringify!($index), |path| self.$index.visit(path, f));)+
            }

            fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
                $(path.enter(stringify!($index), |path| self.$index.visit_mut(path, f));)+
            }

            fn load(&mut self, weights: &Loader) -> Result<()> {
                $(self.$index.load(&weights.at($index))?;)+
                Ok(())
            }
        }
    )* };
}

tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
}

macro_rules! without_parameters {
    ($($ty:ty),*) => { $(
        impl $crate::Module for $ty {
            fn visit(&self, _path: &mut $crate::Path, _f: &mut dyn FnMut(&str, $crate::Slot<'_>)) {}
            fn visit_mut(&mut self, _path: &mut $crate::Path, _f: &mut dyn FnMut(&str, $crate::SlotMut<'_>)) {}
            fn load(&mut self, _weights: &$crate::Loader) -> $crate::Result<()> {
                Ok(())
            }
        }
    )* };
}

without_parameters!((), bool, i32, i64, u32, u64, usize, f32, f64, String);
pub(crate) use without_parameters;
