//! One file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::OutputError;
use super::directory::Undo;
use super::unfinished::{self, Noted};

/// A file in the making. What is not published disappears with it; a file that is there is replaced
/// only then.
#[derive(Debug)]
pub struct StagedFile {
    /// As its user named it.
    path: PathBuf,
    target: PathBuf,
    to: BufWriter<Sink>,
    /// For a program that ends without unwinding.
    noted: Option<Noted>,
}

#[derive(Debug)]
enum Sink {
    /// Beside the target.
    Beside(NamedTempFile),
    /// What is no file, such as a pipe or /dev/stdout, has no place beside it and cannot be
    /// renamed.
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
    /// Begins a file: a temporary one beside it.
    ///
    /// # Errors
    ///
    /// If it is a directory, or nothing can be written beside it.
    pub fn begin(path: &Path) -> Result<StagedFile, OutputError> {
        if path.is_dir() {
            return Err(OutputError::new(path, "is a directory; give a file"));
        }
        let failed = |why: &io::Error| OutputError::io(path, "be written", why);
        if path.exists() && !path.is_file() {
            let file = File::options().write(true).open(path).map_err(|why| failed(&why))?;
            let to = BufWriter::new(Sink::Direct(file));
            return Ok(StagedFile { path: path.to_owned(), target: path.to_owned(), to, noted: None });
        }
        // A link stays a link: it is its target that is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            return Err(OutputError::new(
                path,
                format!("there is no directory `{}`; make it first", parent.display()),
            ));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".partial");
        #[cfg(unix)]
        {
            // It becomes the result: as open to others as the user's umask lets a new file be.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut all = unfinished::lock();
        let file = builder.tempfile_in(parent).map_err(|why| failed(&why))?;
        let noted = Some(Noted::new(&mut all, file.path(), Undo::file(file.path())));
        Ok(StagedFile { path: path.to_owned(), target, to: BufWriter::new(Sink::Beside(file)), noted })
    }

    /// An error of a writer, told as this file's.
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
        // What was noted is forgotten last, when nobody holds the lock any more.
        let StagedFile { path, target, to, noted: _noted } = self;
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

/// Writes one file, whole or not at all. A file that is there is replaced.
///
/// # Errors
///
/// If nothing can be written beside it, or it cannot be replaced.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let mut file = StagedFile::begin(path)?;
    file.write_all(bytes).map_err(|why| file.failed(&why))?;
    file.publish()
}
