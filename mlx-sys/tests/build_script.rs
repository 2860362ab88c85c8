//! Runs the tests inside the modules of the build script.

#[path = "../build"]
#[allow(dead_code, reason = "the build script uses all of it")]
mod build {
    mod backend;
    mod cache;
    mod compiler;
    mod failure;
    mod fingerprint;
    mod locate;
    mod pins;
    mod pip;
    mod target;
    mod unzip;
    mod wheel;
}
