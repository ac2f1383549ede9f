//! Writing: results to standard output or to a file, whole or not at all, and progress to the terminal.
//!
//! A file is written under a temporary name beside its target and renamed. What must hold: when anything fails the old file is
//! there unchanged; a reader that closes the pipe early ends the program quietly.

use super::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs shorter than this show no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes a result to the file, or to standard output without one.
pub(crate) fn deliver(text: &str, file: Option<&Path>) -> Result<(), Failure> {
    deliver_with(file, |out| out.write_all(text.as_bytes()))
}

/// The same for a result that is written piece by piece.
pub(crate) fn deliver_with(file: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    match file {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            quiet_if_closed(write(&mut out).and_then(|()| out.flush()))
        }
        Some(path) => {
            write_file(path, write).map_err(|error| Failure::Output(format!("{} cannot be written: {error}", path.display())))
        }
    }
}

fn quiet_if_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Output(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes several files: none takes its place before all are complete.
pub(crate) fn write_files(files: &[(&Path, String)]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| Failure::Output(format!("{} cannot be written: {error}", path.display()));
    let mut staged = Vec::with_capacity(files.len());
    for (path, text) in files {
        let mut file = Staged::new(path).map_err(|error| failed(path, error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(|error| failed(path, error))?;
        staged.push((path, file));
    }
    staged.into_iter().try_for_each(|(path, file)| file.finish().map_err(|error| failed(path, error)))
}

/// Replaces a file as a whole. Pipes and devices, such as /dev/stdout, are written to directly.
pub(crate) fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut staged = Staged::new(path)?;
    write(&mut staged)?;
    staged.finish()
}

/// A file that is being written and takes its place when it is finished.
pub(crate) enum Staged {
    /// A pipe or a device: written to directly.
    Device(BufWriter<fs::File>),
    /// A temporary file, its target, and the target's permissions where it exists.
    File(BufWriter<tempfile::NamedTempFile>, PathBuf, Option<fs::Permissions>),
}

impl Staged {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        // A link stays a link: the file behind it is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let known = fs::metadata(&target).ok();
        if known.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        if known.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            return Ok(Self::Device(BufWriter::new(fs::OpenOptions::new().write(true).open(&target)?)));
        }
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let temporary = BufWriter::new(new_beside(parent.unwrap_or(Path::new(".")))?);
        Ok(Self::File(temporary, target, known.map(|metadata| metadata.permissions())))
    }

    /// Puts the file into its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        let (temporary, target, permissions) = match self {
            Self::Device(mut device) => {
                return match device.flush() {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    flushed => flushed,
                };
            }
            Self::File(temporary, target, permissions) => (temporary, target, permissions),
        };
        let temporary = temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        if let Some(permissions) = permissions {
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary.persist(&target).map(drop).map_err(|error| error.error)
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // A reader that has gone wants no more.
            Self::Device(device) => match device.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                written => written,
            },
            Self::File(temporary, ..) => temporary.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Device(device) => device.flush(),
            Self::File(temporary, ..) => temporary.flush(),
        }
    }
}

/// A temporary file with the permissions of a normal one; the user's mask applies.
fn new_beside(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".shockfront-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// A bar on standard error, shown only on a terminal and once a run takes long.
pub(crate) struct Progress {
    bar: ProgressBar,
    start: Instant,
    is_wanted: bool,
}

impl Progress {
    /// For so many trials.
    pub(crate) fn new(trials: u64, is_quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(trials), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} trials, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, start: Instant::now(), is_wanted: !is_quiet && io::stderr().is_terminal() }
    }

    /// So many more trials are done. A second look at the same simulation starts again.
    pub(crate) fn add(&self, trials: u64) {
        if !self.is_wanted || self.start.elapsed() < PATIENCE {
            self.bar.inc(trials);
            return;
        }
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if self.bar.length().is_some_and(|length| self.bar.position() + trials > length) {
            self.bar.set_position(0);
        }
        self.bar.inc(trials);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_text(path: &Path, text: &str) -> io::Result<()> {
        write_file(path, |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn files_are_replaced_whole_and_keep_their_permissions() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("result.json");
        write_text(&path, "one").expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            let plain = directory.path().join("plain");
            fs::write(&plain, "").expect("written");
            assert_eq!(mode(&path), mode(&plain));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&path, &link).expect("linked");
            write_text(&link, "two").expect("written");
            assert_eq!((mode(&path), fs::read(&path).expect("read")), (0o640, b"two".to_vec()));
            assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        }
        assert!(write_text(directory.path(), "x").is_err());
        assert!(write_text(&directory.path().join("no/such/place"), "x").is_err());
        assert!(
            fs::read_dir(directory.path()).expect("listed").all(|entry| !entry
                .expect("entry")
                .path()
                .display()
                .to_string()
                .ends_with(".tmp"))
        );
    }

    #[test]
    fn a_closed_pipe_is_quiet() {
        assert!(quiet_if_closed(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(quiet_if_closed(Err(io::ErrorKind::StorageFull.into())).is_err_and(|failure| failure.code() == 3));
    }
}
