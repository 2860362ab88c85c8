//! Devices, streams, memory and graphs from safe code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Property, Result, Stream, ThreadLocalStream, cuda, graph, memory, metal, ones,
    streams, with_stream,
};

#[test]
fn devices_are_described() -> Result<()> {
    assert_eq!(Device::Cpu.count()?, 1);
    let info = Device::Cpu.info(0)?;
    assert!(matches!(&info["device_name"], Property::Text(name) if !name.is_empty()), "{info:?}");
    assert!(Device::Cpu.info(1).is_err() && Device::Cpu.info(usize::MAX).is_err());
    assert_eq!(Device::Gpu.is_available()?, Device::Gpu.info(0).is_ok());
    assert_eq!(metal::is_available()?, metal::device_info().is_ok());
    assert_eq!(cuda::is_available()? && Device::Gpu.is_available()?, cuda::device_info(0).is_ok());
    assert!(cuda::device_info(usize::MAX).is_err());
    // MLX has been used by now.
    assert!(metal::set_metallib_path("/tmp/late.metallib").is_err());
    assert_eq!(metal::metallib_path().is_ok_and(|path| path.is_empty()), metal::is_available()?);
    if !metal::is_available()? {
        metal::capture("/tmp/nothing.gputrace")?.stop()?;
    }
    Ok(())
}

#[test]
fn defaults_are_chosen_per_thread_and_device() -> Result<()> {
    let work = || ones(&[3], Dtype::F32).sum(..)?.item::<f32>();
    std::thread::spawn(move || -> Result<()> {
        assert!(Stream::peek_default_of(Device::Cpu)?.is_none());
        let first = Stream::default_of(Device::Cpu)?;
        assert_eq!(Stream::peek_default_of(Device::Cpu)?.map(|s| s.index()), Some(first.index()));
        let own = Stream::new(Device::Cpu)?;
        assert_ne!(own.index(), first.index());
        own.set_default()?;
        assert_eq!(Stream::default_of(Device::Cpu)?.index(), own.index());
        Device::Cpu.set_default()?;
        assert_eq!(Device::default_device()?, Device::Cpu);
        assert_eq!((Stream::current()?.index(), Stream::current()?.device()), (own.index(), Device::Cpu));
        assert_eq!(work()?, 3.0);
        let inside = with_stream(&first, Stream::current)?;
        assert_eq!(inside.index(), first.index());
        // A new default inside a scope shows after it.
        with_stream(&own, || first.set_default())?;
        assert_eq!(Stream::current()?.index(), first.index());
        let listed = streams()?;
        assert!([first.index(), own.index()].iter().all(|index| listed.contains(&(*index, Device::Cpu))));
        Ok(())
    })
    .join()
    .unwrap()?;
    if !Device::Gpu.is_available()? {
        assert!(Device::Gpu.set_default().is_err());
        assert!(Stream::new(Device::Gpu).is_err() && ThreadLocalStream::new(Device::Gpu).is_err());
        assert!(Stream::peek_default_of(Device::Gpu)?.is_none());
    }
    Ok(())
}

#[test]
fn one_name_is_a_stream_on_every_thread() -> Result<()> {
    fn crosses<T: Send + Sync + Copy>(_: &T) {}
    let name = ThreadLocalStream::new(Device::Cpu)?;
    crosses(&name);
    assert_eq!(name.stream()?.index(), name.stream()?.index());
    let work = move || -> Result<(i32, f32)> {
        let stream = name.stream()?;
        let sum = with_stream(&stream, || ones(&[3], Dtype::F32).sum(..)?.item())?;
        stream.synchronize()?;
        Ok((stream.index(), sum))
    };
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(work)).collect();
    let mut results = vec![work()?];
    for thread in threads {
        results.push(thread.join().unwrap()?);
    }
    assert!(results.iter().all(|result| result.1 == 3.0));
    results.sort_by_key(|result| result.0);
    results.dedup_by_key(|result| result.0);
    assert_eq!(results.len(), 4, "each thread has its own");
    Ok(())
}

#[test]
fn memory_is_counted() -> Result<()> {
    let x = ones(&[1000], Dtype::F32);
    let halves = [x.at(..500)?, x.at(500..)?];
    let whole = memory::buffer_size([&x])?;
    assert!(whole >= 4000);
    assert_eq!(memory::buffer_size([&x, &halves[0], &halves[1]])?, whole, "a shared buffer counts once");
    assert_eq!(memory::buffer_size([])?, 0);
    assert!(memory::active()? >= whole && memory::peak()? >= whole);
    let limit = memory::memory_limit()?;
    assert_eq!(memory::set_memory_limit(limit / 2)?, limit);
    assert_eq!(memory::memory_limit()?, limit / 2);
    memory::set_memory_limit(limit)?;
    let failed = Array::from_slice(&[1.0f32], &[2]);
    assert!(memory::buffer_size([&failed]).is_err());
    Ok(())
}

#[test]
fn graphs_are_shown() -> Result<()> {
    let x = ones(&[2], Dtype::F32);
    x.eval()?;
    let y = x.exp()?.sum(..)?;
    let text = graph::print_graph([&y])?;
    assert!(text.find("Exp").unwrap() < text.find("Sum").or(text.find("Reduce")).unwrap(), "{text}");
    let dot = graph::export_to_dot([&y, &x])?;
    assert!(dot.starts_with("digraph") && dot.contains("Exp"), "{dot}");
    // MLX recurses: what is too deep for a thread's stack is refused, what is not is shown.
    let chain = |length| (0..length).fold(x.clone(), |y, _| y + 1);
    assert!(graph::print_graph([&chain(1900)])?.lines().count() >= 1900);
    for result in [graph::print_graph([&chain(20_000)]), graph::export_to_dot([&chain(20_000)])] {
        assert!(result.unwrap_err().message().contains("evaluate part of it first"));
    }
    // A graph whose walk revisits the same arrays again and again is still short.
    let diamond = (0..40).fold(x.clone(), |y, _| &y + &y);
    assert!(graph::print_graph([&diamond])?.lines().count() < 200);
    Ok(())
}
