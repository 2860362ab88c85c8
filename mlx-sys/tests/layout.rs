//! Every struct of the C API has the same size, alignment and offsets for a C compiler and in the bindings.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::Path;
use std::process::Command;

use mlx_sys::*;

/// A struct: its name, its fields, and what the bindings say: size, alignment, and the offset of each field.
struct Layout {
    name: &'static str,
    fields: Vec<&'static str>,
    numbers: Vec<usize>,
}

macro_rules! layouts {
    ($($name:ident { $($field:ident),* })*) => {
        vec![$(Layout {
            name: stringify!($name),
            fields: vec![$(stringify!($field)),*],
            numbers: vec![size_of::<$name>(), align_of::<$name>() $(, offset_of!($name, $field))*],
        }),*]
    };
}

fn layouts() -> Vec<Layout> {
    layouts! {
        mlx_array { p }
        mlx_arrays { data, size }
        mlx_array_vector { p }
        mlx_array_view { data, shape, strides, ndim, size, dtype, row_contiguous, has_values }
        mlx_axes { data, size }
        mlx_closure { ctx, call, drop }
        mlx_closure_jvp { ctx, call, drop }
        mlx_closure_kwargs { ctx, call, drop }
        mlx_closure_vjp { ctx, call, drop }
        mlx_closure_vmap { ctx, call, drop }
        mlx_cpu_kernel { ctx, primitive, in_place, strided, accepts, compute, drop }
        mlx_cpu_kernels { ctx, primitive, make, drop }
        mlx_device { type_, index }
        mlx_doubles { data, size }
        mlx_exporter { p }
        mlx_float_info { dtype, bits, min, max, eps, smallest_normal }
        mlx_function { p }
        mlx_group { p }
        mlx_imported_function { p }
        mlx_info { p }
        mlx_info_value { text, number, is_number }
        mlx_int2 { v }
        mlx_int3 { v }
        mlx_int64s { data, size }
        mlx_int_info { dtype, min, max }
        mlx_int_vector { data, size }
        mlx_ints { data, size }
        mlx_kernel { p }
        mlx_launch { outputs, grid, threadgroup, init_value }
        mlx_operation { ctx, name, strided, in_place, compute, output_shapes, vjp, jvp, vmap, drop }
        mlx_optional_bool { value, has_value }
        mlx_optional_double { value, has_value }
        mlx_optional_dtype { value, has_value }
        mlx_optional_float { value, has_value }
        mlx_optional_int { value, has_value }
        mlx_optional_stream { value, has_value }
        mlx_owned_string { data, size }
        mlx_program { p }
        mlx_program_launch { function, blocks, threads, shared_memory, arguments, argument_count }
        mlx_program_parts { module, launches, launch_count, outputs, in_place, scratch, scratch_count, places, positions }
        mlx_replay { p }
        mlx_rewrite { ctx, primitive, rewrite, drop }
        mlx_safetensors { p }
        mlx_scalar_arg { kind, integer, real }
        mlx_shape_vector { p }
        mlx_spec { shape, dtype }
        mlx_specs { data, size }
        mlx_stream { index, device }
        mlx_string { data, size }
        mlx_strings { data, size }
        mlx_template_arg { name, kind, value }
        mlx_thread_local_stream { index, device }
    }
}

/// A C program that prints the numbers of each struct on a line of its own.
fn program(layouts: &[Layout]) -> String {
    let mut text = String::from("#include <stdio.h>\n#include \"mlx_capi.h\"\nint main(void) {\n");
    for Layout { name, fields, .. } in layouts {
        let mut print =
            |number: String| writeln!(text, "  printf(\"%zu \", {number});").expect("a string grows");
        print(format!("sizeof({name})"));
        print(format!("_Alignof({name})"));
        for field in fields {
            // Rust keeps `type` for itself.
            print(format!("offsetof({name}, {})", field.trim_end_matches('_')));
        }
        text += "  puts(\"\");\n";
    }
    text + "}\n"
}

#[test]
fn c_and_rust_agree_on_every_struct() {
    let layouts = layouts();
    let folder = tempfile::tempdir().expect("a folder for the program");
    let (source, executable) = (folder.path().join("layout.c"), folder.path().join("layout"));
    fs::write(&source, program(&layouts)).expect("a source file");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("capi/include");
    let mut compile = Command::new(compiler);
    compile.arg("-std=c11").arg("-I").arg(include).arg(&source).arg("-o").arg(&executable);
    assert!(compile.status().expect("a C compiler").success(), "{compile:?}");

    let output = Command::new(&executable).output().expect("the program runs").stdout;
    let output = String::from_utf8(output).expect("numbers");
    assert_eq!(output.lines().count(), layouts.len());
    for (line, Layout { name, fields, numbers }) in output.lines().zip(&layouts) {
        let c: Vec<usize> = line.split_whitespace().map(|n| n.parse().expect("a number")).collect();
        assert_eq!(&c, numbers, "{name}: size, alignment and the offsets of {fields:?}");
    }
}

#[test]
fn every_struct_of_the_headers_is_compared() {
    let mut declared = BTreeSet::new();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("capi/include/mlx_capi");
    for header in fs::read_dir(include).expect("the headers") {
        let path = header.expect("a header").path();
        let text = if path.is_dir() { String::new() } else { fs::read_to_string(path).expect("a header") };
        let structs =
            text.lines().filter_map(|line| line.strip_prefix("typedef struct ")?.strip_suffix(" {"));
        declared.extend(structs.map(String::from));
    }
    let compared: BTreeSet<String> = layouts().iter().map(|layout| layout.name.into()).collect();
    assert_eq!(declared, compared);
}
