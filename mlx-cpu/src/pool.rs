//! The threads that kernels share.
//!
//! One job runs at a time. The thread that brings it works on it too, and takes all of it where the others are busy:
//! with a job of another thread, or because it is itself part of one. Between jobs the threads spin for a moment before
//! they sleep, because the kernels of a model follow each other within microseconds.

use std::{
    any::Any,
    hint::spin_loop,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::*},
    },
    thread,
    time::{Duration, Instant},
};

/// How long an idle thread looks for the next job before it sleeps.
const SPIN: Duration = Duration::from_micros(100);

/// How many threads work on a job: `MLX_RS_CPU_THREADS`, or as many as the process may use processors.
pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| {
        let wanted = std::env::var("MLX_RS_CPU_THREADS").ok().and_then(|text| text.parse().ok());
        wanted.filter(|&n| n > 0).unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get))
    })
}

/// Calls `task` with each of `0..count`, on all threads, in no order. Panics if a task does, after the others ended.
pub fn for_each(count: usize, task: impl Fn(usize) + Sync) {
    if count < 2 || threads() < 2 || !Pool::get().run(count, &task) {
        (0..count).for_each(task);
    }
}

/// Calls `task` with the chunks of `data`, `size` elements each but the last, and their numbers, as [`for_each`] does.
pub fn for_each_chunk<T: Send>(data: &mut [T], size: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    let (size, len) = (size.max(1), data.len());
    let start = Start(data.as_mut_ptr());
    for_each(len.div_ceil(size), |i| {
        let at = i * size;
        // SAFETY: chunks of different numbers do not overlap, `for_each` calls with each number once, and `data` is
        // borrowed until it returns.
        task(i, unsafe { std::slice::from_raw_parts_mut(start.at(at), size.min(len - at)) });
    });
}

/// Calls `task` with parts of `data` of whole rows of `width` elements and the number of the first row: about as many
/// parts as threads, but none of less than `least` rows except the last.
pub fn for_each_rows<T: Send>(
    data: &mut [T],
    width: usize,
    least: usize,
    task: impl Fn(usize, &mut [T]) + Sync,
) {
    let width = width.max(1);
    let rows = (data.len() / width).div_ceil(threads()).max(least).max(1);
    for_each_chunk(data, rows * width, |i, part| task(i * rows, part));
}

struct Start<T>(*mut T);

// SAFETY: only used for disjoint parts, of elements that may be sent to other threads.
unsafe impl<T: Send> Sync for Start<T> {}

impl<T> Start<T> {
    /// # Safety
    /// `offset` lies within the slice.
    unsafe fn at(&self, offset: usize) -> *mut T {
        // SAFETY: as the caller promises.
        unsafe { self.0.add(offset) }
    }
}

/// A job, on the stack of the thread that brought it.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    count: usize,
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    /// Takes tasks until there are none. After a panic the remaining ones are not begun.
    fn work(&self) {
        let all = catch_unwind(AssertUnwindSafe(|| {
            while let i @ 0.. = self.next.fetch_add(1, Relaxed)
                && i < self.count
            {
                (self.task)(i);
            }
        }));
        if let Err(payload) = all {
            self.next.store(self.count, Relaxed);
            *lock(&self.panic) = Some(payload);
        }
    }
}

/// Where a job is published.
#[derive(Default)]
struct Slot {
    job: Option<JobPointer>,
    asleep: usize,
}

