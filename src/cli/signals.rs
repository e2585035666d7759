//! Ctrl-C, SIGTERM and a hang-up.

#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::mpsc;

#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

use super::exit::Exit;
#[cfg(target_os = "linux")]
use crate::files;
use crate::upload::Stop;

/// Catches signals from now on: the first asks the run to stop, the second
/// ends the process at once, which is as safe as a crash. A file that would grow beyond
/// a limit of the process is an error, as on a full disk, and no signal.
pub(super) fn catch() -> Stop {
    let stop = Stop::default();
    let asked = stop.clone();
    let (caught, is_caught) = mpsc::channel();
    let watch = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::caught() else {
                // Signals cannot be caught here: they end the process as usual.
                return;
            };
            // A reader of the line that says that the run waits can stop it from then on.
            let _is_awaited = caught.send(());
            signals.next().await;
            asked.request();
            signals.next().await;
            #[expect(clippy::exit, reason = "the second signal means now")]
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
    };
    // Without the thread a signal ends the process as usual.
    let _thread = std::thread::Builder::new()
        .name("signals".into())
        .spawn(watch);
    let _cannot_be_caught = is_caught.recv();
    stop
}

/// What asks a process to end. Once caught, it stays caught.
#[cfg(unix)]
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Nothing where the process is to outlive it.
    hang_up: Option<unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn caught() -> std::io::Result<Self> {
        use rustix::process::Signal;
        use unix::{SignalKind, signal};
        drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw())));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if hang_up_is_ignored() {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether the one who started hrfeed wants it to outlive a hang-up, as `nohup` does:
/// catching the signal would undo that.
#[cfg(target_os = "linux")]
fn hang_up_is_ignored() -> bool {
    const HANG_UP: u32 = 1;
    let Ok((status, _)) = files::read_text(Path::new("/proc/self/status"), 1 << 20) else {
        return true;
    };
    let ignored = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & (1 << (HANG_UP - 1)) != 0)
}

/// Other systems do not say. There a hang-up ends the process, unless it is ignored:
/// that is as safe as a crash.
#[cfg(all(unix, not(target_os = "linux")))]
fn hang_up_is_ignored() -> bool {
    true
}

/// What asks a process to end. Once caught, it stays caught.
#[cfg(windows)]
struct Signals {
    interrupt: windows::CtrlC,
    stop: windows::CtrlBreak,
    close: windows::CtrlClose,
    shutdown: windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn caught() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: windows::ctrl_c()?,
            stop: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
