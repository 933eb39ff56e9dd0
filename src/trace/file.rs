//! Reads the bytes of an input file, through gzip where it is compressed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::trace::problem::Problem;

/// The first bytes of every gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// The most bytes that are read, after decompression: far more than any trace has, and fewer than
/// would exhaust the memory.
const SIZE_LIMIT: u64 = 4 << 30;

/// Returns whether a path is `-`, which stands for stdin where a file is read, and for stdout where
/// one is written. A file of that name is `./-`.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the file at `path`, and decompresses it if it begins as gzip does.
///
/// # Errors
///
/// If the file cannot be read, is named `.gz` and is not gzip, is damaged, or is larger than 4 GiB.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    unpack(path, read_raw(path)?)
}

/// Reads the bytes of the file at `path` as they are; `-` is stdin.
///
/// # Errors
///
/// If the file cannot be read or is larger than 4 GiB.
pub(crate) fn read_raw(path: &Path) -> Result<Vec<u8>, Problem> {
    if is_stream(path) {
        return limited(io::stdin().lock()).map_err(|error| unreadable(&error));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(Problem::file("is a directory; give a file"));
    }
    limited(file).map_err(|error| unreadable(&error))
}

/// Decompresses the bytes of the file at `path` if they begin as gzip does.
///
/// # Errors
///
/// If the file is named `.gz` and is not gzip, is damaged, or holds more than 4 GiB.
pub(crate) fn unpack(path: &Path, raw: Vec<u8>) -> Result<Vec<u8>, Problem> {
    if raw.starts_with(GZIP) {
        limited(MultiGzDecoder::new(raw.as_slice())).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Problem::file("is gzip data that ends early; copy or download the file again")
            }
            io::ErrorKind::FileTooLarge => unreadable(&error),
            _ => Problem::file(format!("is damaged gzip data ({error}); copy or download the file again")),
        })
    } else if path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("gz")) {
        Err(Problem::file("is named .gz and is not gzip data; compress it or rename it"))
    } else {
        Ok(raw)
    }
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::file(match error.kind() {
        io::ErrorKind::NotFound => "does not exist; check the path".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read; check its permissions".to_owned(),
        io::ErrorKind::FileTooLarge => "is larger than 4 GiB; split it".to_owned(),
        _ => format!("cannot be read: {error}"),
    })
}
