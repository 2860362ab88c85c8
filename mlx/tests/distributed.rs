//! Processes that compute together: this program starts itself several times, connected in a ring.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod processes;

use mlx::{
    Array, Device, Dtype, ErrorKind, Result, Stream, arange,
    distributed::{Backend, Group, LocalRing, write_hostfile},
    eval, ones, random, with_stream, zeros,
};
use processes::{CASE, CONNECTED, Ended, TIMEOUT, end, ring, start};
use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddrV4},
    process::Child,
    time::Instant,
};

#[test]
fn two_processes_reduce_and_gather() {
    ring("collectives", 2);
}

#[test]
fn two_processes_exchange() {
    ring("messages", 2);
}

#[test]
fn four_processes_form_a_ring() {
    ring("four", 4);
}

#[test]
fn a_lost_process_is_an_error() {
    ring("lost", 2);
}

/// What the children run; passes at once in the parent.
#[test]
fn child() {
    let Ok(case) = env::var(CASE) else { return };
    let group = Group::init(Backend::Ring).unwrap();
    println!("{CONNECTED}");
    match case.as_str() {
        "collectives" => collectives(&group),
        "messages" => messages(&group),
        "four" => four(&group),
        "lost" => lost(&group),
        _ => panic!("no case {case}"),
    }
    .unwrap();
}

/// What the process `rank` gives: every process can compute what the others have.
fn part(rank: i32, shape: &[i32], dtype: Dtype) -> Result<Array> {
    let x = random::normal(shape, Dtype::F32, &random::key(rank as u64)?)? * 8.0;
    x.round(0)?.astype(dtype)
}

fn collectives(group: &Group) -> Result<()> {
    assert_eq!((group.size(), group.backend()), (2, Some(Backend::Ring)));
    assert_eq!(Group::init(Backend::Any)?.rank(), group.rank(), "the same group again");
    for dtype in [Dtype::F32, Dtype::I32, Dtype::U8, Dtype::I64, Dtype::Bf16] {
        for shape in [&[][..], &[1], &[0], &[3, 5], &[2, 0, 4], &[70_000]] {
            let (a, b) = (part(0, shape, dtype)?, part(1, shape, dtype)?);
            let mine = if group.rank() == 0 { &a } else { &b };
            let cases = [
                (group.all_sum(mine)?, &a + &b),
                (group.all_max(mine)?, a.maximum(&b)?),
                (group.all_min(mine)?, a.minimum(&b)?),
            ];
            eval(cases.iter().map(|(result, _)| result))?;
            for (result, expected) in cases {
                assert_eq!((result.shape()?, result.dtype()?), (shape, dtype));
                assert_eq!(result.to_vec::<f32>()?, expected.to_vec::<f32>()?, "{dtype} {shape:?}");
            }
            let rows = |x: &Array| if shape.is_empty() { x.reshape([1]) } else { Ok(x.clone()) };
            let joined = mlx::concatenate(&[&rows(&a)?, &rows(&b)?], 0)?;
            let gathered = group.all_gather(mine)?;
            assert_eq!(gathered.shape()?, joined.shape()?);
            assert_eq!(gathered.to_vec::<f32>()?, joined.to_vec::<f32>()?, "{dtype} {shape:?}");
        }
    }
    views_and_streams(group)?;
    refusals(group)
}

/// Arrays that are not dense, and scopes that would let messages overtake each other.
fn views_and_streams(group: &Group) -> Result<()> {
    let x = arange(0.0, 12.0, 1.0, Dtype::F32)?.reshape([3, 4])?;
    for view in [x.t()?, x.slice(&[0, 1], &[3, 3])?, Array::scalar(2.0f32).broadcast_to([5, 2])?] {
        assert_eq!(group.all_sum(&view)?.to_vec::<f32>()?, (&view * 2.0).to_vec::<f32>()?);
        let twice = mlx::concatenate(&[&view, &view], 0)?;
        assert_eq!(group.all_gather(&view)?.to_vec::<f32>()?, twice.to_vec::<f32>()?);
    }
    let other = Stream::new(Device::Cpu)?;
    let sums: Vec<Array> = (0..20)
        .map(|i| {
            let big = ones(&[10_000], Dtype::F32) * i;
            if i % 2 == 0 { group.all_sum(&big) } else { with_stream(&other, || group.all_sum(&big)) }
        })
        .collect::<Result<_>>()?;
    eval(&sums)?;
    for (i, sum) in sums.iter().enumerate() {
        assert!(sum.to_vec::<f32>()?.iter().all(|&element| element == 2.0 * i as f32), "sum {i}");
    }
    Ok(())
}

