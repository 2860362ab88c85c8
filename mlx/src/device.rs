//! The processors that MLX can use, and what it knows of them.

use crate::{Error, Result, ffi::device as ffi, ffi::stream};
use std::collections::BTreeMap;

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// The host's processor.
    Cpu,
    /// The GPU of a Metal or CUDA build.
    Gpu,
}

/// The value of a property of a device; see [`Device::info`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// A name.
    Text(String),
    /// A number: bytes, for properties of memory.
    Number(usize),
}

impl Device {
    pub(crate) fn raw(self) -> mlx_sys::mlx_device {
        mlx_sys::mlx_device { type_: self as _, index: 0 }
    }

    pub(crate) fn from_raw(raw: mlx_sys::mlx_device) -> Device {
        if raw.type_ == mlx_sys::MLX_GPU { Device::Gpu } else { Device::Cpu }
    }

    /// The device operations run on outside any scope: the GPU where the build has one.
    #[track_caller]
    pub fn default_device() -> Result<Device> {
        stream::default_device("default_device").map(Device::from_raw)
    }

    /// Makes this the device operations run on outside any scope: on this thread, and on those that have run none
    /// yet. For a part of a program [`with_stream`](crate::with_stream) is the better choice.
    #[doc(alias = "set_default_device")]
    #[track_caller]
    pub fn set_default(self) -> Result<()> {
        if !self.is_available()? {
            return Err(Error::invalid("set_default_device", format!("there is no device {self:?}")));
        }
        stream::set_default_device(self as i32);
        Ok(())
    }

    /// Whether this build of MLX has such a device and the machine has one too.
    #[track_caller]
    pub fn is_available(self) -> Result<bool> {
        Ok(self.count()? > 0)
    }

    /// How many devices of this kind there are.
    #[doc(alias = "device_count")]
    #[track_caller]
    pub fn count(self) -> Result<usize> {
        Ok(usize::try_from(ffi::count(self as i32)?).unwrap_or_default())
    }

    /// The properties of the device number `index` of this kind, by name.
    ///
    /// `device_name` and `architecture` on all; `memory_size`, `resource_limit`, `max_buffer_length` and
    /// `max_recommended_working_set_size` on Metal; `total_memory`, `free_memory`, `uuid`, `pci_bus_id`,
    /// `compute_capability_major` and `compute_capability_minor` on CUDA.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// println!("{:?}", mlx::Device::Cpu.info(0)?["device_name"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "device_info")]
    #[track_caller]
    pub fn info(self, index: usize) -> Result<BTreeMap<String, Property>> {
        let count = self.count()?;
        match i32::try_from(index) {
            Ok(number) if index < count => ffi::info(mlx_sys::mlx_device { type_: self as _, index: number }),
            _ => {
                let text = format!("there is no device {self:?} {index}; their number is {count}");
                Err(Error::invalid("device_info", text))
            }
        }
    }
}