#[derive(Clone, Copy)]
struct JobPointer(*const Job<'static>);

// SAFETY: a job may be used by several threads, and `Pool::run` keeps it until none does.
unsafe impl Send for JobPointer {}

#[derive(Default)]
struct Pool {
    /// Held by the thread whose job it is.
    owner: Mutex<()>,
    slot: Mutex<Slot>,
    wake: Condvar,
    /// Counts jobs, so that threads see a new one without the lock.
    jobs: AtomicU64,
    /// How many threads work on the job of the slot, beside its owner.
    working: AtomicUsize,
}

impl Pool {
    fn get() -> &'static Pool {
        static POOL: OnceLock<&'static Pool> = OnceLock::new();
        POOL.get_or_init(|| {
            let pool: &'static Pool = Box::leak(Box::default());
            for i in 1..threads() {
                // Without this thread the others do its work.
                let _ = thread::Builder::new().name(format!("mlx-cpu-{i}")).spawn(|| pool.serve());
            }
            pool
        })
    }

    /// Runs a job on all threads; false, without doing anything, if they are busy.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
        let Ok(_owner) = self.owner.try_lock() else { return false };
        let job = Job { task, count, next: AtomicUsize::new(0), panic: Mutex::default() };
        let mut slot = lock(&self.slot);
        slot.job = Some(JobPointer((&raw const job).cast()));
        let asleep = slot.asleep > 0;
        self.jobs.fetch_add(1, Release);
        drop(slot);
        if asleep {
            self.wake.notify_all();
        }
        job.work();
        // Nobody joins from here on; those who did are waited for, and then `job` may go.
        lock(&self.slot).job = None;
        let mut turns = 0u32;
        while self.working.load(Acquire) > 0 {
            turns += 1;
            if turns.is_multiple_of(64) { thread::yield_now() } else { spin_loop() }
        }
        let panic = lock(&job.panic).take();
        match panic {
            Some(payload) => resume_unwind(payload),
            None => true,
        }
    }

    /// The life of a thread.
    fn serve(&self) {
        let mut seen = 0;
        loop {
            seen = self.wait_for_job(seen);
            let job = {
                let slot = lock(&self.slot);
                // Under the lock, so that the owner sees either no job taken or one at work.
                slot.job.inspect(|_| {
                    self.working.fetch_add(1, Relaxed);
                })
            };
            if let Some(JobPointer(job)) = job {
                // SAFETY: the owner waits with the job on its stack until `working` is 0 again.
                unsafe { &*job }.work();
                self.working.fetch_sub(1, Release);
            }
        }
    }

    /// Waits until the count of jobs is another than `seen`, and gives it.
    fn wait_for_job(&self, seen: u64) -> u64 {
        let begin = Instant::now();
        while begin.elapsed() < SPIN {
            for _ in 0..32 {
                let jobs = self.jobs.load(Acquire);
                if jobs != seen {
                    return jobs;
                }
                spin_loop();
            }
            thread::yield_now();
        }
        let mut slot = lock(&self.slot);
        loop {
            let jobs = self.jobs.load(Acquire);
            if jobs != seen {
                return jobs;
            }
            slot.asleep += 1;
            slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
            slot.asleep -= 1;
        }
    }
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_runs_once_from_many_threads_and_nested() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for count in [0, 1, 2, 7, 1000] {
                        let hits: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                        for_each(count, |i| {
                            hits[i].fetch_add(1, Relaxed);
                            for_each(3, |_| {
                                hits[i].fetch_add(1, Relaxed);
                            });
                        });
                        assert!(hits.iter().all(|hit| hit.load(Relaxed) == 4));
                    }
                });
            }
        });
    }

    #[test]
    fn parts_cover_the_data() {
        for (len, width, least) in [(0, 3, 1), (12, 3, 1), (12, 3, 100), (700, 7, 2)] {
            let mut data = vec![0; len];
            for_each_rows(&mut data, width, least, |row, part| {
                part.iter_mut().enumerate().for_each(|(i, x)| *x += row * width + i + 1);
            });
            assert!(data.iter().enumerate().all(|(i, &x)| x == i + 1));
        }
    }

    #[test]
    fn a_panic_arrives_and_the_pool_goes_on() {
        for _ in 0..20 {
            let caught = catch_unwind(|| for_each(100, |i| assert!(i != 50, "task 50")));
            let payload = caught.expect_err("a panic");
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"task 50"));
        }
        let sum = AtomicUsize::new(0);
        for_each(100, |i| {
            sum.fetch_add(i, Relaxed);
        });
        assert_eq!(sum.into_inner(), 4950);
    }
}