fn refusals(group: &Group) -> Result<()> {
    let x = ones(&[4], Dtype::F32);
    let other = 1 - group.rank();
    for (op, result) in
        [("sum_scatter", group.sum_scatter(&x)), ("split", group.split(0, 0).map(|_| x.clone()))]
    {
        let error = result.unwrap_err();
        assert_eq!((error.op(), error.kind()), (op, ErrorKind::Backend));
        assert!(error.message().starts_with(&format!("the ring backend has no {op}; ")), "{error}");
    }
    for rank in [group.rank(), 2, -1, i32::MIN, i32::MAX] {
        for result in [group.send(&x, rank), group.recv([1], Dtype::F32, rank), group.recv_like(&x, rank)] {
            assert!(result.unwrap_err().message().contains(&format!("there is no other process {rank}")));
        }
    }
    assert!(group.recv([-1], Dtype::F32, other).is_err());
    assert!(group.recv([i32::MAX; 4], Dtype::F32, other).is_err());
    assert!(group.recv([1 << 30, 1 << 30], Dtype::F32, other).is_err());
    assert!(group.all_gather(&zeros(&[i32::MAX, 0], Dtype::F32)).is_err());
    assert!(group.all_sum(&(ones(&[2], Dtype::F32) + ones(&[3], Dtype::F32))).is_err());
    let elsewhere =
        std::thread::spawn(|| Group::init(Backend::Ring).map(|group| group.rank())).join().unwrap();
    assert!(elsewhere.unwrap_err().message().contains("another thread"));
    // Nothing of this was sent, or the next would not fit.
    assert_eq!(group.all_sum(&x)?.to_vec::<f32>()?, [2.0; 4]);
    Ok(())
}

fn messages(group: &Group) -> Result<()> {
    let (rank, other) = (group.rank(), 1 - group.rank());
    for shape in [&[][..], &[1], &[3, 2], &[50_000]] {
        let (mine, theirs) = (part(rank, shape, Dtype::F32)?, part(other, shape, Dtype::F32)?);
        for source in 0..2 {
            let moved = if source == rank {
                group.send(&mine, other)?
            } else if shape.len() == 1 {
                group.recv(shape, Dtype::F32, other)?
            } else {
                group.recv_like(&mine, other)?
            };
            let expected = if source == rank { &mine } else { &theirs };
            assert_eq!((moved.shape()?, moved.dtype()?), (shape, Dtype::F32));
            assert_eq!(moved.to_vec::<f32>()?, expected.to_vec::<f32>()?, "{shape:?}");
        }
    }
    let column = arange(0.0, 6.0, 1.0, Dtype::F32)?.reshape([2, 3])?.t()?;
    let moved = if rank == 0 { group.send(&column, 1) } else { group.recv([3, 2], Dtype::F32, 0) }?;
    assert_eq!(moved.to_vec::<f32>()?, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    Ok(())
}

fn four(group: &Group) -> Result<()> {
    let rank = group.rank();
    assert_eq!(group.all_sum(&Array::scalar(10i32.pow(rank as u32)))?.item::<i32>()?, 1111);
    assert_eq!(group.all_gather(&Array::scalar(rank))?.to_vec::<i32>()?, [0, 1, 2, 3]);
    let error = group.send(&Array::scalar(1.0f32), (rank + 2) % 4).unwrap_err();
    assert!(error.message().contains("is not next to process"), "{error}");
    // Around the ring: what each passes on grows by its rank.
    let (next, previous) = ((rank + 1) % 4, (rank + 3) % 4);
    let start = Array::scalar(100i32);
    let arrived = if rank == 0 {
        group.send(&start, next)?.eval()?;
        group.recv_like(&start, previous)?
    } else {
        let arrived = group.recv_like(&start, previous)? + rank;
        group.send(&arrived, next)?.eval()?;
        arrived
    };
    assert_eq!(arrived.item::<i32>()?, [106, 101, 103, 106][rank as usize]);
    Ok(())
}

fn lost(group: &Group) -> Result<()> {
    let x = ones(&[1000], Dtype::F32);
    group.all_sum(&x)?.eval()?;
    if group.rank() == 0 {
        for _ in 0..2 {
            let error = group.all_sum(&x)?.eval().unwrap_err();
            assert!(error.message().contains("connection to a peer was lost"), "{error}");
        }
        assert_eq!((&x + 1.0).sum(..)?.item::<f32>()?, 2000.0, "the process itself goes on");
    }
    Ok(())
}

#[test]
fn a_process_alone_keeps_what_it_gives() {
    let group = Group::init(Backend::Any).unwrap();
    assert_eq!((group.rank(), group.size(), group.backend()), (0, 1, None));
    let x = arange(0.0, 5.0, 1.0, Dtype::F32).unwrap();
    for result in
        [group.all_sum(&x), group.all_max(&x), group.all_min(&x), group.all_gather(&x), group.sum_scatter(&x)]
    {
        assert_eq!(result.unwrap().to_vec::<f32>().unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0]);
    }
    assert_eq!(group.split(3, -1).unwrap().size(), 1);
    for result in [group.send(&x, 0), group.recv([5], Dtype::F32, 0), group.recv_like(&x, 1)] {
        assert_eq!(result.unwrap_err().message(), "this process is alone");
    }
    let failed = ones(&[2], Dtype::F32) + ones(&[3], Dtype::F32);
    assert_eq!(group.all_sum(&failed).unwrap_err().op(), "add");
}

