//! One file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::trace::file::is_stream;

use super::error::OutputError;
use super::lock::TargetLock;
use super::sync::sync_names;
use super::unfinished::{self, RegistryEntry, Undo};

/// A file in the making. If it is not published it disappears, and a file of that name stays as it
/// was.
#[derive(Debug)]
pub struct StagedFile {
    /// The path as the user named it.
    path: PathBuf,
    /// Where the path leads.
    target: PathBuf,
    to: BufWriter<Sink>,
    /// `None` for what is written directly, and so not removed.
    entry: Option<RegistryEntry>,
    /// Keeps others from writing to the target; `None` as before.
    lock: Option<TargetLock>,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    /// To a temporary file beside the target.
    Beside(NamedTempFile),
    /// To the target, which is not a regular file, such as a pipe or `/dev/stdout`: it has no place
    /// beside it and cannot be renamed.
    Direct(File),
    /// To stdout.
    Stdout(io::Stdout),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Beside(file) => file.write(bytes),
            Sink::Direct(file) => file.write(bytes),
            Sink::Stdout(stdout) => match stdout.write(bytes) {
                // The reader has seen enough.
                Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                written => written,
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Beside(file) => file.flush(),
            Sink::Direct(file) => file.flush(),
            Sink::Stdout(stdout) => match stdout.flush() {
                Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                flushed => flushed,
            },
        }
    }
}

impl StagedFile {
    /// Begins a file: takes its lock, and creates a temporary one beside it. `-` is stdout.
    ///
    /// # Errors
    ///
    /// If `path` is a directory, another process writes to it, or nothing can be written beside it.
    pub fn begin(path: &Path) -> Result<StagedFile, OutputError> {
        if is_stream(path) {
            return Ok(StagedFile::direct(path, Sink::Stdout(io::stdout())));
        }
        if path.is_dir() {
            return Err(OutputError::new(path, "is a directory; give a file"));
        }
        let failed = |why: io::Error| OutputError::io(path, "be written", &why);
        if path.exists() && !path.is_file() {
            let file = File::options().write(true).open(path).map_err(failed)?;
            return Ok(StagedFile::direct(path, Sink::Direct(file)));
        }
        // A link stays a link: the file that it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let parent = parent_of(&target);
        if !parent.is_dir() {
            return Err(OutputError::new(
                path,
                format!("there is no directory `{}`; make it first", parent.display()),
            ));
        }
        let mut all = unfinished::lock();
        let lock = TargetLock::take(&target)?;
        let file = temporary(parent).map_err(failed)?;
        let undo = Undo::new(file.path(), Some(lock.path()), &[]);
        let entry = Some(RegistryEntry::new(&mut all, file.path(), undo));
        let (path, to) = (path.to_owned(), BufWriter::new(Sink::Beside(file)));
        Ok(StagedFile { path, target, to, entry, lock: Some(lock) })
    }

    /// Begins what is written directly.
    fn direct(path: &Path, sink: Sink) -> StagedFile {
        let (path, to) = (path.to_owned(), BufWriter::new(sink));
        StagedFile { target: path.clone(), path, to, entry: None, lock: None }
    }

    /// Turns the error of a writer into one of this file.
    pub fn failed(&self, why: &io::Error) -> OutputError {
        OutputError::io(&self.path, "be written", why)
    }

    /// Forces the file onto the disk and gives it its name, in the place of an earlier one.
    ///
    /// # Errors
    ///
    /// If its last bytes cannot be written, or it cannot be renamed.
    pub fn publish(mut self) -> Result<(), OutputError> {
        self.to.flush().map_err(|why| self.failed(&why))?;
        // The entry takes the lock when it is dropped: first bound, it is dropped last.
        let StagedFile { path, target, to, entry: _entry, lock: _lock } = self;
        let failed = |why: &io::Error| OutputError::io(&path, "be written", why);
        let _all = unfinished::lock();
        match to.into_inner().map_err(|why| failed(why.error()))? {
            Sink::Beside(file) => {
                file.as_file().sync_all().map_err(|why| failed(&why))?;
                file.persist(&target).map_err(|why| failed(&why.error))?;
                sync_names(parent_of(&target));
                Ok(())
            }
            Sink::Direct(_) | Sink::Stdout(_) => Ok(()),
        }
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes).map_err(|why| self.failed(&why).to_io(why.kind()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().map_err(|why| self.failed(&why).to_io(why.kind()))
    }
}

/// Returns the directory that a file is in.
fn parent_of(target: &Path) -> &Path {
    target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a hidden temporary file in `parent`.
fn temporary(parent: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".partial");
    #[cfg(unix)]
    {
        // The file becomes the result: the umask of the user decides its permissions.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(parent)
}

/// Writes one file, whole or not at all. An earlier file of that name is replaced.
///
/// # Errors
///
/// If nothing can be written beside it, or it cannot be replaced.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let mut file = StagedFile::begin(path)?;
    file.write_all(bytes).map_err(|why| file.failed(&why))?;
    file.publish()
}
