#![doc = include_str!("../../docs/guide.md")]

macro_rules! pages {
    ($($name:ident = $file:literal;)*) => { $(
        #[doc = include_str!(concat!("../../docs/", $file))]
        pub mod $name {}
    )* };
}

pages! {
    autodiff = "autodiff.md";
    compile = "compile.md";
    distributed = "distributed.md";
    files = "files.md";
    indexing = "indexing.md";
    kernels = "kernels.md";
    laziness = "laziness.md";
    memory = "memory.md";
    python = "python.md";
    threads = "threads.md";
    training = "training.md";
    vmap = "vmap.md";
}