#[test]
fn backends_that_are_not_there_say_so() {
    assert!(Backend::Ring.is_available().unwrap() && Backend::Any.is_available().unwrap());
    for backend in [Backend::Ring, Backend::Mpi, Backend::Nccl, Backend::Jaccl] {
        if !backend.is_available().unwrap() {
            let error = Group::init(backend).unwrap_err();
            assert_eq!(error.message(), format!("this build of MLX has no {backend} backend"));
        }
    }
    let error = Group::init(Backend::Ring).unwrap_err();
    assert_eq!(error.message(), "the environment variable MLX_HOSTFILE is not set");
}

/// Variables that would end MLX's process, or keep it waiting for ever.
#[test]
fn senseless_environments_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let two = r#"[["127.0.0.1:1"], ["127.0.0.1:2"]]"#;
    let children: Vec<(&str, Child)> = [
        ("MLX_RANK is `-1`", "-1", two),
        ("MLX_RANK is `x`", "x", two),
        ("MLX_RANK is 2, but there are 2 processes", "2", two),
        ("each process needs an address", "0", "[]"),
        ("each process needs an address", "0", "[[], []]"),
        ("each process needs an address", "0", r#"[["127.0.0.1:1"], []]"#),
        ("expected a list of addresses", "0", "{}"),
        ("expected a list of addresses", "0", ""),
        ("expected a list of addresses", "0", "[[1], [2]]"),
        ("`127.0.0.1` is not of the form host:port", "0", r#"[["127.0.0.1"], ["127.0.0.1:1"]]"#),
        ("No such file", "0", "no file"),
    ]
    .into_iter()
    .enumerate()
    .map(|(i, (message, rank, hosts))| {
        let path = folder.path().join(format!("{i}.json"));
        if hosts != "no file" {
            fs::write(&path, hosts).unwrap();
        }
        let path = path.to_str().unwrap().to_owned();
        (message, start("environment", &[("MLX_RANK", rank.to_owned()), ("MLX_HOSTFILE", path)]))
    })
    .collect();
    let deadline = Instant::now() + TIMEOUT;
    for (message, child) in children {
        let Ended { well, output } = end(child, deadline);
        assert!(!well && output.contains(message) && output.contains("panicked"), "{message}: {output}");
    }
}

#[test]
fn a_ring_of_one_is_a_process_alone() {
    let ring = LocalRing::new(1).unwrap();
    let environment = ring.environment(0).map(|(name, value)| (name, value.into_string().unwrap()));
    let ended = end(start("alone", &environment), Instant::now() + TIMEOUT);
    assert!(ended.output.contains("no case alone"), "{}", ended.output);
}

#[test]
fn host_files_are_what_the_ring_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts.json");
    let at = |port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port);
    write_hostfile(&path, &[[at(1), at(2)], [at(3), at(4)]]).unwrap();
    let expected = r#"[["10.0.0.1:1","10.0.0.1:2"],["10.0.0.1:3","10.0.0.1:4"]]"#;
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert!(write_hostfile::<[SocketAddrV4; 1]>(&path, &[]).is_err());
    assert!(write_hostfile(&path, &[vec![at(1)], vec![]]).is_err());
    assert!(write_hostfile(folder.path(), &[[at(1)]]).is_err());
    assert!(LocalRing::new(0).is_err());
    let left = LocalRing::new(2).unwrap().environment(1)[1].1.clone();
    assert!(!fs::exists(left).unwrap(), "the file goes with the ring");
}
