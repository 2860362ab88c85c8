// Made by `cargo xtask bindings` from capi/include/mlx_capi.h.

#[doc = " An array: one counted reference to a node of MLX's graph.\n\n As an argument the handle is borrowed. As a result it is written to uninitialised memory and owned by\n the caller, who releases it with `mlx_array_free`. `p[0] == NULL` is the null array; only arguments\n whose name starts with `opt_` may be null, and it means \"not given\".\n\n An array, and every array computed from it, belongs to one thread at a time; `mlx_array_share` makes a\n handle for another thread."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_array {
    pub p: [*mut ::core::ffi::c_void; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_array"][::core::mem::size_of::<mlx_array>() - 16usize];
    ["Alignment of mlx_array"][::core::mem::align_of::<mlx_array>() - 8usize];
    ["Offset of field: mlx_array::p"][::core::mem::offset_of!(mlx_array, p) - 0usize];
};
#[doc = " A borrowed list of arrays."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_arrays {
    pub data: *const mlx_array,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_arrays"][::core::mem::size_of::<mlx_arrays>() - 16usize];
    ["Alignment of mlx_arrays"][::core::mem::align_of::<mlx_arrays>() - 8usize];
    ["Offset of field: mlx_arrays::data"][::core::mem::offset_of!(mlx_arrays, data) - 0usize];
    ["Offset of field: mlx_arrays::size"][::core::mem::offset_of!(mlx_arrays, size) - 8usize];
};
#[doc = " An owned list of arrays; see `mlx_array_vector_take`."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_array_vector {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_array_vector"][::core::mem::size_of::<mlx_array_vector>() - 8usize];
    ["Alignment of mlx_array_vector"][::core::mem::align_of::<mlx_array_vector>() - 8usize];
    ["Offset of field: mlx_array_vector::p"][::core::mem::offset_of!(mlx_array_vector, p) - 0usize];
};
#[doc = " The element type of an array, in MLX's own order. Constants rather than an enum, so that a type read\n from anywhere is a valid value until MLX is asked about it."]
pub type mlx_dtype = i32;
pub const MLX_BOOL: mlx_dtype = 0;
pub const MLX_UINT8: mlx_dtype = 1;
pub const MLX_UINT16: mlx_dtype = 2;
pub const MLX_UINT32: mlx_dtype = 3;
pub const MLX_UINT64: mlx_dtype = 4;
pub const MLX_INT8: mlx_dtype = 5;
pub const MLX_INT16: mlx_dtype = 6;
pub const MLX_INT32: mlx_dtype = 7;
pub const MLX_INT64: mlx_dtype = 8;
pub const MLX_FLOAT16: mlx_dtype = 9;
pub const MLX_FLOAT32: mlx_dtype = 10;
pub const MLX_FLOAT64: mlx_dtype = 11;
pub const MLX_BFLOAT16: mlx_dtype = 12;
pub const MLX_COMPLEX64: mlx_dtype = 13;
#[doc = " A list of ints: a shape, strides of a convolution, ... Where the name starts with `opt_`, `data == NULL`\n means \"not given\"."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_ints {
    pub data: *const ::core::ffi::c_int,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_ints"][::core::mem::size_of::<mlx_ints>() - 16usize];
    ["Alignment of mlx_ints"][::core::mem::align_of::<mlx_ints>() - 8usize];
    ["Offset of field: mlx_ints::data"][::core::mem::offset_of!(mlx_ints, data) - 0usize];
    ["Offset of field: mlx_ints::size"][::core::mem::offset_of!(mlx_ints, size) - 8usize];
};
#[doc = " A list of 64-bit ints: the strides of an array, in elements."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_int64s {
    pub data: *const i64,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_int64s"][::core::mem::size_of::<mlx_int64s>() - 16usize];
    ["Alignment of mlx_int64s"][::core::mem::align_of::<mlx_int64s>() - 8usize];
    ["Offset of field: mlx_int64s::data"][::core::mem::offset_of!(mlx_int64s, data) - 0usize];
    ["Offset of field: mlx_int64s::size"][::core::mem::offset_of!(mlx_int64s, size) - 8usize];
};
#[doc = " A list of numbers."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_doubles {
    pub data: *const f64,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_doubles"][::core::mem::size_of::<mlx_doubles>() - 16usize];
    ["Alignment of mlx_doubles"][::core::mem::align_of::<mlx_doubles>() - 8usize];
    ["Offset of field: mlx_doubles::data"][::core::mem::offset_of!(mlx_doubles, data) - 0usize];
    ["Offset of field: mlx_doubles::size"][::core::mem::offset_of!(mlx_doubles, size) - 8usize];
};
#[doc = " Axes, negative ones counted from the last. `data == NULL` means all axes, which differs from no axes."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_axes {
    pub data: *const ::core::ffi::c_int,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_axes"][::core::mem::size_of::<mlx_axes>() - 16usize];
    ["Alignment of mlx_axes"][::core::mem::align_of::<mlx_axes>() - 8usize];
    ["Offset of field: mlx_axes::data"][::core::mem::offset_of!(mlx_axes, data) - 0usize];
    ["Offset of field: mlx_axes::size"][::core::mem::offset_of!(mlx_axes, size) - 8usize];
};
#[doc = " Text in UTF-8, without a terminator."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_string {
    pub data: *const ::core::ffi::c_char,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_string"][::core::mem::size_of::<mlx_string>() - 16usize];
    ["Alignment of mlx_string"][::core::mem::align_of::<mlx_string>() - 8usize];
    ["Offset of field: mlx_string::data"][::core::mem::offset_of!(mlx_string, data) - 0usize];
    ["Offset of field: mlx_string::size"][::core::mem::offset_of!(mlx_string, size) - 8usize];
};
#[doc = " A list of texts."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_strings {
    pub data: *const mlx_string,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_strings"][::core::mem::size_of::<mlx_strings>() - 16usize];
    ["Alignment of mlx_strings"][::core::mem::align_of::<mlx_strings>() - 8usize];
    ["Offset of field: mlx_strings::data"][::core::mem::offset_of!(mlx_strings, data) - 0usize];
    ["Offset of field: mlx_strings::size"][::core::mem::offset_of!(mlx_strings, size) - 8usize];
};
#[doc = " Two ints, for the two spatial axes of an image."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_int2 {
    pub v: [::core::ffi::c_int; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_int2"][::core::mem::size_of::<mlx_int2>() - 8usize];
    ["Alignment of mlx_int2"][::core::mem::align_of::<mlx_int2>() - 4usize];
    ["Offset of field: mlx_int2::v"][::core::mem::offset_of!(mlx_int2, v) - 0usize];
};
#[doc = " Three ints, for the three spatial axes of a volume."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_int3 {
    pub v: [::core::ffi::c_int; 3usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_int3"][::core::mem::size_of::<mlx_int3>() - 12usize];
    ["Alignment of mlx_int3"][::core::mem::align_of::<mlx_int3>() - 4usize];
    ["Offset of field: mlx_int3::v"][::core::mem::offset_of!(mlx_int3, v) - 0usize];
};
#[doc = " What is known of an array before it is computed."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_spec {
    pub shape: mlx_ints,
    pub dtype: mlx_dtype,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_spec"][::core::mem::size_of::<mlx_spec>() - 24usize];
    ["Alignment of mlx_spec"][::core::mem::align_of::<mlx_spec>() - 8usize];
    ["Offset of field: mlx_spec::shape"][::core::mem::offset_of!(mlx_spec, shape) - 0usize];
    ["Offset of field: mlx_spec::dtype"][::core::mem::offset_of!(mlx_spec, dtype) - 16usize];
};
#[doc = " A list of specs: one per output."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_specs {
    pub data: *const mlx_spec,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_specs"][::core::mem::size_of::<mlx_specs>() - 16usize];
    ["Alignment of mlx_specs"][::core::mem::align_of::<mlx_specs>() - 8usize];
    ["Offset of field: mlx_specs::data"][::core::mem::offset_of!(mlx_specs, data) - 0usize];
    ["Offset of field: mlx_specs::size"][::core::mem::offset_of!(mlx_specs, size) - 8usize];
};
#[doc = " Text owned by the caller; release it with `mlx_owned_string_free`. No terminator."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_owned_string {
    pub data: *mut ::core::ffi::c_char,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_owned_string"][::core::mem::size_of::<mlx_owned_string>() - 16usize];
    ["Alignment of mlx_owned_string"][::core::mem::align_of::<mlx_owned_string>() - 8usize];
    ["Offset of field: mlx_owned_string::data"][::core::mem::offset_of!(mlx_owned_string, data) - 0usize];
    ["Offset of field: mlx_owned_string::size"][::core::mem::offset_of!(mlx_owned_string, size) - 8usize];
};
#[doc = " Ints owned by the caller; release them with `mlx_int_vector_free`."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_int_vector {
    pub data: *mut ::core::ffi::c_int,
    pub size: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_int_vector"][::core::mem::size_of::<mlx_int_vector>() - 16usize];
    ["Alignment of mlx_int_vector"][::core::mem::align_of::<mlx_int_vector>() - 8usize];
    ["Offset of field: mlx_int_vector::data"][::core::mem::offset_of!(mlx_int_vector, data) - 0usize];
    ["Offset of field: mlx_int_vector::size"][::core::mem::offset_of!(mlx_int_vector, size) - 8usize];
};
#[doc = " Optional values ---------------------------------------------------------------------------------"]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_int {
    pub value: ::core::ffi::c_int,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_int"][::core::mem::size_of::<mlx_optional_int>() - 8usize];
    ["Alignment of mlx_optional_int"][::core::mem::align_of::<mlx_optional_int>() - 4usize];
    ["Offset of field: mlx_optional_int::value"][::core::mem::offset_of!(mlx_optional_int, value) - 0usize];
    ["Offset of field: mlx_optional_int::has_value"]
        [::core::mem::offset_of!(mlx_optional_int, has_value) - 4usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_float {
    pub value: f32,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_float"][::core::mem::size_of::<mlx_optional_float>() - 8usize];
    ["Alignment of mlx_optional_float"][::core::mem::align_of::<mlx_optional_float>() - 4usize];
    ["Offset of field: mlx_optional_float::value"]
        [::core::mem::offset_of!(mlx_optional_float, value) - 0usize];
    ["Offset of field: mlx_optional_float::has_value"]
        [::core::mem::offset_of!(mlx_optional_float, has_value) - 4usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_double {
    pub value: f64,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_double"][::core::mem::size_of::<mlx_optional_double>() - 16usize];
    ["Alignment of mlx_optional_double"][::core::mem::align_of::<mlx_optional_double>() - 8usize];
    ["Offset of field: mlx_optional_double::value"]
        [::core::mem::offset_of!(mlx_optional_double, value) - 0usize];
    ["Offset of field: mlx_optional_double::has_value"]
        [::core::mem::offset_of!(mlx_optional_double, has_value) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_bool {
    pub value: bool,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_bool"][::core::mem::size_of::<mlx_optional_bool>() - 2usize];
    ["Alignment of mlx_optional_bool"][::core::mem::align_of::<mlx_optional_bool>() - 1usize];
    ["Offset of field: mlx_optional_bool::value"][::core::mem::offset_of!(mlx_optional_bool, value) - 0usize];
    ["Offset of field: mlx_optional_bool::has_value"]
        [::core::mem::offset_of!(mlx_optional_bool, has_value) - 1usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_dtype {
    pub value: mlx_dtype,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_dtype"][::core::mem::size_of::<mlx_optional_dtype>() - 8usize];
    ["Alignment of mlx_optional_dtype"][::core::mem::align_of::<mlx_optional_dtype>() - 4usize];
    ["Offset of field: mlx_optional_dtype::value"]
        [::core::mem::offset_of!(mlx_optional_dtype, value) - 0usize];
    ["Offset of field: mlx_optional_dtype::has_value"]
        [::core::mem::offset_of!(mlx_optional_dtype, has_value) - 4usize];
};
#[doc = " Devices and streams -----------------------------------------------------------------------------"]
pub type mlx_device_type = i32;
pub const MLX_CPU: mlx_device_type = 0;
pub const MLX_GPU: mlx_device_type = 1;
#[doc = " A processor: its type and its number among those of that type."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_device {
    pub type_: mlx_device_type,
    pub index: ::core::ffi::c_int,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_device"][::core::mem::size_of::<mlx_device>() - 8usize];
    ["Alignment of mlx_device"][::core::mem::align_of::<mlx_device>() - 4usize];
    ["Offset of field: mlx_device::type_"][::core::mem::offset_of!(mlx_device, type_) - 0usize];
    ["Offset of field: mlx_device::index"][::core::mem::offset_of!(mlx_device, index) - 4usize];
};
#[doc = " A queue of work on a device. Every operation names the stream it will run on."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_stream {
    pub index: ::core::ffi::c_int,
    pub device: mlx_device,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_stream"][::core::mem::size_of::<mlx_stream>() - 12usize];
    ["Alignment of mlx_stream"][::core::mem::align_of::<mlx_stream>() - 4usize];
    ["Offset of field: mlx_stream::index"][::core::mem::offset_of!(mlx_stream, index) - 0usize];
    ["Offset of field: mlx_stream::device"][::core::mem::offset_of!(mlx_stream, device) - 4usize];
};
unsafe extern "C" {
    #[doc = " An array of the given shape with a copy of the row-major elements at `data`, which needs no alignment."]
    pub fn mlx_array_new_data(
        out: *mut mlx_array,
        data: *const ::core::ffi::c_void,
        shape: mlx_ints,
        dtype: mlx_dtype,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A bool scalar."]
    pub fn mlx_array_new_bool(out: *mut mlx_array, value: bool) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A scalar of any dtype from an integer, converted as by a C cast."]
    pub fn mlx_array_new_int(out: *mut mlx_array, value: i64, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A scalar of any dtype from a floating-point number, converted as by a C cast."]
    pub fn mlx_array_new_float(out: *mut mlx_array, value: f64, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A complex64 scalar."]
    pub fn mlx_array_new_complex(out: *mut mlx_array, real: f32, imag: f32) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Another reference to the same array."]
    pub fn mlx_array_clone(out: *mut mlx_array, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An evaluated array again, over the same memory but with a descriptor of its own, so that another thread\n may use it while this one uses `a`. Waits for `a`; fails when it is not evaluated or still part of a\n graph."]
    pub fn mlx_array_share(out: *mut mlx_array, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the reference. The null array is ignored."]
    pub fn mlx_array_free(a: mlx_array);
}
unsafe extern "C" {
    #[doc = " The number of axes."]
    pub fn mlx_array_ndim(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " The number of elements."]
    pub fn mlx_array_size(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " The number of bytes of one element."]
    pub fn mlx_array_itemsize(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " The number of bytes of all elements: `size * itemsize`."]
    pub fn mlx_array_nbytes(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " The element type."]
    pub fn mlx_array_dtype(a: mlx_array) -> mlx_dtype;
}
unsafe extern "C" {
    #[doc = " `ndim` sizes, valid as long as the array lives."]
    pub fn mlx_array_shape(a: mlx_array) -> *const ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `ndim` strides in elements, valid until the array is evaluated or released."]
    pub fn mlx_array_strides(a: mlx_array) -> *const i64;
}
unsafe extern "C" {
    #[doc = " Where the first element lies in the buffer, in bytes."]
    pub fn mlx_array_offset(a: mlx_array) -> i64;
}
unsafe extern "C" {
    #[doc = " The number of elements the array spans in its buffer: fewer than `size` when broadcast, more when\n strided."]
    pub fn mlx_array_data_size(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " Whether the elements lie in row-major order without gaps."]
    pub fn mlx_array_row_contiguous(a: mlx_array) -> bool;
}
unsafe extern "C" {
    #[doc = " Whether the elements lie in column-major order without gaps."]
    pub fn mlx_array_col_contiguous(a: mlx_array) -> bool;
}
unsafe extern "C" {
    #[doc = " Whether every element of the spanned buffer belongs to the array, in whatever order."]
    pub fn mlx_array_contiguous(a: mlx_array) -> bool;
}
unsafe extern "C" {
    #[doc = " The first element, laid out as shape and strides say. Waits for a scheduled array; fails when the array\n has not been evaluated. It may be aligned to less than its element type, and is NULL when the array is\n empty."]
    pub fn mlx_array_data(out: *mut *const ::core::ffi::c_void, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The elements and the type as text, as Python prints them: the middle of long axes is left out.\n Evaluates the array. Reads what `mlx_set_printoptions` sets, without a lock."]
    pub fn mlx_array_to_string(out: *mut mlx_owned_string, a: mlx_array) -> ::core::ffi::c_int;
}
#[doc = " The graph ---------------------------------------------------------------------------------------"]
pub type mlx_array_state = i32;
#[doc = " Nothing has been computed."]
pub const MLX_UNSCHEDULED: mlx_array_state = 0;
#[doc = " The computation runs or has run."]
pub const MLX_EVALUATED: mlx_array_state = 1;
#[doc = " The elements can be read."]
pub const MLX_AVAILABLE: mlx_array_state = 2;
unsafe extern "C" {
    #[doc = " How far the evaluation of the array is."]
    pub fn mlx_array_status(a: mlx_array) -> mlx_array_state;
}
unsafe extern "C" {
    #[doc = " Whether `mlx_array_data` gives the elements of an array in row-major order while other work goes on: it was evaluated,\n lies so in memory, and nothing else refers to that memory, neither work that has been submitted, which might write it,\n nor, on CUDA, anything that would notice that the host's access moves it. Waits until the array is computed."]
    pub fn mlx_array_is_readable(out: *mut bool, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether the elements can be read now, without waiting."]
    pub fn mlx_array_is_available(out: *mut bool, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Waits until a scheduled array can be read; fails when it has not been evaluated."]
    pub fn mlx_array_wait(a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether a transformation is recording what is computed from the array."]
    pub fn mlx_array_is_tracer(a: mlx_array) -> bool;
}
unsafe extern "C" {
    #[doc = " Whether the array is the result of an operation that is still part of the graph."]
    pub fn mlx_array_has_primitive(a: mlx_array) -> bool;
}
unsafe extern "C" {
    #[doc = " The name of that operation, valid as long as it is part of the graph."]
    pub fn mlx_array_primitive_name(out: *mut mlx_string, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inputs of that operation; none for a leaf."]
    pub fn mlx_array_inputs(out: *mut mlx_array_vector, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A number that no other living array has."]
    pub fn mlx_array_id(a: mlx_array) -> usize;
}
unsafe extern "C" {
    #[doc = " A list of clones of the given arrays: how a callback returns its results."]
    pub fn mlx_array_vector_new_from(out: *mut mlx_array_vector, arrays: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of arrays in the list, those already taken included."]
    pub fn mlx_array_vector_size(v: mlx_array_vector) -> usize;
}
unsafe extern "C" {
    #[doc = " Moves array `i` out of the list. Each can be taken once."]
    pub fn mlx_array_vector_take(out: *mut mlx_array, v: mlx_array_vector, i: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the list and the arrays left in it. The null list is ignored."]
    pub fn mlx_array_vector_free(v: mlx_array_vector);
}
unsafe extern "C" {
    #[doc = " A copy of the given ints: how a callback returns axes."]
    pub fn mlx_int_vector_new_from(out: *mut mlx_int_vector, values: mlx_ints) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the ints."]
    pub fn mlx_int_vector_free(v: mlx_int_vector);
}
unsafe extern "C" {
    #[doc = " Releases the text."]
    pub fn mlx_owned_string_free(s: mlx_owned_string);
}
unsafe extern "C" {
    #[doc = " Computes the arrays and waits for them. After a failure all arrays that this thread has scheduled and that\n are not known to have been computed count as not evaluated: reading or evaluating them fails."]
    pub fn mlx_eval(arrays: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Begins to compute the arrays. A failure that comes up later is reported by `mlx_eval`, `mlx_array_wait` or\n another function that waits for them."]
    pub fn mlx_async_eval(arrays: mlx_arrays) -> ::core::ffi::c_int;
}
#[doc = " A function of arrays, given to MLX.\n\n `call` gets `ctx` and borrowed inputs, sets `*out` with `mlx_array_vector_new_from` and returns 0.\n Non-zero stops the outer function, which then returns `MLX_CALLBACK`. It must not throw, unwind or jump\n out, and should depend on nothing but its inputs, because MLX decides how often it is called. `drop` (or\n NULL) is called once, when MLX no longer needs `ctx`, whether or not the function that got the closure\n succeeds."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_closure {
    pub ctx: *mut ::core::ffi::c_void,
    pub call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            inputs: mlx_arrays,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_closure"][::core::mem::size_of::<mlx_closure>() - 24usize];
    ["Alignment of mlx_closure"][::core::mem::align_of::<mlx_closure>() - 8usize];
    ["Offset of field: mlx_closure::ctx"][::core::mem::offset_of!(mlx_closure, ctx) - 0usize];
    ["Offset of field: mlx_closure::call"][::core::mem::offset_of!(mlx_closure, call) - 8usize];
    ["Offset of field: mlx_closure::drop"][::core::mem::offset_of!(mlx_closure, drop) - 16usize];
};
#[doc = " The vector-Jacobian product of a function: from its inputs, the cotangents of its outputs, and its\n outputs to one cotangent per input. `call == NULL` means not given."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_closure_vjp {
    pub ctx: *mut ::core::ffi::c_void,
    pub call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            primals: mlx_arrays,
            cotangents: mlx_arrays,
            outputs: mlx_arrays,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_closure_vjp"][::core::mem::size_of::<mlx_closure_vjp>() - 24usize];
    ["Alignment of mlx_closure_vjp"][::core::mem::align_of::<mlx_closure_vjp>() - 8usize];
    ["Offset of field: mlx_closure_vjp::ctx"][::core::mem::offset_of!(mlx_closure_vjp, ctx) - 0usize];
    ["Offset of field: mlx_closure_vjp::call"][::core::mem::offset_of!(mlx_closure_vjp, call) - 8usize];
    ["Offset of field: mlx_closure_vjp::drop"][::core::mem::offset_of!(mlx_closure_vjp, drop) - 16usize];
};
#[doc = " The Jacobian-vector product of a function: from its inputs and the tangents of those numbered by\n `argnums` to one tangent per output. `call == NULL` means not given."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_closure_jvp {
    pub ctx: *mut ::core::ffi::c_void,
    pub call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            primals: mlx_arrays,
            tangents: mlx_arrays,
            argnums: mlx_ints,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_closure_jvp"][::core::mem::size_of::<mlx_closure_jvp>() - 24usize];
    ["Alignment of mlx_closure_jvp"][::core::mem::align_of::<mlx_closure_jvp>() - 8usize];
    ["Offset of field: mlx_closure_jvp::ctx"][::core::mem::offset_of!(mlx_closure_jvp, ctx) - 0usize];
    ["Offset of field: mlx_closure_jvp::call"][::core::mem::offset_of!(mlx_closure_jvp, call) - 8usize];
    ["Offset of field: mlx_closure_jvp::drop"][::core::mem::offset_of!(mlx_closure_jvp, drop) - 16usize];
};
#[doc = " The vectorized form of a function: from inputs and the axis each is vectorized over (-1: none) to\n outputs and theirs (`mlx_int_vector_new_from`). `call == NULL` means not given."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_closure_vmap {
    pub ctx: *mut ::core::ffi::c_void,
    pub call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            inputs: mlx_arrays,
            axes: mlx_ints,
            out: *mut mlx_array_vector,
            out_axes: *mut mlx_int_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_closure_vmap"][::core::mem::size_of::<mlx_closure_vmap>() - 24usize];
    ["Alignment of mlx_closure_vmap"][::core::mem::align_of::<mlx_closure_vmap>() - 8usize];
    ["Offset of field: mlx_closure_vmap::ctx"][::core::mem::offset_of!(mlx_closure_vmap, ctx) - 0usize];
    ["Offset of field: mlx_closure_vmap::call"][::core::mem::offset_of!(mlx_closure_vmap, call) - 8usize];
    ["Offset of field: mlx_closure_vmap::drop"][::core::mem::offset_of!(mlx_closure_vmap, drop) - 16usize];
};
#[doc = " A function of arrays, made by MLX. It belongs to the thread that made it."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_function {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_function"][::core::mem::size_of::<mlx_function>() - 8usize];
    ["Alignment of mlx_function"][::core::mem::align_of::<mlx_function>() - 8usize];
    ["Offset of field: mlx_function::p"][::core::mem::offset_of!(mlx_function, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Calls the function."]
    pub fn mlx_function_call(
        out: *mut mlx_array_vector,
        f: mlx_function,
        inputs: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the function. Null is ignored."]
    pub fn mlx_function_free(f: mlx_function);
}
unsafe extern "C" {
    #[doc = " The outputs of `f` at `primals`, and the product of `cotangents`, one per output, with its Jacobian: one\n array per primal."]
    pub fn mlx_vjp(
        outputs: *mut mlx_array_vector,
        vjps: *mut mlx_array_vector,
        f: mlx_closure,
        primals: mlx_arrays,
        cotangents: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The outputs of `f` at `primals`, and the product of its Jacobian with `tangents`, one per primal: one\n array per output."]
    pub fn mlx_jvp(
        outputs: *mut mlx_array_vector,
        jvps: *mut mlx_array_vector,
        f: mlx_closure,
        primals: mlx_arrays,
        tangents: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The outputs of `f` at `args`, of which the first must be a scalar, and its gradient with respect to each\n of the arguments numbered by `argnums`."]
    pub fn mlx_value_and_grad(
        values: *mut mlx_array_vector,
        grads: *mut mlx_array_vector,
        f: mlx_closure,
        args: mlx_arrays,
        argnums: mlx_ints,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `f` applied along an axis of each argument (-1: to the whole of it), its outputs stacked along\n `out_axes`. An empty list of axes means axis 0 throughout."]
    pub fn mlx_vmap(
        out: *mut mlx_array_vector,
        f: mlx_closure,
        args: mlx_arrays,
        in_axes: mlx_ints,
        out_axes: mlx_ints,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `f` with transformations of its own; one that is not given is derived from `f`."]
    pub fn mlx_custom_function(
        out: *mut mlx_function,
        f: mlx_closure,
        opt_vjp: mlx_closure_vjp,
        opt_jvp: mlx_closure_jvp,
        opt_vmap: mlx_closure_vmap,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `f`, computed again for its gradient instead of keeping what it computed on the way."]
    pub fn mlx_checkpoint(out: *mut mlx_function, f: mlx_closure) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `f` compiled. It is traced at the first call, and again for each new combination of input shapes and\n types, or with `shapeless` of types and numbers of axes only. Arrays that `f` uses without being passed\n them become constants. Call and release the result on the thread that made it, and do not call it from\n within `f`."]
    pub fn mlx_compile(out: *mut mlx_function, f: mlx_closure, shapeless: bool) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether a shapeless compiled function, which has been called before, may be called with arrays of these shapes: traces\n `f` for them and compares what it records. MLX replays a trace without checking shapes again, and would read foreign\n memory where they do not fit."]
    pub fn mlx_compiled_fits(out: *mut bool, f: mlx_function, inputs: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Makes `mlx_compile` return functions as they are, in the whole process."]
    pub fn mlx_disable_compile() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Makes `mlx_compile` compile again, also against the variable `MLX_DISABLE_COMPILE`."]
    pub fn mlx_enable_compile() -> ::core::ffi::c_int;
}
pub type mlx_compile_mode = i32;
#[doc = " Functions are returned as they are."]
pub const MLX_COMPILE_DISABLED: mlx_compile_mode = 0;
#[doc = " Functions are traced, and neither simplified nor fused."]
pub const MLX_COMPILE_NO_SIMPLIFY: mlx_compile_mode = 1;
#[doc = " Graphs are simplified but not fused."]
pub const MLX_COMPILE_NO_FUSE: mlx_compile_mode = 2;
#[doc = " Graphs are simplified and fused."]
pub const MLX_COMPILE_ENABLED: mlx_compile_mode = 3;
unsafe extern "C" {
    #[doc = " How far compilation goes, in the whole process."]
    pub fn mlx_set_compile_mode(mode: mlx_compile_mode) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Forgets what the calling thread has traced; compiled functions are traced again when called."]
    pub fn mlx_compile_clear_cache() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The process's default device: a GPU when there is one."]
    pub fn mlx_default_device(out: *mut mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sets the process's default device. Not synchronised: call it before other threads use MLX."]
    pub fn mlx_set_default_device(d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether the device exists and this build of MLX can use it."]
    pub fn mlx_is_available(out: *mut bool, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of devices of a type."]
    pub fn mlx_device_count(out: *mut ::core::ffi::c_int, type_: mlx_device_type) -> ::core::ffi::c_int;
}
#[doc = " Properties by name, owned by the caller."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_info {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_info"][::core::mem::size_of::<mlx_info>() - 8usize];
    ["Alignment of mlx_info"][::core::mem::align_of::<mlx_info>() - 8usize];
    ["Offset of field: mlx_info::p"][::core::mem::offset_of!(mlx_info, p) - 0usize];
};
#[doc = " One property: text, or a number."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_info_value {
    pub text: mlx_string,
    pub number: usize,
    pub is_number: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_info_value"][::core::mem::size_of::<mlx_info_value>() - 32usize];
    ["Alignment of mlx_info_value"][::core::mem::align_of::<mlx_info_value>() - 8usize];
    ["Offset of field: mlx_info_value::text"][::core::mem::offset_of!(mlx_info_value, text) - 0usize];
    ["Offset of field: mlx_info_value::number"][::core::mem::offset_of!(mlx_info_value, number) - 16usize];
    ["Offset of field: mlx_info_value::is_number"]
        [::core::mem::offset_of!(mlx_info_value, is_number) - 24usize];
};
unsafe extern "C" {
    #[doc = " The properties of a device: \"device_name\" and \"architecture\" on all; \"memory_size\", \"resource_limit\",\n \"max_buffer_length\" and \"max_recommended_working_set_size\" on Metal; \"total_memory\", \"free_memory\",\n \"uuid\", \"pci_bus_id\", \"compute_capability_major\" and \"compute_capability_minor\" on CUDA."]
    pub fn mlx_device_info(out: *mut mlx_info, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of properties."]
    pub fn mlx_info_size(info: mlx_info) -> usize;
}
unsafe extern "C" {
    #[doc = " Property `i` in alphabetical order. Name and text are valid until `info` is released."]
    pub fn mlx_info_get(
        out_name: *mut mlx_string,
        out_value: *mut mlx_info_value,
        info: mlx_info,
        i: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the properties. Null is ignored."]
    pub fn mlx_info_free(info: mlx_info);
}
unsafe extern "C" {
    #[doc = " Whether this build has the CUDA backend."]
    pub fn mlx_cuda_is_available(out: *mut bool) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The properties of a CUDA device; see `mlx_device_info`. Fails in a build without CUDA."]
    pub fn mlx_cuda_device_info(out: *mut mlx_info, device_index: ::core::ffi::c_int) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Compiles CUDA C++ for an architecture such as `sm_90` with NVRTC, which MLX for CUDA brings along; no headers are\n there. Gives a cubin, or fails with what the compiler says. The same source is compiled once in a process."]
    pub fn mlx_cuda_compile(
        out: *mut mlx_owned_string,
        source: mlx_string,
        architecture: mlx_string,
    ) -> ::core::ffi::c_int;
}
#[doc = " The processes that communicate. Work in flight refers to its group without counting: release a group only\n when all its work has been waited for. The null group stands for that of `mlx_distributed_init(false,\n \"any\")`."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_group {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_group"][::core::mem::size_of::<mlx_group>() - 8usize];
    ["Alignment of mlx_group"][::core::mem::align_of::<mlx_group>() - 8usize];
    ["Offset of field: mlx_group::p"][::core::mem::offset_of!(mlx_group, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Whether this build can use the backend: \"any\", \"ring\", \"mpi\", \"nccl\" or \"jaccl\"."]
    pub fn mlx_distributed_is_available(out: *mut bool, backend: mlx_string) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The group of all processes, which are found as the backend's environment variables say. When they say\n nothing, it is a group of this process alone, or with `strict` a failure. What one backend has given once\n it gives again.\n\n The variables are trusted: a rank below zero or an empty list of hosts ends the process."]
    pub fn mlx_distributed_init(out: *mut mlx_group, strict: bool, backend: mlx_string)
    -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Forgets all groups, so that the next call connects anew. Communication that is in flight loses the memory\n it works on: wait for it first."]
    pub fn mlx_distributed_clear_backends() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of this process in the group."]
    pub fn mlx_group_rank(out: *mut ::core::ffi::c_int, group: mlx_group) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of processes in the group."]
    pub fn mlx_group_size(out: *mut ::core::ffi::c_int, group: mlx_group) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The group of the processes that gave the same color, ranked by their keys; a negative key stands for the\n rank."]
    pub fn mlx_group_split(
        out: *mut mlx_group,
        group: mlx_group,
        color: ::core::ffi::c_int,
        key: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the group. Null is ignored."]
    pub fn mlx_group_free(group: mlx_group);
}
unsafe extern "C" {
    #[doc = " The sum over all processes, element by element."]
    pub fn mlx_distributed_all_sum(
        out: *mut mlx_array,
        x: mlx_array,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The largest over all processes, element by element."]
    pub fn mlx_distributed_all_max(
        out: *mut mlx_array,
        x: mlx_array,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The smallest over all processes, element by element."]
    pub fn mlx_distributed_all_min(
        out: *mut mlx_array,
        x: mlx_array,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The arrays of all processes, joined along axis 0."]
    pub fn mlx_distributed_all_gather(
        out: *mut mlx_array,
        x: mlx_array,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " This process's part, along axis 0, of the sum over all processes."]
    pub fn mlx_distributed_sum_scatter(
        out: *mut mlx_array,
        x: mlx_array,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sends an array to the process `dst` when the result, which is the array again, is evaluated."]
    pub fn mlx_distributed_send(
        out: *mut mlx_array,
        x: mlx_array,
        dst: ::core::ffi::c_int,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array of this shape and type that the process `src` sends."]
    pub fn mlx_distributed_recv(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        src: ::core::ffi::c_int,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array that the process `src` sends, of the shape and type of `x`."]
    pub fn mlx_distributed_recv_like(
        out: *mut mlx_array,
        x: mlx_array,
        src: ::core::ffi::c_int,
        opt_group: mlx_group,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
#[doc = " A family of element types. `generic` holds `number`, which holds `integer` (signed and unsigned) and\n `inexact` (real and complex floating point)."]
pub type mlx_dtype_category = i32;
pub const MLX_COMPLEXFLOATING: mlx_dtype_category = 0;
pub const MLX_FLOATING: mlx_dtype_category = 1;
pub const MLX_INEXACT: mlx_dtype_category = 2;
pub const MLX_SIGNEDINTEGER: mlx_dtype_category = 3;
pub const MLX_UNSIGNEDINTEGER: mlx_dtype_category = 4;
pub const MLX_INTEGER: mlx_dtype_category = 5;
pub const MLX_NUMBER: mlx_dtype_category = 6;
pub const MLX_GENERIC: mlx_dtype_category = 7;
#[doc = " The letter of an element type in the formats of NumPy."]
pub type mlx_dtype_kind = i32;
#[doc = " b"]
pub const MLX_KIND_BOOL: mlx_dtype_kind = 0;
#[doc = " u"]
pub const MLX_KIND_UNSIGNED: mlx_dtype_kind = 1;
#[doc = " i"]
pub const MLX_KIND_SIGNED: mlx_dtype_kind = 2;
#[doc = " f"]
pub const MLX_KIND_FLOAT: mlx_dtype_kind = 3;
#[doc = " c"]
pub const MLX_KIND_COMPLEX: mlx_dtype_kind = 4;
#[doc = " V: bfloat16"]
pub const MLX_KIND_VOID: mlx_dtype_kind = 5;
unsafe extern "C" {
    #[doc = " The number of bytes of an element."]
    pub fn mlx_size_of(out: *mut usize, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The letter of the type."]
    pub fn mlx_kindof(out: *mut mlx_dtype_kind, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The smallest type that holds the values of both, as operations on two arrays produce it."]
    pub fn mlx_promote_types(out: *mut mlx_dtype, a: mlx_dtype, b: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether the types are the same."]
    pub fn mlx_issubdtype(out: *mut bool, a: mlx_dtype, b: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether the type belongs to the family."]
    pub fn mlx_issubdtype_category(out: *mut bool, a: mlx_dtype, b: mlx_dtype_category)
    -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether one family is part of another."]
    pub fn mlx_issubdtype_categories(
        out: *mut bool,
        a: mlx_dtype_category,
        b: mlx_dtype_category,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sum of products that `subscripts` names, such as \"ij,jk->ik\"."]
    pub fn mlx_einsum(
        out: *mut mlx_array,
        subscripts: mlx_string,
        operands: mlx_arrays,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The order in which `mlx_einsum` contracts its operands. Step `i` takes the `out_step_sizes[i]` next\n positions of `out_positions` from the list of operands and appends its result to it. `out_summary`\n describes the costs."]
    pub fn mlx_einsum_path(
        out_positions: *mut mlx_int_vector,
        out_step_sizes: *mut mlx_int_vector,
        out_summary: *mut mlx_owned_string,
        subscripts: mlx_string,
        operands: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
#[doc = " The result of every function that returns `int`. When it is not `MLX_OK` no out-pointer has been\n written, and `mlx_error_message` has the text. No function throws or ends the process."]
pub const MLX_OK: ::core::ffi::c_int = 0;
#[doc = " A shape, type or value that the operation does not accept."]
pub const MLX_INVALID_ARGUMENT: ::core::ffi::c_int = 1;
#[doc = " An index outside of its range."]
pub const MLX_OUT_OF_RANGE: ::core::ffi::c_int = 2;
#[doc = " A failure while running: a missing stream or backend, a file that does not read, a failed kernel."]
pub const MLX_RUNTIME: ::core::ffi::c_int = 3;
#[doc = " Memory could not be allocated."]
pub const MLX_BAD_ALLOC: ::core::ffi::c_int = 4;
#[doc = " The file system refused: a directory that cannot be made, a path that cannot be resolved."]
pub const MLX_IO: ::core::ffi::c_int = 5;
#[doc = " A callback returned non-zero. The message is the one it gave to `mlx_callback_failed`."]
pub const MLX_CALLBACK: ::core::ffi::c_int = 6;
#[doc = " Something that is not a standard exception was thrown."]
pub const MLX_UNKNOWN: ::core::ffi::c_int = 7;
unsafe extern "C" {
    #[doc = " The message of this thread's last failed call: text to show, never a format. Empty before the first\n failure; valid until the next failure on this thread."]
    pub fn mlx_error_message(data: *mut *const ::core::ffi::c_char, size: *mut usize);
}
unsafe extern "C" {
    #[doc = " For callbacks: the message of the failure that the calling one is about to report by returning non-zero."]
    pub fn mlx_callback_failed(message: mlx_string);
}
#[doc = " A function of arrays by position and arrays by name, given to MLX. As `mlx_closure` (`transforms.h`), with\n the names, in alphabetical order, of the arrays in `values`."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_closure_kwargs {
    pub ctx: *mut ::core::ffi::c_void,
    pub call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            args: mlx_arrays,
            names: mlx_strings,
            values: mlx_arrays,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_closure_kwargs"][::core::mem::size_of::<mlx_closure_kwargs>() - 24usize];
    ["Alignment of mlx_closure_kwargs"][::core::mem::align_of::<mlx_closure_kwargs>() - 8usize];
    ["Offset of field: mlx_closure_kwargs::ctx"][::core::mem::offset_of!(mlx_closure_kwargs, ctx) - 0usize];
    ["Offset of field: mlx_closure_kwargs::call"][::core::mem::offset_of!(mlx_closure_kwargs, call) - 8usize];
    ["Offset of field: mlx_closure_kwargs::drop"]
        [::core::mem::offset_of!(mlx_closure_kwargs, drop) - 16usize];
};
#[doc = " A file being written. It belongs to the thread that made it."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_exporter {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_exporter"][::core::mem::size_of::<mlx_exporter>() - 8usize];
    ["Alignment of mlx_exporter"][::core::mem::align_of::<mlx_exporter>() - 8usize];
    ["Offset of field: mlx_exporter::p"][::core::mem::offset_of!(mlx_exporter, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Records `f` for the given arguments in the file at `path`: for their shapes and types only, or with\n `shapeless` for all arguments of their types and numbers of axes. Names pair up with values by position.\n Arrays that `f` uses without being passed them are written too."]
    pub fn mlx_export_function(
        path: mlx_string,
        f: mlx_closure_kwargs,
        args: mlx_arrays,
        names: mlx_strings,
        values: mlx_arrays,
        shapeless: bool,
        metadata: mlx_string,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Begins a file that will hold `f` for several kinds of arguments."]
    pub fn mlx_exporter_new(
        out: *mut mlx_exporter,
        path: mlx_string,
        f: mlx_closure_kwargs,
        shapeless: bool,
        metadata: mlx_string,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Records the function for the given arguments. After a failure the file is of no use, and nothing can be\n added."]
    pub fn mlx_exporter_add(
        e: mlx_exporter,
        args: mlx_arrays,
        names: mlx_strings,
        values: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Refuses further arguments."]
    pub fn mlx_exporter_close(e: mlx_exporter) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Closes the file. Null is ignored."]
    pub fn mlx_exporter_free(e: mlx_exporter);
}
#[doc = " A function from a file. It belongs to the thread that made it."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_imported_function {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_imported_function"][::core::mem::size_of::<mlx_imported_function>() - 8usize];
    ["Alignment of mlx_imported_function"][::core::mem::align_of::<mlx_imported_function>() - 8usize];
    ["Offset of field: mlx_imported_function::p"][::core::mem::offset_of!(mlx_imported_function, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Reads the function in a file; arrays in it are read when they are needed.\n\n The file is trusted like code: operations are run with the shapes, types and parameters that it says, and\n nobody checks that they fit, nor, when it was written `shapeless`, that the arguments of a call do. Of\n what can be wrong with a file only what makes it end early, or names no operation, is reported."]
    pub fn mlx_import_function(out: *mut mlx_imported_function, path: mlx_string) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Calls the function with arguments of a kind that it was recorded for, on `s`; what was recorded on another\n kind of device that is here too runs on the thread's default stream there."]
    pub fn mlx_imported_function_call(
        out: *mut mlx_array_vector,
        f: mlx_imported_function,
        args: mlx_arrays,
        names: mlx_strings,
        values: mlx_arrays,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The text that was given when the file was written, valid until `f` is released."]
    pub fn mlx_imported_function_metadata(
        out: *mut mlx_string,
        f: mlx_imported_function,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the function. Null is ignored."]
    pub fn mlx_imported_function_free(f: mlx_imported_function);
}
unsafe extern "C" {
    #[doc = " `x / sqrt(mean(x * x) + eps) * weight` over the last axis."]
    pub fn mlx_fast_rms_norm(
        out: *mut mlx_array,
        x: mlx_array,
        opt_weight: mlx_array,
        eps: f32,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `(x - mean) / sqrt(variance + eps) * weight + bias` over the last axis."]
    pub fn mlx_fast_layer_norm(
        out: *mut mlx_array,
        x: mlx_array,
        opt_weight: mlx_array,
        opt_bias: mlx_array,
        eps: f32,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cross entropy of logits over the last axis and class indices."]
    pub fn mlx_fast_cross_entropy(
        out: *mut mlx_array,
        logits: mlx_array,
        targets: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Rotary position embedding of the first `dims` of the last axis at positions `offset, offset + 1, ...` of\n the axis before it, times `scale`. `traditional` rotates neighbours, else the two halves. Exactly one of\n `base` and `opt_freqs` (`dims / 2` wavelengths) is given."]
    pub fn mlx_fast_rope(
        out: *mut mlx_array,
        x: mlx_array,
        dims: ::core::ffi::c_int,
        traditional: bool,
        base: mlx_optional_float,
        scale: f32,
        offset: ::core::ffi::c_int,
        opt_freqs: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `mlx_fast_rope` with a computed offset: a scalar, or one per batch."]
    pub fn mlx_fast_rope_dynamic(
        out: *mut mlx_array,
        x: mlx_array,
        dims: ::core::ffi::c_int,
        traditional: bool,
        base: mlx_optional_float,
        scale: f32,
        offset: mlx_array,
        opt_freqs: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `softmax(scale * queries @ keys.T + mask) @ values` of (batch, heads, length, head size) arrays; there\n may be fewer key than query heads. `mask_mode` is \"\" (none, or `opt_mask_arr`), \"array\" or \"causal\"; a\n mask is bool (true: attend) or added. `opt_sinks` holds one extra logit per query head. `force_fused`\n fails where no fused kernel applies."]
    pub fn mlx_fast_scaled_dot_product_attention(
        out: *mut mlx_array,
        queries: mlx_array,
        keys: mlx_array,
        values: mlx_array,
        scale: f32,
        mask_mode: mlx_string,
        opt_mask_arr: mlx_array,
        opt_sinks: mlx_array,
        force_fused: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The gated delta rule of linear attention: the outputs and the final state."]
    pub fn mlx_fast_gated_delta_update(
        out: *mut mlx_array_vector,
        queries: mlx_array,
        keys: mlx_array,
        values: mlx_array,
        gates: mlx_array,
        beta: mlx_array,
        opt_initial_state: mlx_array,
        opt_mask: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
pub type mlx_fft_norm = i32;
#[doc = " The inverse transform is divided by the size."]
pub const MLX_FFT_NORM_BACKWARD: mlx_fft_norm = 0;
#[doc = " Both directions are divided by the square root of the size."]
pub const MLX_FFT_NORM_ORTHO: mlx_fft_norm = 1;
#[doc = " The forward transform is divided by the size."]
pub const MLX_FFT_NORM_FORWARD: mlx_fft_norm = 2;
unsafe extern "C" {
    #[doc = " The transform of one axis."]
    pub fn mlx_fft_fft(
        out: *mut mlx_array,
        a: mlx_array,
        n: mlx_optional_int,
        axis: ::core::ffi::c_int,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse transform of one axis."]
    pub fn mlx_fft_ifft(
        out: *mut mlx_array,
        a: mlx_array,
        n: mlx_optional_int,
        axis: ::core::ffi::c_int,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The transform of two axes; without axes, of the last two."]
    pub fn mlx_fft_fft2(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse transform of two axes; without axes, of the last two."]
    pub fn mlx_fft_ifft2(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The transform of any axes."]
    pub fn mlx_fft_fftn(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse transform of any axes."]
    pub fn mlx_fft_ifftn(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The transform of one axis of real numbers."]
    pub fn mlx_fft_rfft(
        out: *mut mlx_array,
        a: mlx_array,
        n: mlx_optional_int,
        axis: ::core::ffi::c_int,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `mlx_fft_rfft`."]
    pub fn mlx_fft_irfft(
        out: *mut mlx_array,
        a: mlx_array,
        n: mlx_optional_int,
        axis: ::core::ffi::c_int,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The transform of two axes of real numbers; without axes, of the last two."]
    pub fn mlx_fft_rfft2(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `mlx_fft_rfft2`."]
    pub fn mlx_fft_irfft2(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The transform of any axes of real numbers."]
    pub fn mlx_fft_rfftn(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `mlx_fft_rfftn`."]
    pub fn mlx_fft_irfftn(
        out: *mut mlx_array,
        a: mlx_array,
        opt_n: mlx_ints,
        axes: mlx_axes,
        norm: mlx_fft_norm,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The frequencies of the elements of a transform of size `n` with sample spacing `d`; float32."]
    pub fn mlx_fft_fftfreq(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        d: f64,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The frequencies of the elements of a real transform of size `n` with sample spacing `d`; float32."]
    pub fn mlx_fft_rfftfreq(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        d: f64,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Frequency zero moved to the middle of the axes."]
    pub fn mlx_fft_fftshift(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `mlx_fft_fftshift`."]
    pub fn mlx_fft_ifftshift(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Transforms of overlapping windows of the last axis, in a new axis of frames before the frequencies. By\n default a hop of a quarter window, a window of `n_fft`, and for real input one side of the spectrum;\n `center` pads both ends in a mode of `mlx_pad`."]
    pub fn mlx_fft_stft(
        out: *mut mlx_array,
        x: mlx_array,
        n_fft: ::core::ffi::c_int,
        hop_length: mlx_optional_int,
        win_length: mlx_optional_int,
        opt_window: mlx_array,
        center: bool,
        pad_mode: mlx_string,
        norm: mlx_fft_norm,
        onesided: mlx_optional_bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `mlx_fft_stft`, cut or padded to `length`."]
    pub fn mlx_fft_istft(
        out: *mut mlx_array,
        stft_matrix: mlx_array,
        n_fft: mlx_optional_int,
        hop_length: mlx_optional_int,
        win_length: mlx_optional_int,
        opt_window: mlx_array,
        center: bool,
        norm: mlx_fft_norm,
        onesided: mlx_optional_bool,
        length: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether this build has a GPU backend. A CUDA build says yes also on a machine without a GPU: ask\n `mlx_gpu_device_count`."]
    pub fn mlx_gpu_is_available(out: *mut bool) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of GPUs."]
    pub fn mlx_gpu_device_count(out: *mut ::core::ffi::c_int) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The properties of a GPU; see `mlx_device_info`."]
    pub fn mlx_gpu_device_info(out: *mut mlx_info, device_index: ::core::ffi::c_int) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The operations that the arrays still wait for, one line each."]
    pub fn mlx_print_graph(out: *mut mlx_owned_string, outputs: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The same in the DOT language of Graphviz."]
    pub fn mlx_export_to_dot(out: *mut mlx_owned_string, outputs: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array in a file."]
    pub fn mlx_load(out: *mut mlx_array, path: mlx_string, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Evaluates an array and writes it to a file; `.npy` is appended to a path that does not end so."]
    pub fn mlx_save(path: mlx_string, a: mlx_array) -> ::core::ffi::c_int;
}
#[doc = " The contents of a safetensors file: arrays and metadata by name, in alphabetical order."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_safetensors {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_safetensors"][::core::mem::size_of::<mlx_safetensors>() - 8usize];
    ["Alignment of mlx_safetensors"][::core::mem::align_of::<mlx_safetensors>() - 8usize];
    ["Offset of field: mlx_safetensors::p"][::core::mem::offset_of!(mlx_safetensors, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Reads the header of a file."]
    pub fn mlx_load_safetensors(
        out: *mut mlx_safetensors,
        path: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Evaluates the arrays and writes them to a file; `.safetensors` is appended to a path that does not end\n so. Keys and values pair up by position."]
    pub fn mlx_save_safetensors(
        path: mlx_string,
        names: mlx_strings,
        arrays: mlx_arrays,
        metadata_names: mlx_strings,
        metadata_values: mlx_strings,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of arrays, those already taken included."]
    pub fn mlx_safetensors_size(f: mlx_safetensors) -> usize;
}
unsafe extern "C" {
    #[doc = " The name of array `i`, valid until `f` is released."]
    pub fn mlx_safetensors_name(out: *mut mlx_string, f: mlx_safetensors, i: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Moves array `i` out. Each can be taken once."]
    pub fn mlx_safetensors_take(out: *mut mlx_array, f: mlx_safetensors, i: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of metadata entries."]
    pub fn mlx_safetensors_metadata_size(f: mlx_safetensors) -> usize;
}
unsafe extern "C" {
    #[doc = " Name and value of metadata entry `i`, valid until `f` is released."]
    pub fn mlx_safetensors_metadata(
        out_name: *mut mlx_string,
        out_value: *mut mlx_string,
        f: mlx_safetensors,
        i: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the contents and the arrays left in them. Null is ignored."]
    pub fn mlx_safetensors_free(f: mlx_safetensors);
}
#[doc = " A kernel with its source, not yet compiled for any template arguments."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_kernel {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_kernel"][::core::mem::size_of::<mlx_kernel>() - 8usize];
    ["Alignment of mlx_kernel"][::core::mem::align_of::<mlx_kernel>() - 8usize];
    ["Offset of field: mlx_kernel::p"][::core::mem::offset_of!(mlx_kernel, p) - 0usize];
};
pub type mlx_math_mode = i32;
#[doc = " As IEEE 754 says."]
pub const MLX_MATH_SAFE: mlx_math_mode = 0;
#[doc = " Faster where infinities and NaNs are kept."]
pub const MLX_MATH_RELAXED: mlx_math_mode = 1;
#[doc = " Whatever is fastest."]
pub const MLX_MATH_FAST: mlx_math_mode = 2;
unsafe extern "C" {
    #[doc = " A kernel in the Metal Shading Language. `source` is the body; MLX writes the signature from the names.\n `header` goes before it. `atomic_outputs` makes the outputs `device atomic<T>*`."]
    pub fn mlx_fast_metal_kernel(
        out: *mut mlx_kernel,
        name: mlx_string,
        input_names: mlx_strings,
        output_names: mlx_strings,
        source: mlx_string,
        header: mlx_string,
        ensure_row_contiguous: bool,
        atomic_outputs: bool,
        math_mode: mlx_math_mode,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A kernel in CUDA C++. `source` is the body; MLX writes the signature from the names. `shared_memory` is\n the number of bytes of dynamic shared memory."]
    pub fn mlx_fast_cuda_kernel(
        out: *mut mlx_kernel,
        name: mlx_string,
        input_names: mlx_strings,
        output_names: mlx_strings,
        source: mlx_string,
        header: mlx_string,
        ensure_row_contiguous: bool,
        shared_memory: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases the kernel. Null is ignored."]
    pub fn mlx_kernel_free(kernel: mlx_kernel);
}
pub type mlx_argument_kind = i32;
pub const MLX_ARGUMENT_INT: mlx_argument_kind = 0;
pub const MLX_ARGUMENT_BOOL: mlx_argument_kind = 1;
#[doc = " Only as a template argument."]
pub const MLX_ARGUMENT_DTYPE: mlx_argument_kind = 2;
#[doc = " Only as a scalar."]
pub const MLX_ARGUMENT_FLOAT: mlx_argument_kind = 3;
#[doc = " A template argument of a kernel: an int, a bool (0 or 1) or a dtype."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_template_arg {
    pub name: mlx_string,
    pub kind: mlx_argument_kind,
    pub value: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_template_arg"][::core::mem::size_of::<mlx_template_arg>() - 24usize];
    ["Alignment of mlx_template_arg"][::core::mem::align_of::<mlx_template_arg>() - 8usize];
    ["Offset of field: mlx_template_arg::name"][::core::mem::offset_of!(mlx_template_arg, name) - 0usize];
    ["Offset of field: mlx_template_arg::kind"][::core::mem::offset_of!(mlx_template_arg, kind) - 16usize];
    ["Offset of field: mlx_template_arg::value"][::core::mem::offset_of!(mlx_template_arg, value) - 20usize];
};
#[doc = " A scalar argument of a precompiled kernel."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_scalar_arg {
    pub kind: mlx_argument_kind,
    pub integer: i32,
    pub real: f32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_scalar_arg"][::core::mem::size_of::<mlx_scalar_arg>() - 12usize];
    ["Alignment of mlx_scalar_arg"][::core::mem::align_of::<mlx_scalar_arg>() - 4usize];
    ["Offset of field: mlx_scalar_arg::kind"][::core::mem::offset_of!(mlx_scalar_arg, kind) - 0usize];
    ["Offset of field: mlx_scalar_arg::integer"][::core::mem::offset_of!(mlx_scalar_arg, integer) - 4usize];
    ["Offset of field: mlx_scalar_arg::real"][::core::mem::offset_of!(mlx_scalar_arg, real) - 8usize];
};
#[doc = " How a kernel is launched: its outputs, the numbers of threads of the grid and of a group, and the value\n that outputs are filled with before."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_launch {
    pub outputs: mlx_specs,
    pub grid: mlx_int3,
    pub threadgroup: mlx_int3,
    pub init_value: mlx_optional_float,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_launch"][::core::mem::size_of::<mlx_launch>() - 48usize];
    ["Alignment of mlx_launch"][::core::mem::align_of::<mlx_launch>() - 8usize];
    ["Offset of field: mlx_launch::outputs"][::core::mem::offset_of!(mlx_launch, outputs) - 0usize];
    ["Offset of field: mlx_launch::grid"][::core::mem::offset_of!(mlx_launch, grid) - 16usize];
    ["Offset of field: mlx_launch::threadgroup"][::core::mem::offset_of!(mlx_launch, threadgroup) - 28usize];
    ["Offset of field: mlx_launch::init_value"][::core::mem::offset_of!(mlx_launch, init_value) - 40usize];
};
unsafe extern "C" {
    #[doc = " Records a call of the kernel on a stream of a GPU. `verbose` prints the source that MLX has made."]
    pub fn mlx_kernel_call(
        out: *mut mlx_array_vector,
        kernel: mlx_kernel,
        inputs: mlx_arrays,
        launch: mlx_launch,
        template_args: *const mlx_template_arg,
        template_arg_count: usize,
        verbose: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Records a call of the function `name` of a compiled CUDA module (PTX or cubin): inputs, outputs and\n scalars are its parameters in this order."]
    pub fn mlx_fast_precompiled_cuda_kernel(
        out: *mut mlx_array_vector,
        name: mlx_string,
        compiled_source: mlx_string,
        inputs: mlx_arrays,
        launch: mlx_launch,
        scalars: *const mlx_scalar_arg,
        scalar_count: usize,
        shared_memory: ::core::ffi::c_int,
        ensure_row_contiguous: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The norm of vectors (one axis) or matrices (two axes); all elements as one vector when neither `ord` nor\n `axis` is given. Without `ord`: the 2-norm, or the Frobenius norm."]
    pub fn mlx_linalg_norm(
        out: *mut mlx_array,
        a: mlx_array,
        ord: mlx_optional_double,
        axis: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The matrix norm of that name: \"fro\" (Frobenius) or \"nuc\" (nuclear)."]
    pub fn mlx_linalg_norm_named(
        out: *mut mlx_array,
        a: mlx_array,
        ord: mlx_string,
        axis: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cross product of vectors of size 2 or 3 along an axis."]
    pub fn mlx_linalg_cross(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse."]
    pub fn mlx_linalg_inv(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of a lower (or upper) triangular matrix."]
    pub fn mlx_linalg_tri_inv(
        out: *mut mlx_array,
        a: mlx_array,
        upper: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Moore-Penrose pseudo-inverse."]
    pub fn mlx_linalg_pinv(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of `L @ L.T` (or `U.T @ U`) from its Cholesky factor."]
    pub fn mlx_linalg_cholesky_inv(
        out: *mut mlx_array,
        a: mlx_array,
        upper: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `x` with `a @ x = b`."]
    pub fn mlx_linalg_solve(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `x` with `a @ x = b` for a lower (or upper) triangular `a`."]
    pub fn mlx_linalg_solve_triangular(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        upper: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The determinant."]
    pub fn mlx_linalg_det(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sign of the determinant and the logarithm of its absolute value."]
    pub fn mlx_linalg_slogdet(
        out_sign: *mut mlx_array,
        out_logabsdet: *mut mlx_array,
        a: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An orthonormal and an upper triangular matrix whose product is `a`."]
    pub fn mlx_linalg_qr(
        out_q: *mut mlx_array,
        out_r: *mut mlx_array,
        a: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The singular value decomposition `u, s, vt`, or `s` alone."]
    pub fn mlx_linalg_svd(
        out: *mut mlx_array_vector,
        a: mlx_array,
        compute_uv: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The lower (or upper) triangular Cholesky factor of a positive definite matrix."]
    pub fn mlx_linalg_cholesky(
        out: *mut mlx_array,
        a: mlx_array,
        upper: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The row order `p` and the factors `l` and `u` with `l[p] @ u = a`."]
    pub fn mlx_linalg_lu(out: *mut mlx_array_vector, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Both factors in one matrix, and the pivots."]
    pub fn mlx_linalg_lu_factor(
        out_lu: *mut mlx_array,
        out_pivots: *mut mlx_array,
        a: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Eigenvalues and eigenvectors; complex64."]
    pub fn mlx_linalg_eig(
        out_values: *mut mlx_array,
        out_vectors: *mut mlx_array,
        a: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Eigenvalues; complex64."]
    pub fn mlx_linalg_eigvals(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Eigenvalues in ascending order and eigenvectors of a symmetric matrix, of which the triangle \"L\" or \"U\"\n is read."]
    pub fn mlx_linalg_eigh(
        out_values: *mut mlx_array,
        out_vectors: *mut mlx_array,
        a: mlx_array,
        uplo: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Eigenvalues in ascending order of a symmetric matrix, of which the triangle \"L\" or \"U\" is read."]
    pub fn mlx_linalg_eigvalsh(
        out: *mut mlx_array,
        a: mlx_array,
        uplo: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The memory held by living arrays."]
    pub fn mlx_get_active_memory(out: *mut usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The largest active memory since the program began or the peak was reset."]
    pub fn mlx_get_peak_memory(out: *mut usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Lets the peak begin anew."]
    pub fn mlx_reset_peak_memory() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The memory that was freed and is kept for reuse."]
    pub fn mlx_get_cache_memory(out: *mut usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The size of the buffers behind evaluated arrays; a shared buffer counts once."]
    pub fn mlx_get_array_buffer_size(out: *mut usize, arrays: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Above this much active memory an evaluation waits for running work before it allocates more."]
    pub fn mlx_get_memory_limit(out: *mut usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sets the memory limit and gives the one before."]
    pub fn mlx_set_memory_limit(out_previous: *mut usize, limit: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sets how much freed memory is kept (0: none) and gives the limit before."]
    pub fn mlx_set_cache_limit(out_previous: *mut usize, limit: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Returns all freed memory to the system."]
    pub fn mlx_clear_cache() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sets how much memory is kept resident and gives the limit before. Metal only; elsewhere it does nothing."]
    pub fn mlx_set_wired_limit(out_previous: *mut usize, limit: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether this build has the Metal backend."]
    pub fn mlx_metal_is_available(out: *mut bool) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Records the work of the GPU into a trace for Xcode at an absolute path ending in `.gputrace`. The\n variable `MTL_CAPTURE_ENABLED=1` must be set. Does nothing without Metal."]
    pub fn mlx_metal_start_capture(path: mlx_string) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Ends the recording."]
    pub fn mlx_metal_stop_capture() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The properties of the GPU and of the system; see `mlx_device_info`. Fails in a build without Metal."]
    pub fn mlx_metal_device_info(out: *mut mlx_info) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Where `mlx.metallib`, the kernels of MLX, lies. Call it before anything else."]
    pub fn mlx_metal_set_metallib_path(path: mlx_string) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The path set by `mlx_metal_set_metallib_path`, or nothing."]
    pub fn mlx_metal_get_metallib_path(out: *mut mlx_owned_string) -> ::core::ffi::c_int;
}
#[doc = " An array as host code sees it: its layout and, while it computes, its elements. Valid during the callback."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_array_view {
    #[doc = " The first element, aligned to its size up to 8 bytes. NULL for an array without elements, before there\n is memory, and for the input whose memory an output has taken over."]
    pub data: *mut ::core::ffi::c_void,
    #[doc = " `ndim` sizes."]
    pub shape: *const ::core::ffi::c_int,
    #[doc = " `ndim` strides in elements."]
    pub strides: *const i64,
    pub ndim: usize,
    pub size: usize,
    pub dtype: mlx_dtype,
    #[doc = " Whether the elements lie in row-major order without gaps."]
    pub row_contiguous: bool,
    #[doc = " Whether the memory holds values. That of an output does not, unless it was an input's."]
    pub has_values: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_array_view"][::core::mem::size_of::<mlx_array_view>() - 48usize];
    ["Alignment of mlx_array_view"][::core::mem::align_of::<mlx_array_view>() - 8usize];
    ["Offset of field: mlx_array_view::data"][::core::mem::offset_of!(mlx_array_view, data) - 0usize];
    ["Offset of field: mlx_array_view::shape"][::core::mem::offset_of!(mlx_array_view, shape) - 8usize];
    ["Offset of field: mlx_array_view::strides"][::core::mem::offset_of!(mlx_array_view, strides) - 16usize];
    ["Offset of field: mlx_array_view::ndim"][::core::mem::offset_of!(mlx_array_view, ndim) - 24usize];
    ["Offset of field: mlx_array_view::size"][::core::mem::offset_of!(mlx_array_view, size) - 32usize];
    ["Offset of field: mlx_array_view::dtype"][::core::mem::offset_of!(mlx_array_view, dtype) - 40usize];
    ["Offset of field: mlx_array_view::row_contiguous"]
        [::core::mem::offset_of!(mlx_array_view, row_contiguous) - 44usize];
    ["Offset of field: mlx_array_view::has_values"]
        [::core::mem::offset_of!(mlx_array_view, has_values) - 45usize];
};
#[doc = " Computes outputs from inputs. Called on the thread of a CPU stream, it returns 0, or non-zero after\n `mlx_callback_failed`; then the evaluation fails with `MLX_CALLBACK`. It must not throw, unwind, jump out,\n or call functions of this API other than `mlx_callback_failed`."]
pub type mlx_compute = ::core::option::Option<
    unsafe extern "C" fn(
        ctx: *mut ::core::ffi::c_void,
        inputs: *const mlx_array_view,
        input_count: usize,
        outputs: *mut mlx_array_view,
        output_count: usize,
    ) -> ::core::ffi::c_int,
>;
#[doc = " Shapes that a callback gives back, with `mlx_shape_vector_push`."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_shape_vector {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_shape_vector"][::core::mem::size_of::<mlx_shape_vector>() - 8usize];
    ["Alignment of mlx_shape_vector"][::core::mem::align_of::<mlx_shape_vector>() - 8usize];
    ["Offset of field: mlx_shape_vector::p"][::core::mem::offset_of!(mlx_shape_vector, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Appends a shape."]
    pub fn mlx_shape_vector_push(shapes: mlx_shape_vector, shape: mlx_ints) -> ::core::ffi::c_int;
}
#[doc = " An operation: host code that computes on the CPU, and how transformations see it.\n\n Except for `compute` the functions are called on the thread that records, as closures are\n (`transforms.h`), and report failures as `compute` does. Two operations with the same `ctx` are the same\n operation. `drop` is called once per recorded operation, on any thread, also when recording fails."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_operation {
    pub ctx: *mut ::core::ffi::c_void,
    #[doc = " Shown when graphs are printed."]
    pub name: mlx_string,
    #[doc = " Whether `compute` takes inputs as they lie in memory; otherwise they come in row-major order without\n gaps."]
    pub strided: bool,
    #[doc = " So many of the last outputs take the memory of as many of the last inputs, in order, whatever else refers to that:\n what is written shows there too. They are alike in shape and type. `compute` gets no elements for such inputs, and those\n of the outputs are theirs. An input that is not in row-major order without gaps is copied first."]
    pub in_place: usize,
    pub compute: mlx_compute,
    #[doc = " The shapes of the outputs for other inputs than those it was recorded with, for shapeless compilation."]
    pub output_shapes: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            inputs: mlx_arrays,
            out: mlx_shape_vector,
        ) -> ::core::ffi::c_int,
    >,
    #[doc = " One cotangent per input numbered by `argnums`."]
    pub vjp: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            primals: mlx_arrays,
            cotangents: mlx_arrays,
            argnums: mlx_ints,
            outputs: mlx_arrays,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    #[doc = " One tangent per output, from those of the inputs numbered by `argnums`."]
    pub jvp: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            primals: mlx_arrays,
            tangents: mlx_arrays,
            argnums: mlx_ints,
            out: *mut mlx_array_vector,
        ) -> ::core::ffi::c_int,
    >,
    #[doc = " The outputs for inputs vectorized over an axis each (-1: none), and the axes of the outputs."]
    pub vmap: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            inputs: mlx_arrays,
            axes: mlx_ints,
            out: *mut mlx_array_vector,
            out_axes: *mut mlx_int_vector,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_operation"][::core::mem::size_of::<mlx_operation>() - 88usize];
    ["Alignment of mlx_operation"][::core::mem::align_of::<mlx_operation>() - 8usize];
    ["Offset of field: mlx_operation::ctx"][::core::mem::offset_of!(mlx_operation, ctx) - 0usize];
    ["Offset of field: mlx_operation::name"][::core::mem::offset_of!(mlx_operation, name) - 8usize];
    ["Offset of field: mlx_operation::strided"][::core::mem::offset_of!(mlx_operation, strided) - 24usize];
    ["Offset of field: mlx_operation::in_place"][::core::mem::offset_of!(mlx_operation, in_place) - 32usize];
    ["Offset of field: mlx_operation::compute"][::core::mem::offset_of!(mlx_operation, compute) - 40usize];
    ["Offset of field: mlx_operation::output_shapes"]
        [::core::mem::offset_of!(mlx_operation, output_shapes) - 48usize];
    ["Offset of field: mlx_operation::vjp"][::core::mem::offset_of!(mlx_operation, vjp) - 56usize];
    ["Offset of field: mlx_operation::jvp"][::core::mem::offset_of!(mlx_operation, jvp) - 64usize];
    ["Offset of field: mlx_operation::vmap"][::core::mem::offset_of!(mlx_operation, vmap) - 72usize];
    ["Offset of field: mlx_operation::drop"][::core::mem::offset_of!(mlx_operation, drop) - 80usize];
};
unsafe extern "C" {
    #[doc = " Records the operation on a CPU stream, with outputs of the given shapes and types."]
    pub fn mlx_operation_record(
        out: *mut mlx_array_vector,
        operation: mlx_operation,
        inputs: mlx_arrays,
        outputs: mlx_specs,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The context of the caller's operation that is yet to compute `a`, and which of its outputs `a` is; null where it is no\n such operation."]
    pub fn mlx_array_operation(
        context: *mut *mut ::core::ffi::c_void,
        output: *mut usize,
        a: mlx_array,
    ) -> ::core::ffi::c_int;
}
#[doc = " MLX's own operations ----------------------------------------------------------------------------"]
pub type mlx_in_place = i32;
#[doc = " Outputs have memory of their own."]
pub const MLX_IN_PLACE_NEVER: mlx_in_place = 0;
#[doc = " Output 0 starts with the elements of input 0: in its memory when nothing else refers to it, else in a\n copy."]
pub const MLX_IN_PLACE_OR_COPY: mlx_in_place = 1;
#[doc = " Output 0 takes the memory of input 0, whatever else refers to it: what is written shows there too."]
pub const MLX_IN_PLACE_ALWAYS: mlx_in_place = 2;
#[doc = " Another way to compute an operation on the CPU.\n\n `accepts` is asked before each computation, on the thread that evaluates, with views that have no elements\n yet. It returns 1 to compute, 0 to leave it to MLX, and -1 after `mlx_callback_failed`. Inputs whose\n elements are not aligned, and an input 0 that cannot be computed in place because it has another shape or\n type than output 0 or is not row-major, are left to MLX without asking. `drop` is called once, on any\n thread, also when replacing fails."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_cpu_kernel {
    pub ctx: *mut ::core::ffi::c_void,
    #[doc = " The name of the operation that the kernel computes, as `mlx_array_primitive_name` gives it."]
    pub primitive: mlx_string,
    pub in_place: mlx_in_place,
    #[doc = " As for `mlx_operation`."]
    pub strided: bool,
    pub accepts: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            inputs: *const mlx_array_view,
            input_count: usize,
            outputs: *const mlx_array_view,
            output_count: usize,
        ) -> ::core::ffi::c_int,
    >,
    pub compute: mlx_compute,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_cpu_kernel"][::core::mem::size_of::<mlx_cpu_kernel>() - 56usize];
    ["Alignment of mlx_cpu_kernel"][::core::mem::align_of::<mlx_cpu_kernel>() - 8usize];
    ["Offset of field: mlx_cpu_kernel::ctx"][::core::mem::offset_of!(mlx_cpu_kernel, ctx) - 0usize];
    ["Offset of field: mlx_cpu_kernel::primitive"]
        [::core::mem::offset_of!(mlx_cpu_kernel, primitive) - 8usize];
    ["Offset of field: mlx_cpu_kernel::in_place"]
        [::core::mem::offset_of!(mlx_cpu_kernel, in_place) - 24usize];
    ["Offset of field: mlx_cpu_kernel::strided"][::core::mem::offset_of!(mlx_cpu_kernel, strided) - 28usize];
    ["Offset of field: mlx_cpu_kernel::accepts"][::core::mem::offset_of!(mlx_cpu_kernel, accepts) - 32usize];
    ["Offset of field: mlx_cpu_kernel::compute"][::core::mem::offset_of!(mlx_cpu_kernel, compute) - 40usize];
    ["Offset of field: mlx_cpu_kernel::drop"][::core::mem::offset_of!(mlx_cpu_kernel, drop) - 48usize];
};
unsafe extern "C" {
    #[doc = " Has the operation that gives `a` (and the other outputs of that operation) computed by the kernel, where\n it is computed on the CPU. Everything else about the operation stays. `*replaced` says whether there was\n such an operation: not when `a` has been evaluated, is the result of another operation or none, or is\n computed on a GPU."]
    pub fn mlx_replace_cpu(replaced: *mut bool, a: mlx_array, kernel: mlx_cpu_kernel) -> ::core::ffi::c_int;
}
#[doc = " Kernels for all operations of one kind, each made for the parameters of one of them.\n\n `make` is called as an operation is about to be computed, on the thread that evaluates. It returns 1 after writing a\n kernel, whose `primitive` is not looked at, 0 to leave the operation to MLX, and -1 after `mlx_callback_failed`. The\n parameters are, for\n   QuantizedMatmul: group size, bits, mode (0 affine, 1 mxfp4, 2 mxfp8, 3 nvfp4), whether the matrix is transposed;\n   GatherQMM: the same, whether the indices of the left, of the right side are sorted;\n   AddMM: alpha, beta;\n   Softmax: whether it is computed in at least single precision;\n and none for others."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_cpu_kernels {
    pub ctx: *mut ::core::ffi::c_void,
    #[doc = " The name of the operations, as `mlx_array_primitive_name` gives it."]
    pub primitive: mlx_string,
    pub make: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            parameters: mlx_doubles,
            out: *mut mlx_cpu_kernel,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_cpu_kernels"][::core::mem::size_of::<mlx_cpu_kernels>() - 40usize];
    ["Alignment of mlx_cpu_kernels"][::core::mem::align_of::<mlx_cpu_kernels>() - 8usize];
    ["Offset of field: mlx_cpu_kernels::ctx"][::core::mem::offset_of!(mlx_cpu_kernels, ctx) - 0usize];
    ["Offset of field: mlx_cpu_kernels::primitive"]
        [::core::mem::offset_of!(mlx_cpu_kernels, primitive) - 8usize];
    ["Offset of field: mlx_cpu_kernels::make"][::core::mem::offset_of!(mlx_cpu_kernels, make) - 24usize];
    ["Offset of field: mlx_cpu_kernels::drop"][::core::mem::offset_of!(mlx_cpu_kernels, drop) - 32usize];
};
unsafe extern "C" {
    #[doc = " Has all operations of a kind that are computed on the CPU from now on, in this process, computed by kernels: also\n those that transformations make. Of several for one kind the last counts."]
    pub fn mlx_replace_cpu_everywhere(kernels: mlx_cpu_kernels) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Has the `slice_update` that gives `a` write into the memory of the array it updates, whatever else refers to that, where\n it is computed on a GPU: what is written shows there too. `*updated` says whether there was such an operation. (On the\n CPU a kernel with `MLX_IN_PLACE_ALWAYS` does that.)"]
    pub fn mlx_update_in_place(updated: *mut bool, a: mlx_array) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A convolution over any number of spatial axes. Each list has one entry per axis, one entry for all, or\n none for the default; `flip` reverses the weights in space."]
    pub fn mlx_conv_general(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: mlx_ints,
        padding_lo: mlx_ints,
        padding_hi: mlx_ints,
        kernel_dilation: mlx_ints,
        input_dilation: mlx_ints,
        groups: ::core::ffi::c_int,
        flip: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A convolution over one spatial axis."]
    pub fn mlx_conv1d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: ::core::ffi::c_int,
        padding: ::core::ffi::c_int,
        dilation: ::core::ffi::c_int,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A convolution over two spatial axes."]
    pub fn mlx_conv2d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: mlx_int2,
        padding: mlx_int2,
        dilation: mlx_int2,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A convolution over three spatial axes."]
    pub fn mlx_conv3d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: mlx_int3,
        padding: mlx_int3,
        dilation: mlx_int3,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A transposed convolution over one spatial axis."]
    pub fn mlx_conv_transpose1d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: ::core::ffi::c_int,
        padding: ::core::ffi::c_int,
        dilation: ::core::ffi::c_int,
        output_padding: ::core::ffi::c_int,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A transposed convolution over two spatial axes."]
    pub fn mlx_conv_transpose2d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: mlx_int2,
        padding: mlx_int2,
        dilation: mlx_int2,
        output_padding: mlx_int2,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A transposed convolution over three spatial axes."]
    pub fn mlx_conv_transpose3d(
        out: *mut mlx_array,
        input: mlx_array,
        weight: mlx_array,
        stride: mlx_int3,
        padding: mlx_int3,
        dilation: mlx_int3,
        output_padding: mlx_int3,
        groups: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The numbers `start, start + step, ...` below `stop`, in one dimension."]
    pub fn mlx_arange(
        out: *mut mlx_array,
        start: f64,
        stop: f64,
        step: f64,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `num` evenly spaced numbers from `start` to `stop`; without `endpoint`, `stop` itself is left out."]
    pub fn mlx_linspace(
        out: *mut mlx_array,
        start: f64,
        stop: f64,
        num: ::core::ffi::c_int,
        endpoint: bool,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array filled with `vals`, which is broadcast to the shape."]
    pub fn mlx_full(
        out: *mut mlx_array,
        shape: mlx_ints,
        vals: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array of the shape of `a`, filled with `vals`."]
    pub fn mlx_full_like(
        out: *mut mlx_array,
        a: mlx_array,
        vals: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array of zeros."]
    pub fn mlx_zeros(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array of zeros of the shape of `a`."]
    pub fn mlx_zeros_like(
        out: *mut mlx_array,
        a: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array of ones."]
    pub fn mlx_ones(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An array of ones of the shape of `a`."]
    pub fn mlx_ones_like(
        out: *mut mlx_array,
        a: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Coordinate grids of 1-D arrays. `indexing` is \"xy\" (first two axes swapped) or \"ij\"; `sparse` keeps each\n grid at size 1 along the other axes."]
    pub fn mlx_meshgrid(
        out: *mut mlx_array_vector,
        arrays: mlx_arrays,
        sparse: bool,
        indexing: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An `n` by `m` matrix with ones on diagonal `k` (0 the main one, above it positive) and zeros elsewhere."]
    pub fn mlx_eye(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        m: ::core::ffi::c_int,
        k: ::core::ffi::c_int,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The `n` by `n` identity matrix."]
    pub fn mlx_identity(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " An `n` by `m` matrix with ones on and below diagonal `k` and zeros elsewhere."]
    pub fn mlx_tri(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        m: ::core::ffi::c_int,
        k: ::core::ffi::c_int,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The last two axes on and below diagonal `k`, zeros elsewhere."]
    pub fn mlx_tril(
        out: *mut mlx_array,
        x: mlx_array,
        k: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The last two axes on and above diagonal `k`, zeros elsewhere."]
    pub fn mlx_triu(
        out: *mut mlx_array,
        x: mlx_array,
        k: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Diagonal `k` of a matrix, or the matrix with a vector on diagonal `k`."]
    pub fn mlx_diag(
        out: *mut mlx_array,
        a: mlx_array,
        k: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Hann window."]
    pub fn mlx_hanning(out: *mut mlx_array, m: ::core::ffi::c_int, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Hamming window."]
    pub fn mlx_hamming(out: *mut mlx_array, m: ::core::ffi::c_int, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Bartlett window, a triangle."]
    pub fn mlx_bartlett(out: *mut mlx_array, m: ::core::ffi::c_int, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Blackman window."]
    pub fn mlx_blackman(out: *mut mlx_array, m: ::core::ffi::c_int, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a + b`."]
    pub fn mlx_add(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a - b`."]
    pub fn mlx_subtract(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream)
    -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a * b`."]
    pub fn mlx_multiply(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream)
    -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a / b`, floating point also for integers."]
    pub fn mlx_divide(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `floor(a / b)`."]
    pub fn mlx_floor_divide(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The remainder of `a / b`, with the sign of `b`."]
    pub fn mlx_remainder(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Two arrays: `floor_divide` and `remainder`."]
    pub fn mlx_divmod(
        out: *mut mlx_array_vector,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` to the power of `b`."]
    pub fn mlx_power(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The larger of the two; NaN if either is."]
    pub fn mlx_maximum(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The smaller of the two; NaN if either is."]
    pub fn mlx_minimum(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `-a`."]
    pub fn mlx_negative(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a`."]
    pub fn mlx_positive(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The absolute value."]
    pub fn mlx_abs(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " -1, 0 or 1."]
    pub fn mlx_sign(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `1 / a`."]
    pub fn mlx_reciprocal(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a * a`."]
    pub fn mlx_square(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The square root."]
    pub fn mlx_sqrt(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `1 / sqrt(a)`."]
    pub fn mlx_rsqrt(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `e` to the power of `a`."]
    pub fn mlx_exp(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `exp(a) - 1`, exact for small `a`."]
    pub fn mlx_expm1(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The natural logarithm."]
    pub fn mlx_log(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The logarithm to base 2."]
    pub fn mlx_log2(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The logarithm to base 10."]
    pub fn mlx_log10(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `log(1 + a)`, exact for small `a`."]
    pub fn mlx_log1p(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `log(exp(a) + exp(b))`, without overflow."]
    pub fn mlx_logaddexp(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `1 / (1 + exp(-a))`."]
    pub fn mlx_sigmoid(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The error function."]
    pub fn mlx_erf(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse of the error function."]
    pub fn mlx_erfinv(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sine."]
    pub fn mlx_sin(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cosine."]
    pub fn mlx_cos(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The tangent."]
    pub fn mlx_tan(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse sine."]
    pub fn mlx_arcsin(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse cosine."]
    pub fn mlx_arccos(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse tangent."]
    pub fn mlx_arctan(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The angle of the point `(b, a)`."]
    pub fn mlx_arctan2(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The hyperbolic sine."]
    pub fn mlx_sinh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The hyperbolic cosine."]
    pub fn mlx_cosh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The hyperbolic tangent."]
    pub fn mlx_tanh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse hyperbolic sine."]
    pub fn mlx_arcsinh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse hyperbolic cosine."]
    pub fn mlx_arccosh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inverse hyperbolic tangent."]
    pub fn mlx_arctanh(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Radians to degrees."]
    pub fn mlx_degrees(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Degrees to radians."]
    pub fn mlx_radians(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Rounded down."]
    pub fn mlx_floor(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Rounded up."]
    pub fn mlx_ceil(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Rounded towards zero."]
    pub fn mlx_trunc(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Rounded to a number of decimals, halves to even."]
    pub fn mlx_round(
        out: *mut mlx_array,
        a: mlx_array,
        decimals: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Limited to at least `opt_a_min` and at most `opt_a_max`, either of which may be missing."]
    pub fn mlx_clip(
        out: *mut mlx_array,
        a: mlx_array,
        opt_a_min: mlx_array,
        opt_a_max: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " NaN and infinities replaced; an infinity by the largest finite number when its value is not given."]
    pub fn mlx_nan_to_num(
        out: *mut mlx_array,
        a: mlx_array,
        nan: f32,
        posinf: mlx_optional_float,
        neginf: mlx_optional_float,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `x` where the condition holds, else `y`."]
    pub fn mlx_where(
        out: *mut mlx_array,
        condition: mlx_array,
        x: mlx_array,
        y: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a == b`."]
    pub fn mlx_equal(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a != b`."]
    pub fn mlx_not_equal(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a > b`."]
    pub fn mlx_greater(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a >= b`."]
    pub fn mlx_greater_equal(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a < b`."]
    pub fn mlx_less(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a <= b`."]
    pub fn mlx_less_equal(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `abs(a - b) <= atol + rtol * abs(b)`; infinities of one sign are close."]
    pub fn mlx_isclose(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        rtol: f64,
        atol: f64,
        equal_nan: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether NaN."]
    pub fn mlx_isnan(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether infinite."]
    pub fn mlx_isinf(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether positive infinity."]
    pub fn mlx_isposinf(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether negative infinity."]
    pub fn mlx_isneginf(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether neither NaN nor infinite."]
    pub fn mlx_isfinite(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `!a`."]
    pub fn mlx_logical_not(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a && b`."]
    pub fn mlx_logical_and(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a || b`."]
    pub fn mlx_logical_or(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether exactly one of the two holds."]
    pub fn mlx_logical_xor(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `~a`."]
    pub fn mlx_bitwise_invert(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a & b`."]
    pub fn mlx_bitwise_and(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a | b`."]
    pub fn mlx_bitwise_or(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a ^ b`."]
    pub fn mlx_bitwise_xor(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a << b`."]
    pub fn mlx_left_shift(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a >> b`."]
    pub fn mlx_right_shift(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The complex conjugate."]
    pub fn mlx_conjugate(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The real part, float32."]
    pub fn mlx_real(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The imaginary part, float32."]
    pub fn mlx_imag(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The elements from `start` to `stop` by `strides`, one of each per axis."]
    pub fn mlx_slice(
        out: *mut mlx_array,
        a: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A slice of `slice_size` (one per axis of `a`) whose start on the given axes is computed: `start` is a\n 1-D integer array."]
    pub fn mlx_slice_dynamic(
        out: *mut mlx_array,
        a: mlx_array,
        start: mlx_array,
        axes: mlx_ints,
        slice_size: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with a slice replaced by `update`, which is broadcast to it."]
    pub fn mlx_slice_update(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with the slice of the shape of `update` at a computed start replaced."]
    pub fn mlx_slice_update_dynamic(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with `update` added to a slice."]
    pub fn mlx_slice_update_add(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with a slice multiplied by `update`."]
    pub fn mlx_slice_update_prod(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with a slice replaced by the larger of itself and `update`."]
    pub fn mlx_slice_update_max(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `src` with a slice replaced by the smaller of itself and `update`."]
    pub fn mlx_slice_update_min(
        out: *mut mlx_array,
        src: mlx_array,
        update: mlx_array,
        start: mlx_ints,
        stop: mlx_ints,
        strides: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The slices of `a` at the indices: the axis is replaced by the axes of `indices`."]
    pub fn mlx_take(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The elements of the flattened array at the indices, in the shape of `indices`."]
    pub fn mlx_take_flat(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " One element per index: the other axes of `indices` broadcast with those of `a`."]
    pub fn mlx_take_along_axis(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with the elements that `take_along_axis` would read replaced by `values`."]
    pub fn mlx_put_along_axis(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_array,
        values: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with `values` added to the elements that `take_along_axis` would read."]
    pub fn mlx_scatter_add_axis(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_array,
        values: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " For each position of the broadcast indices the slice of `slice_sizes` at `indices[i]` on `axes[i]`. The\n result has the axes of the indices, then those of the slice."]
    pub fn mlx_gather(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        axes: mlx_ints,
        slice_sizes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with slices replaced by `updates`, whose axes are those of the broadcast indices, then those of the\n slices. Where slices overlap, any one of them stays."]
    pub fn mlx_scatter(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        updates: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with `updates` added to its slices."]
    pub fn mlx_scatter_add(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        updates: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with its slices multiplied by `updates`."]
    pub fn mlx_scatter_prod(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        updates: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with the larger of its slices and `updates`."]
    pub fn mlx_scatter_max(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        updates: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with the smaller of its slices and `updates`."]
    pub fn mlx_scatter_min(
        out: *mut mlx_array,
        a: mlx_array,
        indices: mlx_arrays,
        updates: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a` with the elements under the bool `mask` replaced by those of `src`, in order."]
    pub fn mlx_masked_scatter(
        out: *mut mlx_array,
        a: mlx_array,
        mask: mlx_array,
        src: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The diagonal at `offset` of the planes of two axes, which are replaced by one last axis."]
    pub fn mlx_diagonal(
        out: *mut mlx_array,
        a: mlx_array,
        offset: ::core::ffi::c_int,
        axis1: ::core::ffi::c_int,
        axis2: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sum of that diagonal, as `dtype` when given."]
    pub fn mlx_trace(
        out: *mut mlx_array,
        a: mlx_array,
        offset: ::core::ffi::c_int,
        axis1: ::core::ffi::c_int,
        axis2: ::core::ffi::c_int,
        dtype: mlx_optional_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The matrix product of the last two axes; a vector counts as a row on the left, a column on the right."]
    pub fn mlx_matmul(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `alpha * (a @ b) + beta * c`."]
    pub fn mlx_addmm(
        out: *mut mlx_array,
        c: mlx_array,
        a: mlx_array,
        b: mlx_array,
        alpha: f32,
        beta: f32,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The dot products of the last axes of `a` and `b`."]
    pub fn mlx_inner(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " All products of an element of `a` with one of `b`, both flattened."]
    pub fn mlx_outer(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The dot product along an axis, `a` conjugated when complex."]
    pub fn mlx_vecdot(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sum of products over `axes_a` of `a` paired with `axes_b` of `b`."]
    pub fn mlx_tensordot(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        axes_a: mlx_ints,
        axes_b: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Kronecker product."]
    pub fn mlx_kron(out: *mut mlx_array, a: mlx_array, b: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The last axis times the Hadamard matrix of its size (m times a power of two, m 1, 12, 20 or 28), times\n `scale` (by default 1 over the square root of the size)."]
    pub fn mlx_hadamard_transform(
        out: *mut mlx_array,
        a: mlx_array,
        scale: mlx_optional_float,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `a @ b` where masks switch blocks of `block_size` (32 or 64) of the result and of the operands on and\n off."]
    pub fn mlx_block_masked_mm(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        block_size: ::core::ffi::c_int,
        opt_mask_out: mlx_array,
        opt_mask_lhs: mlx_array,
        opt_mask_rhs: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The products of the matrices of `a` and `b` that flat indices into their batches pick; `sorted_indices`\n promises that they ascend."]
    pub fn mlx_gather_mm(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        opt_lhs_indices: mlx_array,
        opt_rhs_indices: mlx_array,
        sorted_indices: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " One product of two matrices per segment of their inner axis; `segments` holds pairs of start and end."]
    pub fn mlx_segmented_mm(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        segments: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The packed matrix (uint32), the scales and, in \"affine\" mode, the biases."]
    pub fn mlx_quantize(
        out: *mut mlx_array_vector,
        w: mlx_array,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        opt_global_scale: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The matrix again, as `dtype`, or by default as the scales' type."]
    pub fn mlx_dequantize(
        out: *mut mlx_array,
        w: mlx_array,
        scales: mlx_array,
        opt_biases: mlx_array,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        opt_global_scale: mlx_array,
        dtype: mlx_optional_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `x @ w.T`, or `x @ w` without `transpose`, of a quantized `w`."]
    pub fn mlx_quantized_matmul(
        out: *mut mlx_array,
        x: mlx_array,
        w: mlx_array,
        scales: mlx_array,
        opt_biases: mlx_array,
        transpose: bool,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `mlx_gather_mm` of a quantized `w`."]
    pub fn mlx_gather_qmm(
        out: *mut mlx_array,
        x: mlx_array,
        w: mlx_array,
        scales: mlx_array,
        opt_biases: mlx_array,
        opt_lhs_indices: mlx_array,
        opt_rhs_indices: mlx_array,
        transpose: bool,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        opt_global_scale: mlx_array,
        sorted_indices: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `x @ w.T` with `x` quantized on the fly; so is `w` unless its scales are given."]
    pub fn mlx_qqmm(
        out: *mut mlx_array,
        x: mlx_array,
        w: mlx_array,
        opt_w_scales: mlx_array,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        opt_global_scale_x: mlx_array,
        opt_global_scale_w: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `mlx_gather_mm` with both operands quantized as in `mlx_qqmm`."]
    pub fn mlx_gather_qqmm(
        out: *mut mlx_array,
        x: mlx_array,
        w: mlx_array,
        opt_scales_w: mlx_array,
        opt_lhs_indices: mlx_array,
        opt_rhs_indices: mlx_array,
        group_size: mlx_optional_int,
        bits: mlx_optional_int,
        mode: mlx_string,
        opt_global_scale_x: mlx_array,
        opt_global_scale_w: mlx_array,
        sorted_indices: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Floats to 8-bit floats (E4M3) in uint8."]
    pub fn mlx_to_fp8(out: *mut mlx_array, x: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " 8-bit floats (E4M3) in uint8 to a floating-point type."]
    pub fn mlx_from_fp8(
        out: *mut mlx_array,
        x: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether all elements are true; bool."]
    pub fn mlx_all(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether any element is true; bool."]
    pub fn mlx_any(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sum."]
    pub fn mlx_sum(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The product."]
    pub fn mlx_prod(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The largest element; NaN if there is one."]
    pub fn mlx_max(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The smallest element; NaN if there is one."]
    pub fn mlx_min(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The mean."]
    pub fn mlx_mean(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The median."]
    pub fn mlx_median(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `log(sum(exp(a)))`, without overflow."]
    pub fn mlx_logsumexp(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of non-zero elements; int32."]
    pub fn mlx_count_nonzero(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The smallest and the largest element."]
    pub fn mlx_minmax(
        out_min: *mut mlx_array,
        out_max: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The variance: squares are divided by the count less `ddof`."]
    pub fn mlx_var(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        ddof: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The standard deviation: squares are divided by the count less `ddof`."]
    pub fn mlx_std(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        keepdims: bool,
        ddof: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The index of the smallest element along the axis, or in the flattened array; uint32."]
    pub fn mlx_argmin(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The index of the largest element along the axis, or in the flattened array; uint32."]
    pub fn mlx_argmax(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        keepdims: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `exp(a) / sum(exp(a))` over the axes; `precise` accumulates 16-bit floats in float32."]
    pub fn mlx_softmax(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        precise: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether shape and all elements are equal: a bool scalar."]
    pub fn mlx_array_equal(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        equal_nan: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether `isclose` holds for all elements: a bool scalar."]
    pub fn mlx_allclose(
        out: *mut mlx_array,
        a: mlx_array,
        b: mlx_array,
        rtol: f64,
        atol: f64,
        equal_nan: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cumulative sum, accumulated and returned as `dtype` when given."]
    pub fn mlx_cumsum(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        reverse: bool,
        inclusive: bool,
        dtype: mlx_optional_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cumulative product, accumulated and returned as `dtype` when given."]
    pub fn mlx_cumprod(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        reverse: bool,
        inclusive: bool,
        dtype: mlx_optional_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cumulative maximum."]
    pub fn mlx_cummax(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        reverse: bool,
        inclusive: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cumulative minimum."]
    pub fn mlx_cummin(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        reverse: bool,
        inclusive: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The cumulative `logsumexp`."]
    pub fn mlx_logcumsumexp(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        reverse: bool,
        inclusive: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The `n`-th difference along an axis, `n` elements shorter."]
    pub fn mlx_diff(
        out: *mut mlx_array,
        a: mlx_array,
        n: ::core::ffi::c_int,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The same elements in another shape; one size may be -1 and is inferred."]
    pub fn mlx_reshape(
        out: *mut mlx_array,
        a: mlx_array,
        shape: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " One axis split into several; one size may be -1 and is inferred."]
    pub fn mlx_unflatten(
        out: *mut mlx_array,
        a: mlx_array,
        axis: ::core::ffi::c_int,
        shape: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The axes `start_axis` to `end_axis`, both included, merged into one."]
    pub fn mlx_flatten(
        out: *mut mlx_array,
        a: mlx_array,
        start_axis: ::core::ffi::c_int,
        end_axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Removes axes of size 1: the given ones, or all of them."]
    pub fn mlx_squeeze(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Adds axes of size 1; `axes` are positions in the result."]
    pub fn mlx_expand_dims(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array repeated, without copying, to a shape it broadcasts to."]
    pub fn mlx_broadcast_to(
        out: *mut mlx_array,
        a: mlx_array,
        shape: mlx_ints,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " All arrays broadcast to their common shape."]
    pub fn mlx_broadcast_arrays(
        out: *mut mlx_array_vector,
        inputs: mlx_arrays,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array with at least one axis."]
    pub fn mlx_atleast_1d(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array with at least two axes."]
    pub fn mlx_atleast_2d(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array with at least three axes."]
    pub fn mlx_atleast_3d(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The product of the sizes of the axes (or its inverse) as a scalar; follows the input in shapeless\n compilation."]
    pub fn mlx_number_of_elements(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_ints,
        inverted: bool,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The axes in the given order, or reversed."]
    pub fn mlx_transpose(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_axes,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The last two axes swapped."]
    pub fn mlx_matrix_transpose(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Two axes swapped."]
    pub fn mlx_swapaxes(
        out: *mut mlx_array,
        a: mlx_array,
        axis1: ::core::ffi::c_int,
        axis2: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " One axis moved, the others kept in order."]
    pub fn mlx_moveaxis(
        out: *mut mlx_array,
        a: mlx_array,
        source: ::core::ffi::c_int,
        destination: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The elements in reverse order along the axes."]
    pub fn mlx_flip(out: *mut mlx_array, a: mlx_array, axes: mlx_axes, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Elements moved by `shift` along each axis, those pushed out entering at the other end. Without axes the\n array is rolled as if flattened."]
    pub fn mlx_roll(
        out: *mut mlx_array,
        a: mlx_array,
        shift: mlx_ints,
        axes: mlx_axes,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The arrays one after another along an existing axis."]
    pub fn mlx_concatenate(
        out: *mut mlx_array,
        arrays: mlx_arrays,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The arrays one after another along a new axis."]
    pub fn mlx_stack(
        out: *mut mlx_array,
        arrays: mlx_arrays,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `num_splits` parts of equal size."]
    pub fn mlx_split(
        out: *mut mlx_array_vector,
        a: mlx_array,
        num_splits: ::core::ffi::c_int,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The parts between the given indices; `n` indices make `n + 1` parts."]
    pub fn mlx_split_sections(
        out: *mut mlx_array_vector,
        a: mlx_array,
        indices: mlx_ints,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The slices along an axis, which is removed."]
    pub fn mlx_unstack(
        out: *mut mlx_array_vector,
        a: mlx_array,
        axis: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Each element repeated along the axis, or in the flattened array."]
    pub fn mlx_repeat(
        out: *mut mlx_array,
        a: mlx_array,
        repeats: ::core::ffi::c_int,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The whole array repeated `reps` times along each axis."]
    pub fn mlx_tile(out: *mut mlx_array, a: mlx_array, reps: mlx_ints, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `low` and `high` elements added before and after each of the axes. `mode` is \"constant\" (the scalar\n `value`), \"edge\" (the outermost element), \"reflect\" or \"symmetric\" (mirrored without or with it)."]
    pub fn mlx_pad(
        out: *mut mlx_array,
        a: mlx_array,
        axes: mlx_ints,
        low: mlx_ints,
        high: mlx_ints,
        value: mlx_array,
        mode: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The elements converted to another type."]
    pub fn mlx_astype(
        out: *mut mlx_array,
        a: mlx_array,
        dtype: mlx_dtype,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The same bytes seen as another type; the last axis is rescaled when the sizes differ."]
    pub fn mlx_view(out: *mut mlx_array, a: mlx_array, dtype: mlx_dtype, s: mlx_stream)
    -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A copy in new memory."]
    pub fn mlx_copy(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array with its elements in row-major order, copied only when needed; column-major order is accepted\n on request."]
    pub fn mlx_contiguous(
        out: *mut mlx_array,
        a: mlx_array,
        allow_col_major: bool,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A view of the buffer with any shape, strides and offset, in elements. Nothing checks that it stays\n inside the buffer."]
    pub fn mlx_as_strided(
        out: *mut mlx_array,
        a: mlx_array,
        shape: mlx_ints,
        strides: mlx_int64s,
        offset: usize,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The array as a constant: no gradient flows back through it."]
    pub fn mlx_stop_gradient(out: *mut mlx_array, a: mlx_array, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The inputs again, computed only after the dependencies have been."]
    pub fn mlx_depends(
        out: *mut mlx_array_vector,
        inputs: mlx_arrays,
        dependencies: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Sorted in ascending order; stable."]
    pub fn mlx_sort(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The indices that sort the array; uint32, stable."]
    pub fn mlx_argsort(
        out: *mut mlx_array,
        a: mlx_array,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Element `kth` where sorting would put it, the smaller ones before it, the others after it."]
    pub fn mlx_partition(
        out: *mut mlx_array,
        a: mlx_array,
        kth: ::core::ffi::c_int,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The indices that partition the array; uint32."]
    pub fn mlx_argpartition(
        out: *mut mlx_array,
        a: mlx_array,
        kth: ::core::ffi::c_int,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The `k` largest elements, in no particular order."]
    pub fn mlx_topk(
        out: *mut mlx_array,
        a: mlx_array,
        k: ::core::ffi::c_int,
        axis: mlx_optional_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Where each value would be inserted into a sorted 1-D array; `side` is \"left\" (before equal ones) or\n \"right\"."]
    pub fn mlx_searchsorted(
        out: *mut mlx_array,
        sorted_sequence: mlx_array,
        values: mlx_array,
        side: mlx_string,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The sorted distinct elements of the flattened array, cut or padded (with `opt_fill_value`, else the\n smallest) to `size`; then, as asked for, the index of each one's first occurrence, the index of each\n element in the result, and the counts."]
    pub fn mlx_unique(
        out: *mut mlx_array_vector,
        a: mlx_array,
        size: ::core::ffi::c_int,
        return_index: bool,
        return_inverse: bool,
        return_counts: bool,
        opt_fill_value: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
#[doc = " The address of input, output or scratch memory number `integer`, besides the kinds of scalars."]
pub const MLX_ARGUMENT_INPUT: mlx_argument_kind = 4;
pub const MLX_ARGUMENT_OUTPUT: mlx_argument_kind = 5;
pub const MLX_ARGUMENT_SCRATCH: mlx_argument_kind = 6;
unsafe extern "C" {
    #[doc = " How many processors the first GPU has, and bytes of shared memory each of them. Fails where MLX is not built for CUDA."]
    pub fn mlx_cuda_processors(
        count: *mut ::core::ffi::c_int,
        shared_memory: *mut ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
#[doc = " A launch of a function with the arguments it takes."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_program_launch {
    pub function: mlx_string,
    pub blocks: mlx_int3,
    pub threads: mlx_int3,
    pub shared_memory: ::core::ffi::c_int,
    pub arguments: *const mlx_scalar_arg,
    pub argument_count: usize,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_program_launch"][::core::mem::size_of::<mlx_program_launch>() - 64usize];
    ["Alignment of mlx_program_launch"][::core::mem::align_of::<mlx_program_launch>() - 8usize];
    ["Offset of field: mlx_program_launch::function"]
        [::core::mem::offset_of!(mlx_program_launch, function) - 0usize];
    ["Offset of field: mlx_program_launch::blocks"]
        [::core::mem::offset_of!(mlx_program_launch, blocks) - 16usize];
    ["Offset of field: mlx_program_launch::threads"]
        [::core::mem::offset_of!(mlx_program_launch, threads) - 28usize];
    ["Offset of field: mlx_program_launch::shared_memory"]
        [::core::mem::offset_of!(mlx_program_launch, shared_memory) - 40usize];
    ["Offset of field: mlx_program_launch::arguments"]
        [::core::mem::offset_of!(mlx_program_launch, arguments) - 48usize];
    ["Offset of field: mlx_program_launch::argument_count"]
        [::core::mem::offset_of!(mlx_program_launch, argument_count) - 56usize];
};
#[doc = " What a program is made of."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_program_parts {
    #[doc = " PTX or a cubin."]
    pub module: mlx_string,
    pub launches: *const mlx_program_launch,
    pub launch_count: usize,
    pub outputs: mlx_specs,
    #[doc = " So many of the last outputs are written in the memory of as many of the last inputs."]
    pub in_place: usize,
    #[doc = " Bytes of memory that only the launches see."]
    pub scratch: *const usize,
    pub scratch_count: usize,
    #[doc = " The input that says which row of each sequence is written, as pairs of the first row that is read and that row; or\n -1. And the first of two that say positions, or -1."]
    pub places: ::core::ffi::c_int,
    pub positions: ::core::ffi::c_int,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_program_parts"][::core::mem::size_of::<mlx_program_parts>() - 80usize];
    ["Alignment of mlx_program_parts"][::core::mem::align_of::<mlx_program_parts>() - 8usize];
    ["Offset of field: mlx_program_parts::module"]
        [::core::mem::offset_of!(mlx_program_parts, module) - 0usize];
    ["Offset of field: mlx_program_parts::launches"]
        [::core::mem::offset_of!(mlx_program_parts, launches) - 16usize];
    ["Offset of field: mlx_program_parts::launch_count"]
        [::core::mem::offset_of!(mlx_program_parts, launch_count) - 24usize];
    ["Offset of field: mlx_program_parts::outputs"]
        [::core::mem::offset_of!(mlx_program_parts, outputs) - 32usize];
    ["Offset of field: mlx_program_parts::in_place"]
        [::core::mem::offset_of!(mlx_program_parts, in_place) - 48usize];
    ["Offset of field: mlx_program_parts::scratch"]
        [::core::mem::offset_of!(mlx_program_parts, scratch) - 56usize];
    ["Offset of field: mlx_program_parts::scratch_count"]
        [::core::mem::offset_of!(mlx_program_parts, scratch_count) - 64usize];
    ["Offset of field: mlx_program_parts::places"]
        [::core::mem::offset_of!(mlx_program_parts, places) - 72usize];
    ["Offset of field: mlx_program_parts::positions"]
        [::core::mem::offset_of!(mlx_program_parts, positions) - 76usize];
};
#[doc = " Launches of compiled kernels, one after the other, that are one operation."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_program {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_program"][::core::mem::size_of::<mlx_program>() - 8usize];
    ["Alignment of mlx_program"][::core::mem::align_of::<mlx_program>() - 8usize];
    ["Offset of field: mlx_program::p"][::core::mem::offset_of!(mlx_program, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Makes a program for a stream of a GPU. The module is loaded when it first runs. Fails where MLX is not built for CUDA."]
    pub fn mlx_program_new(
        out: *mut mlx_program,
        parts: mlx_program_parts,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Records it. Inputs that are not row-major without gaps are copied, but for those whose memory is written, which must be."]
    pub fn mlx_program_call(
        out: *mut mlx_array_vector,
        program: mlx_program,
        inputs: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Records it, where it has one output."]
    pub fn mlx_program_call_one(
        out: *mut mlx_array,
        program: mlx_program,
        inputs: mlx_arrays,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases it. Null is ignored."]
    pub fn mlx_program_free(program: mlx_program);
}
#[doc = " A step of a loop on a GPU that is captured as a CUDA graph or a few, and launched again for the next."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_replay {
    pub p: *mut ::core::ffi::c_void,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_replay"][::core::mem::size_of::<mlx_replay>() - 8usize];
    ["Alignment of mlx_replay"][::core::mem::align_of::<mlx_replay>() - 8usize];
    ["Offset of field: mlx_replay::p"][::core::mem::offset_of!(mlx_replay, p) - 0usize];
};
unsafe extern "C" {
    #[doc = " Nothing yet. `module` has a function `prepare(int* to, const int* from, int count, values...)`, which writes `count`\n numbers of 32 bits and behind them 64 values."]
    pub fn mlx_replay_new(out: *mut mlx_replay, module: mlx_string, s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Compares the recorded graph of `output` with that of the step before. If they differ in nothing but `input` and what\n `values` tell, captures it, computes it, and writes an array of its value to `out`; otherwise null.\n\n `values` are, for each program of the graph that has places, these; then positions, one per row."]
    pub fn mlx_replay_offer(
        out: *mut mlx_array,
        replay: mlx_replay,
        output: mlx_array,
        input: mlx_array,
        values: *const i32,
        value_count: usize,
        rows: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Launches what was captured, with another `input` and other values. Writes null where that is not possible: nothing has\n been captured, the input or the number of values is another, or memory has moved."]
    pub fn mlx_replay_launch(
        out: *mut mlx_array,
        replay: mlx_replay,
        input: mlx_array,
        values: *const i32,
        value_count: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Whether what was captured writes to just the memory of arrays with these ids, program by program."]
    pub fn mlx_replay_writes(
        out: *mut bool,
        replay: mlx_replay,
        ids: *const usize,
        count: usize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Forgets what was captured."]
    pub fn mlx_replay_reset(replay: mlx_replay) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Releases it. Null is ignored."]
    pub fn mlx_replay_free(replay: mlx_replay);
}
unsafe extern "C" {
    #[doc = " A key (two uint32) from a seed."]
    pub fn mlx_random_key(out: *mut mlx_array, seed: u64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Seeds the calling thread's generator. Threads that never do so all draw the same numbers."]
    pub fn mlx_random_seed(seed: u64) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Two new keys from one."]
    pub fn mlx_random_split(
        out_0: *mut mlx_array,
        out_1: *mut mlx_array,
        key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " `num` new keys from one, in rows."]
    pub fn mlx_random_split_num(
        out: *mut mlx_array,
        key: mlx_array,
        num: ::core::ffi::c_int,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Random bits in unsigned integers of `width` bytes (1, 2 or 4)."]
    pub fn mlx_random_bits(
        out: *mut mlx_array,
        shape: mlx_ints,
        width: ::core::ffi::c_int,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Uniform in [low, high), which broadcast to the shape."]
    pub fn mlx_random_uniform(
        out: *mut mlx_array,
        low: mlx_array,
        high: mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Normal with mean `opt_loc` (default 0) and standard deviation `opt_scale` (default 1)."]
    pub fn mlx_random_normal(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_loc: mlx_array,
        opt_scale: mlx_array,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Jointly normal with mean vectors and covariance matrices whose batch axes broadcast to `shape`. float32,\n on a CPU stream."]
    pub fn mlx_random_multivariate_normal(
        out: *mut mlx_array,
        mean: mlx_array,
        cov: mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Standard normal, restricted to [lower, upper], which broadcast to the shape."]
    pub fn mlx_random_truncated_normal(
        out: *mut mlx_array,
        lower: mlx_array,
        upper: mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The standard Gumbel distribution."]
    pub fn mlx_random_gumbel(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The Laplace distribution with mean `loc` and scale `scale`."]
    pub fn mlx_random_laplace(
        out: *mut mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        loc: f32,
        scale: f32,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Uniform integers in [low, high), which broadcast to the shape."]
    pub fn mlx_random_randint(
        out: *mut mlx_array,
        low: mlx_array,
        high: mlx_array,
        shape: mlx_ints,
        dtype: mlx_dtype,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " True with probability `p`, which broadcasts to the shape; bool."]
    pub fn mlx_random_bernoulli(
        out: *mut mlx_array,
        p: mlx_array,
        shape: mlx_ints,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Indices along `axis`, drawn with probability `softmax(logits)`: one for each of the other positions;\n uint32."]
    pub fn mlx_random_categorical(
        out: *mut mlx_array,
        logits: mlx_array,
        axis: ::core::ffi::c_int,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The same in a given shape, to which `logits` without `axis` must broadcast."]
    pub fn mlx_random_categorical_shape(
        out: *mut mlx_array,
        logits: mlx_array,
        axis: ::core::ffi::c_int,
        shape: mlx_ints,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The same with `num_samples` draws in a new last axis."]
    pub fn mlx_random_categorical_num_samples(
        out: *mut mlx_array,
        logits: mlx_array,
        axis: ::core::ffi::c_int,
        num_samples: ::core::ffi::c_int,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The slices along an axis in random order."]
    pub fn mlx_random_permutation(
        out: *mut mlx_array,
        x: mlx_array,
        axis: ::core::ffi::c_int,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The integers 0 to `n - 1` in random order."]
    pub fn mlx_random_permutation_arange(
        out: *mut mlx_array,
        n: ::core::ffi::c_int,
        opt_key: mlx_array,
        s: mlx_stream,
    ) -> ::core::ffi::c_int;
}
#[doc = " Another way to compute the operations of one kind.\n\n `rewrite` is called as an operation is about to be computed on `stream`, on the thread that evaluates. It returns 1\n after writing an array that has not been evaluated, of the same shape and type, that is computed on that stream by\n one operation with one output: that takes the place of the operation of `a`, with its inputs. It returns 0 to leave\n the operation as it is, and -1 after `mlx_callback_failed`. Then the inputs of `a` get their turn. `drop` is called\n when registering fails; what is registered stays."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_rewrite {
    pub ctx: *mut ::core::ffi::c_void,
    #[doc = " The name of the operations, as `mlx_array_primitive_name` gives it."]
    pub primitive: mlx_string,
    pub rewrite: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            a: mlx_array,
            stream: mlx_stream,
            out: *mut mlx_array,
        ) -> ::core::ffi::c_int,
    >,
    pub drop: ::core::option::Option<unsafe extern "C" fn(ctx: *mut ::core::ffi::c_void)>,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_rewrite"][::core::mem::size_of::<mlx_rewrite>() - 40usize];
    ["Alignment of mlx_rewrite"][::core::mem::align_of::<mlx_rewrite>() - 8usize];
    ["Offset of field: mlx_rewrite::ctx"][::core::mem::offset_of!(mlx_rewrite, ctx) - 0usize];
    ["Offset of field: mlx_rewrite::primitive"][::core::mem::offset_of!(mlx_rewrite, primitive) - 8usize];
    ["Offset of field: mlx_rewrite::rewrite"][::core::mem::offset_of!(mlx_rewrite, rewrite) - 24usize];
    ["Offset of field: mlx_rewrite::drop"][::core::mem::offset_of!(mlx_rewrite, drop) - 32usize];
};
unsafe extern "C" {
    #[doc = " Has all operations of a kind that are computed on a GPU from now on, in this process, rewritten: also those that\n transformations make. Of several for one kind the last counts."]
    pub fn mlx_rewrite_gpu_everywhere(rewrite: mlx_rewrite) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The parameters of the operation that gives `a`, as `mlx_cpu_kernels` lists them, and more: for RMSNorm eps; for\n RoPE the dimensions, whether it is traditional, base, scale, and whether it is forward; for\n ScaledDotProductAttention the scale; for Transpose the axes; for Slice the start, end and step along each axis.\n At most `capacity` are written; `*count` is how many there are. None where `a` has been evaluated, or is the\n result of an operation that is not MLX's own."]
    pub fn mlx_array_parameters(
        out: *mut f64,
        capacity: usize,
        count: *mut usize,
        a: mlx_array,
    ) -> ::core::ffi::c_int;
}
#[doc = " A stream, if there is one."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_optional_stream {
    pub value: mlx_stream,
    pub has_value: bool,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_optional_stream"][::core::mem::size_of::<mlx_optional_stream>() - 16usize];
    ["Alignment of mlx_optional_stream"][::core::mem::align_of::<mlx_optional_stream>() - 4usize];
    ["Offset of field: mlx_optional_stream::value"]
        [::core::mem::offset_of!(mlx_optional_stream, value) - 0usize];
    ["Offset of field: mlx_optional_stream::has_value"]
        [::core::mem::offset_of!(mlx_optional_stream, has_value) - 12usize];
};
#[doc = " A name for one stream per thread. It may be shared freely between threads."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_thread_local_stream {
    pub index: ::core::ffi::c_int,
    pub device: mlx_device,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_thread_local_stream"][::core::mem::size_of::<mlx_thread_local_stream>() - 12usize];
    ["Alignment of mlx_thread_local_stream"][::core::mem::align_of::<mlx_thread_local_stream>() - 4usize];
    ["Offset of field: mlx_thread_local_stream::index"]
        [::core::mem::offset_of!(mlx_thread_local_stream, index) - 0usize];
    ["Offset of field: mlx_thread_local_stream::device"]
        [::core::mem::offset_of!(mlx_thread_local_stream, device) - 4usize];
};
unsafe extern "C" {
    #[doc = " The calling thread's default stream of a device, made on first use."]
    pub fn mlx_default_stream(out: *mut mlx_stream, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The calling thread's default stream of a device, if it has been made."]
    pub fn mlx_peek_default_stream(out: *mut mlx_optional_stream, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Makes `s` the calling thread's default stream of its device."]
    pub fn mlx_set_default_stream(s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A new stream, usable on the calling thread only."]
    pub fn mlx_new_stream(out: *mut mlx_stream, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A new stream usable on every thread, but on one at a time: the caller provides the lock."]
    pub fn mlx_new_thread_unsafe_stream(out: *mut mlx_stream, d: mlx_device) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " A name for which each thread makes a stream of its own."]
    pub fn mlx_new_thread_local_stream(
        out: *mut mlx_thread_local_stream,
        d: mlx_device,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The calling thread's stream of that name, made on first use."]
    pub fn mlx_stream_from_thread_local_stream(
        out: *mut mlx_stream,
        s: mlx_thread_local_stream,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Writes up to `capacity` of the process's streams to `out` and their total number to `count`."]
    pub fn mlx_get_streams(count: *mut usize, out: *mut mlx_stream, capacity: usize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Waits for all work on the stream."]
    pub fn mlx_synchronize(s: mlx_stream) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Destroys the calling thread's streams and compiled functions. Call it before the thread ends, after\n `mlx_synchronize`."]
    pub fn mlx_clear_streams() -> ::core::ffi::c_int;
}
#[doc = " A floating-point (or complex) type."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_float_info {
    pub dtype: mlx_dtype,
    pub bits: ::core::ffi::c_int,
    #[doc = " The lowest and the highest finite number."]
    pub min: f64,
    pub max: f64,
    #[doc = " The distance from 1 to the next number."]
    pub eps: f64,
    #[doc = " The smallest positive number of full precision."]
    pub smallest_normal: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_float_info"][::core::mem::size_of::<mlx_float_info>() - 40usize];
    ["Alignment of mlx_float_info"][::core::mem::align_of::<mlx_float_info>() - 8usize];
    ["Offset of field: mlx_float_info::dtype"][::core::mem::offset_of!(mlx_float_info, dtype) - 0usize];
    ["Offset of field: mlx_float_info::bits"][::core::mem::offset_of!(mlx_float_info, bits) - 4usize];
    ["Offset of field: mlx_float_info::min"][::core::mem::offset_of!(mlx_float_info, min) - 8usize];
    ["Offset of field: mlx_float_info::max"][::core::mem::offset_of!(mlx_float_info, max) - 16usize];
    ["Offset of field: mlx_float_info::eps"][::core::mem::offset_of!(mlx_float_info, eps) - 24usize];
    ["Offset of field: mlx_float_info::smallest_normal"]
        [::core::mem::offset_of!(mlx_float_info, smallest_normal) - 32usize];
};
#[doc = " An integer type."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct mlx_int_info {
    pub dtype: mlx_dtype,
    pub min: i64,
    pub max: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of mlx_int_info"][::core::mem::size_of::<mlx_int_info>() - 24usize];
    ["Alignment of mlx_int_info"][::core::mem::align_of::<mlx_int_info>() - 8usize];
    ["Offset of field: mlx_int_info::dtype"][::core::mem::offset_of!(mlx_int_info, dtype) - 0usize];
    ["Offset of field: mlx_int_info::min"][::core::mem::offset_of!(mlx_int_info, min) - 8usize];
    ["Offset of field: mlx_int_info::max"][::core::mem::offset_of!(mlx_int_info, max) - 16usize];
};
unsafe extern "C" {
    #[doc = " The limits of a floating-point type."]
    pub fn mlx_finfo(out: *mut mlx_float_info, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The limits of an integer type."]
    pub fn mlx_iinfo(out: *mut mlx_int_info, dtype: mlx_dtype) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The type that operations on all the arrays together produce."]
    pub fn mlx_result_type(out: *mut mlx_dtype, arrays: mlx_arrays) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The shape that two shapes broadcast to."]
    pub fn mlx_broadcast_shapes(out: *mut mlx_int_vector, a: mlx_ints, b: mlx_ints) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The axis counted from the first, in `0..ndim`."]
    pub fn mlx_normalize_axis_index(
        out: *mut ::core::ffi::c_int,
        axis: ::core::ffi::c_int,
        ndim: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The number of decimals `mlx_array_to_string` prints, in the whole process; -1 for six significant digits."]
    pub fn mlx_set_printoptions(precision: ::core::ffi::c_int) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " The version of the MLX library in use, \"major.minor.patch\". The text is static."]
    pub fn mlx_version(out: *mut mlx_string) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    #[doc = " Fails when the MLX library in use is not of the version this API was compiled against. Its C++ classes\n have another layout then, and nothing else may be called."]
    pub fn mlx_capi_check_version() -> ::core::ffi::c_int;
}
