//! A changed file, whoever reported it: a diff text or `git diff --raw`.
//!
//! What happened to the file and what it holds are separate questions: a binary can be added, a submodule can be deleted.
//! What must hold: at least one of the two paths is present.

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content changed.
    Modified,
    /// It moved, with or without edits.
    Renamed,
    /// It was copied from another file that stays as it was.
    Copied,
    /// Only its permissions changed.
    ModeOnly,
    /// It became another kind of thing, such as a symbolic link.
    TypeChanged,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Lines, which are counted.
    Text,
    /// Bytes: its size in lines is not known, the counts are 0.
    Binary,
    /// A pointer to a commit of another repository: what changed inside it is not known.
    Submodule,
}

/// Lines of the new side of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineRange {
    /// First line, from 1; 0 in a file that became empty.
    pub first: u64,
    /// How many lines; 0 where lines were only deleted.
    pub count: u64,
}

/// Changed lines of a file with the same names around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPart {
    /// Types and the function around the lines, the outermost first; empty where they lie outside or nobody knows.
    pub names: Vec<String>,
    /// How many lines.
    pub lines: u64,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Where it was, absent when added.
    pub old_path: Option<String>,
    /// Where it is now, absent when deleted.
    pub new_path: Option<String>,
    /// What happened.
    pub status: Status,
    /// What it holds.
    pub content: Content,
    /// Lines added.
    pub added: u64,
    /// Lines deleted.
    pub deleted: u64,
    /// The hunks on the new side, context included; empty where only counts are known.
    pub hunks: Vec<LineRange>,
    /// The changed lines by the definitions they lie in; empty where only counts are known.
    pub parts: Vec<ChangedPart>,
}

impl ChangedFile {
    /// The name for people: the new path, or the old one of a deleted file.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// The paths that the change touches: both ends of a rename, but not the source of a copy, which stays as it was.
    pub fn touched_paths(&self) -> impl Iterator<Item = &str> {
        let old = self.old_path.as_deref().filter(|_| self.status != Status::Copied);
        let old = old.filter(|old| self.new_path.as_deref() != Some(old));
        old.into_iter().chain(self.new_path.as_deref())
    }

    /// Lines added and deleted.
    pub fn lines(&self) -> u64 {
        self.added.saturating_add(self.deleted)
    }
}

/// Does the name end as those of files that hold no lines?
pub fn is_binary_by_name(path: &str) -> bool {
    const ENDINGS: &str = " 7z avi bin bmp bz2 class dll doc docx dylib eot exe flac gif gz ico jar jpeg jpg lz4 mkv mov mp3 mp4 \
                           npy npz o ogg onnx otf parquet pb pdf png pptx pt pyc safetensors so sqlite tar tgz tif tiff ttf wasm \
                           wav webm webp woff woff2 xls xlsx xz zip zst ";
    let ending = path.rsplit_once('.').map(|(_, ending)| format!(" {} ", ending.to_ascii_lowercase()));
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
