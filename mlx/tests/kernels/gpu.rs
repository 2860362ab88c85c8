//! GPU kernels, as far as a machine without a GPU can tell.

use mlx::kernels::{
    CudaKernel, Launch, MetalKernel, MetalMath, MetalOptions, PrecompiledCudaKernel, Scalar, TemplateArg,
};
use mlx::{Array, Device, Dtype, Error, ErrorKind, Result, ones};

fn launch() -> Launch {
    Launch::new([4, 1, 1], [4, 1, 1]).output(&[4], Dtype::F32)
}

/// An error of the call that names what is missing.
#[track_caller]
fn refused(result: Result<[Array; 1]>, text: &str) {
    let error: Error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.message().contains(text), "{error}");
}

#[test]
fn calls_without_a_gpu_say_so() -> Result<()> {
    if Device::default_device()? == Device::Gpu {
        return Ok(());
    }
    let x = ones(&[4], Dtype::F32);
    let options = MetalOptions { header: "// %s", math: MetalMath::Fast, ..MetalOptions::default() };
    // SAFETY: nothing runs.
    let (metal, cuda, compiled) = unsafe {
        (
            MetalKernel::new("copy", &["x"], &["y"], "y[0] = x[0];", options)?,
            CudaKernel::new("copy", &["x"], &["y"], "y[0] = x[0];", Default::default()),
            PrecompiledCudaKernel::new("copy", b".version 8.0\0".to_vec()).shared_memory(16).row_contiguous(),
        )
    };
    let typed = launch().template("T", Dtype::F32).template("N", 4).template("fast", true).init(0.0);
    refused(metal.call(&[&x], &typed), "GPU");
    match cuda {
        Ok(cuda) => refused(cuda.call(&[&x], &typed), "GPU"),
        Err(error) => assert!(error.message().contains("CUDA"), "{error}"),
    }
    let scalars = [Scalar::from(4), Scalar::from(2.5), Scalar::from(true)];
    refused(compiled.call(&[&x], &scalars, &launch()), "GPU");
    refused(compiled.call(&[&x], &[], &typed), "template");
    Ok(())
}

#[test]
fn senseless_launches_are_refused() -> Result<()> {
    let x = ones(&[4], Dtype::F32);
    // SAFETY: nothing runs.
    let kernel = unsafe { MetalKernel::new("copy", &["x"], &["y"], "y[0] = x[0];", Default::default())? };
    refused(kernel.call(&[] as &[Array], &launch()), "takes 1 inputs, 0 were given");
    refused(kernel.call(&[&x, &x], &launch()), "takes 1 inputs, 2 were given");
    refused(kernel.call(&[&x], &launch().output(&[1], Dtype::F32)), "has 2 outputs, the kernel 1");
    refused(kernel.call(&[&x], &Launch::new([4, 1, 1], [4, 1, 1])), "has 0 outputs, the kernel 1");
    for (grid, group) in
        [([0, 1, 1], [1; 3]), ([4, 1, 1], [0; 3]), ([4, 1, -1], [1; 3]), ([4, 1, 1], [i32::MIN; 3])]
    {
        let launch = Launch::new(grid, group).output(&[4], Dtype::F32);
        refused(kernel.call(&[&x], &launch), "at least 1");
    }
    for shape in [&[-1][..], &[i32::MAX; 3]] {
        let launch = Launch::new([4, 1, 1], [4, 1, 1]).output(shape, Dtype::F32);
        refused(kernel.call(&[&x], &launch), "no array can have the shape");
    }
    assert_eq!(TemplateArg::from(3), TemplateArg::Int(3));
    Ok(())
}
