//! What the machine refuses a process: more files, more threads.

use std::error::Error;
use std::io;
use std::sync::Arc;

/// A limit of the machine or of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No further file or connection can be opened.
    Files,
    /// No further thread can be started.
    Threads,
}

impl Limit {
    /// The limit that an error, or what caused it, is about.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            // The journal's errors share theirs.
            let shared = error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
            if let Some(error) = error.downcast_ref::<io::Error>().or(shared) {
                if let Some(limit) = Self::of_io(error) {
                    return Some(limit);
                }
                // It does not name the error in it as its source.
                if let Some(inner) = error.get_ref()
                    && let Some(limit) = Self::of(inner)
                {
                    return Some(limit);
                }
            }
            next = error.source();
        }
        None
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        // EMFILE and ENFILE; on Windows the same for files and for sockets.
        const FILES: &[i32] = if cfg!(windows) {
            &[4, 10024]
        } else {
            &[24, 23]
        };
        if error
            .raw_os_error()
            .is_some_and(|code| FILES.contains(&code))
        {
            return Some(Self::Files);
        }
        // What reads and writes here waits; a thread is refused like this.
        (error.kind() == io::ErrorKind::WouldBlock).then_some(Self::Threads)
    }

    /// What to do about it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Files => {
                "this process may open too few files: raise the limit (`ulimit -n`; hrfeed needs some 40), then run the command again"
            }
            Self::Threads => {
                "this process may start too few threads: raise the limit of processes (`ulimit -u`, or that of the container) or of memory (`ulimit -v`), then run the command again"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it failed")]
    struct Failed(#[source] io::Error);

    #[test]
    fn a_limit_is_found_however_deep_it_is_in_an_error() {
        let files = || io::Error::from_raw_os_error(if cfg!(windows) { 4 } else { 24 });
        assert_eq!(Limit::of(&files()), Some(Limit::Files));
        assert_eq!(Limit::of(&Failed(files())), Some(Limit::Files));
        let wrapped = Failed(io::Error::other(Failed(files())));
        assert_eq!(Limit::of(&wrapped), Some(Limit::Files));
        let shared = io::Error::other(Arc::new(files()));
        assert_eq!(Limit::of(&Failed(shared)), Some(Limit::Files));
        let thread = io::Error::from(io::ErrorKind::WouldBlock);
        assert_eq!(Limit::of(&Failed(thread)), Some(Limit::Threads));
        let other = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(Limit::of(&Failed(other)), None);
    }
}
