//! Compiles the C++ side of the comparison against the very headers and library that `mlx-sys` uses.

fn main() {
    println!("cargo::rerun-if-changed=host_cost.cpp");
    let (Ok(include), Ok(library)) =
        (std::env::var("DEP_MLX_CAPI_MLX_INCLUDE"), std::env::var("DEP_MLX_CAPI_MLX_LIB"))
    else {
        return;
    };
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .opt_level(2)
        .warnings(false)
        .include(include)
        .file("host_cost.cpp")
        .compile("host_cost");
    println!("cargo::rustc-link-search=native={library}");
    println!("cargo::rustc-link-lib=dylib=mlx");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{library}");
}
