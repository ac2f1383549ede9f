//! Reading: the file access that `topology` asks for, and standard input.
//!
//! What must hold: nothing is read before its size was seen, directories are told from files, and a pipe or device, whose size
//! nobody knows, is read up to the limit and no further.

use shockfront::topology::Files;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};

/// The largest text that is read from standard input or a device.
const UNSIZED_LIMIT: u64 = 512 << 20;

/// The disk, and `-` for standard input.
#[derive(Debug, Default)]
pub(crate) struct Disk;

impl Files for Disk {
    fn size(&self, path: &str) -> io::Result<u64> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() { Err(is_directory()) } else { Ok(metadata.len()) }
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(is_directory());
        }
        if metadata.is_file() {
            // A file that grows while it is read ends where it was when its size was seen.
            let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).min(1 << 30));
            file.take(metadata.len()).read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        limited(file)
    }

    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>> {
        if !fs::metadata(directory)?.is_dir() {
            return Ok(None);
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // A link counts as what it leads to; a broken one is left to the reader of the file, who says so.
            let is_directory = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_directory && !name.starts_with('.') {
                names.push(name);
            }
        }
        Ok(Some(names))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn BufRead + Send + '_>> {
        Ok(Box::new(BufReader::with_capacity(1 << 20, File::open(path)?)))
    }
}

/// All of standard input.
pub(crate) fn standard_input() -> io::Result<Vec<u8>> {
    limited(io::stdin().lock())
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(UNSIZED_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > UNSIZED_LIMIT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {} MB", UNSIZED_LIMIT >> 20)));
    }
    Ok(bytes)
}

fn is_directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_files_are_told_apart() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::write(path("a.yaml"), "abc").expect("written");
        fs::write(path(".hidden.yaml"), "x").expect("written");
        fs::create_dir(path("inner")).expect("made");
        assert_eq!(Disk.list(&path("")).expect("listed"), Some(vec!["a.yaml".to_owned()]));
        assert_eq!(Disk.list(&path("a.yaml")).expect("listed"), None);
        assert_eq!((Disk.size(&path("a.yaml")).expect("size"), Disk.read(&path("a.yaml")).expect("read")), (3, b"abc".to_vec()));
        assert!(Disk.size(&path("inner")).is_err() && Disk.read(&path("inner")).is_err() && Disk.list(&path("none")).is_err());
    }

    #[test]
    fn devices_end_at_the_limit() {
        assert!(limited(io::repeat(0)).is_err_and(|error| error.kind() == io::ErrorKind::FileTooLarge));
    }
}
