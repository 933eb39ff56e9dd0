//! Which paths a command may write to: no output replaces an input, nor a file that is not meant.

use std::fs;
use std::path::{Path, PathBuf};

use crate::trace::file::is_stream;

use super::error::OutputError;

/// How deep below a directory that is read files are compared with outputs.
const DEPTH: u32 = 3;

/// The files and directories that a command reads. Its outputs are checked against them before
/// anything is run.
#[derive(Debug, Default)]
pub struct OutputGuard {
    /// Each file, by what identifies it under any of its names, and its name.
    files: Vec<(Identity, PathBuf)>,
    /// What each input leads to, and its name.
    places: Vec<(PathBuf, PathBuf)>,
}

impl OutputGuard {
    /// Returns a guard of these inputs. An input that does not exist is none.
    ///
    /// # Errors
    ///
    /// If two of them are stdin.
    pub fn new(inputs: impl IntoIterator<Item = PathBuf>) -> Result<OutputGuard, OutputError> {
        let mut guard = OutputGuard::default();
        let mut streams = 0;
        for path in inputs {
            if is_stream(&path) {
                streams += 1;
                if streams > 1 {
                    let what = "is stdin, which can be read once; give a file in place of one of the two";
                    return Err(OutputError::new(&path, what));
                }
            } else if let Ok(place) = fs::canonicalize(&path) {
                guard.add_files(&place, &path, DEPTH);
                guard.places.push((place, path));
            }
        }
        Ok(guard)
    }

    /// Adds a file, or the files of a directory.
    fn add_files(&mut self, place: &Path, name: &Path, depth: u32) {
        if !place.is_dir() {
            self.files.extend(identity(place).map(|identity| (identity, name.to_owned())));
        } else if depth > 0 {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                self.add_files(&entry.path(), name, depth - 1);
            }
        }
    }

    /// Checks that a file may be written. One that exists is replaced only with `force`; what is
    /// not a regular file, such as a pipe, is written to and loses nothing.
    ///
    /// # Errors
    ///
    /// If it is an input or lies in one, or exists and `force` is not set.
    pub fn check_file(&self, path: &Path, force: bool) -> Result<(), OutputError> {
        self.check_not_input(path)?;
        if !force && !is_stream(path) && path.is_file() {
            return Err(OutputError::new(path, "exists; give another name, or replace it with --force"));
        }
        Ok(())
    }

    /// Checks that a file is not an input, whatever name it goes by, and does not lie in one.
    ///
    /// # Errors
    ///
    /// If it is, or does.
    pub fn check_not_input(&self, path: &Path) -> Result<(), OutputError> {
        if is_stream(path) || (path.exists() && !path.is_file() && !path.is_dir()) {
            return Ok(());
        }
        if let Some(found) = identity(path)
            && let Some((_, input)) = self.files.iter().find(|(identity, _)| *identity == found)
        {
            return refuse(path, "is read by this command", input);
        }
        let place = place(path);
        match self.places.iter().find(|(input, _)| place.starts_with(input)) {
            Some((_, input)) => refuse(path, "lies in what is read by this command", input),
            None => Ok(()),
        }
    }

    /// Checks that a directory may be written: that it is no input, lies in none and holds none.
    ///
    /// # Errors
    ///
    /// If it is, does, or is `-`, since a directory cannot be written to stdout.
    pub fn check_directory(&self, path: &Path) -> Result<(), OutputError> {
        if is_stream(path) {
            return Err(OutputError::new(path, "is stdout, which cannot hold a directory; name one"));
        }
        self.check_not_input(path)?;
        let place = place(path);
        match self.places.iter().find(|(input, _)| input.starts_with(&place)) {
            Some((_, input)) => refuse(path, "holds what is read by this command", input),
            None => Ok(()),
        }
    }
}

fn refuse(path: &Path, what: &str, input: &Path) -> Result<(), OutputError> {
    let input = if input == path { String::new() } else { format!(" (`{}`)", input.display()) };
    Err(OutputError::new(path, format!("{what}{input} and would be lost; give another name")))
}

/// Returns where a path leads; what does not exist lies where its parent leads.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = fs::canonicalize(path) {
        return place;
    }
    let parent =
        path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    match (parent, path.file_name()) {
        (Some(parent), Some(name)) if parent != path => place(parent).join(name),
        _ => path.to_owned(),
    }
}

/// What identifies a file: it is the same under each of its names.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::canonicalize(path).ok().filter(|path| path.is_file())
}
