//! Whose threads do the work. What must hold: results do not depend on their number.

use rayon::prelude::*;

/// Works on as many threads as were asked for; what is asked for inside without a number of its own shares them.
pub(crate) fn in_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> T {
    match threads.map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build()) {
        Some(Ok(pool)) => pool.install(work),
        // Without threads of its own, the work is done by those that all share.
        Some(Err(_)) | None => work(),
    }
}

/// Many short pieces of work at once, each too small to keep several threads busy; answers in the order of the items. Of several
/// problems the first is told, whichever was found first.
pub(crate) fn each<T: Sync, R: Send, E: Send>(items: &[T], work: impl Fn(&T) -> Result<R, E> + Send + Sync) -> Result<Vec<R>, E> {
    items.par_iter().map(work).collect::<Vec<_>>().into_iter().collect()
}
