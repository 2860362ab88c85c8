//! Two processes that add their arrays: `cargo run --release -p examples --example all_reduce`
//!
//! The program starts itself twice. Each of the two finds the other through environment variables, as processes on
//! several machines would, and computes with its own part of the data.

use mlx::{
    Dtype, arange,
    distributed::{Backend, Group, LocalRing},
};
use std::{env, error::Error, process::Command};

const PROCESSES: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("MLX_RANK").is_none() { start() } else { Ok(compute()?) }
}

/// The parent: starts the processes and waits for them.
fn start() -> Result<(), Box<dyn Error>> {
    let ring = LocalRing::new(PROCESSES)?;
    let start = |rank| Command::new(env::current_exe()?).envs(ring.environment(rank)).spawn();
    let processes = (0..PROCESSES).map(start).collect::<Result<Vec<_>, _>>()?;
    for mut process in processes {
        let status = process.wait()?;
        if !status.success() {
            return Err(format!("a process failed: {status}").into());
        }
    }
    Ok(())
}

/// One of the processes: the mean over data of which it has a part.
fn compute() -> mlx::Result<()> {
    let group = Group::init(Backend::Ring)?;
    let start = f64::from(group.rank()) * 100.0;
    let mine = arange(start, start + 100.0, 1.0, Dtype::F32)?;
    let sum = group.all_sum(&mine.sum(..)?)?;
    let mean = (sum / (100 * group.size())).item::<f32>()?;
    println!("process {} of {} has {start}.., the mean of all is {mean}", group.rank(), group.size());
    Ok(())
}
