//! What comes of reading a folder of applications: the applications, or what is wrong with its
//! files.

use std::fmt;
use std::path::PathBuf;

use crate::application::Applications;
use crate::trace::InputErrors;

/// Applications that were read from a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The applications, named together after the folder.
    pub applications: Applications,
    /// Every file that was read, in the order of the names, with its bytes.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// What is wrong with the files of a folder; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderErrors(Vec<InputErrors>);

impl FolderErrors {
    pub(super) fn new(files: Vec<InputErrors>) -> FolderErrors {
        assert!(!files.is_empty(), "a folder was refused without a problem");
        FolderErrors(files)
    }

    /// Returns the problems of each file that has some, in the order in which they were read.
    pub fn files(&self) -> &[InputErrors] {
        &self.0
    }
}

impl fmt::Display for FolderErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&files.join("\n"))
    }
}

impl std::error::Error for FolderErrors {}
