//! One file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::OutputError;
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
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    /// To a temporary file beside the target.
    Beside(NamedTempFile),
    /// To the target, which is not a regular file, such as a pipe or `/dev/stdout`: it has no place
    /// beside it and cannot be renamed.
    Direct(File),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Beside(file) => file.write(bytes),
            Sink::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Beside(file) => file.flush(),
            Sink::Direct(file) => file.flush(),
        }
    }
}

impl StagedFile {
    /// Begins a file: creates a temporary one beside it.
    ///
    /// # Errors
    ///
    /// If `path` is a directory, or nothing can be written beside it.
    pub fn begin(path: &Path) -> Result<StagedFile, OutputError> {
        if path.is_dir() {
            return Err(OutputError::new(path, "is a directory; give a file"));
        }
        let failed = |why: io::Error| OutputError::io(path, "be written", &why);
        if path.exists() && !path.is_file() {
            let file = File::options().write(true).open(path).map_err(failed)?;
            let to = BufWriter::new(Sink::Direct(file));
            return Ok(StagedFile { path: path.to_owned(), target: path.to_owned(), to, entry: None });
        }
        // A link stays a link: the file that it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            return Err(OutputError::new(
                path,
                format!("there is no directory `{}`; make it first", parent.display()),
            ));
        }
        let mut all = unfinished::lock();
        let file = temporary(parent).map_err(failed)?;
        let entry = Some(RegistryEntry::new(&mut all, file.path(), Undo::new(file.path(), &[])));
        Ok(StagedFile { path: path.to_owned(), target, to: BufWriter::new(Sink::Beside(file)), entry })
    }

    /// Turns the error of a writer into one of this file.
    pub fn failed(&self, why: &io::Error) -> OutputError {
        OutputError::io(&self.path, "be written", why)
    }

    /// Gives the file its name, in the place of an earlier one.
    ///
    /// # Errors
    ///
    /// If its last bytes cannot be written, or it cannot be renamed.
    pub fn publish(mut self) -> Result<(), OutputError> {
        self.to.flush().map_err(|why| self.failed(&why))?;
        // The entry takes the lock when it is dropped: first bound, it is dropped last.
        let StagedFile { path, target, to, entry: _entry } = self;
        let failed = |why: &io::Error| OutputError::io(&path, "be written", why);
        let _all = unfinished::lock();
        match to.into_inner().map_err(|why| failed(why.error()))? {
            Sink::Beside(file) => file.persist(&target).map(|_| ()).map_err(|why| failed(&why.error)),
            Sink::Direct(_) => Ok(()),
        }
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
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
