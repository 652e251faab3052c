//! The corpus of a target: small files that reach all that was ever reached.

use std::fs;
use std::path::{Path, PathBuf};

use super::libfuzzer::Fuzzer;

/// Inputs that libFuzzer has named. More: it chooses anew from all of them, and the largest go.
/// Those with a name of their own, which once broke something, always stay.
const KEPT_MAX: usize = 150;

#[derive(Debug)]
pub(crate) struct Corpus {
    dir: PathBuf,
}

impl Corpus {
    pub(crate) fn new(dir: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&dir).map_err(|error| at(&dir, &error))?;
        Ok(Self { dir })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes a file in, and says where it is.
    pub(crate) fn keep(&self, file: &Path, name: &str) -> Result<PathBuf, String> {
        let kept = self.dir.join(name);
        fs::copy(file, &kept).map_err(|error| at(file, &error))?;
        Ok(kept)
    }

    /// Takes in what reaches something new.
    pub(crate) fn grow(
        &self,
        fuzzer: &Fuzzer,
        target: &str,
        found: &Path,
        scratch: &Path,
    ) -> Result<(), String> {
        fuzzer.merge(target, &self.dir, &[found])?;
        let drawn: Vec<String> =
            names_in(&self.dir)?.into_iter().filter(|it| is_hash(it)).collect();
        if drawn.len() <= KEPT_MAX {
            return Ok(());
        }
        empty(scratch)?;
        fuzzer.merge(target, scratch, &[&self.dir, found])?;
        let chosen = smallest(scratch, KEPT_MAX)?;
        for name in drawn {
            let file = self.dir.join(name);
            fs::remove_file(&file).map_err(|error| at(&file, &error))?;
        }
        chosen.iter().try_for_each(|name| self.keep(&scratch.join(name), name).map(drop))
    }
}

/// A directory without what was in it.
pub(crate) fn empty(dir: &Path) -> Result<(), String> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(|error| at(dir, &error))?;
    }
    fs::create_dir_all(dir).map_err(|error| at(dir, &error))
}

/// The names of the smallest files.
fn smallest(dir: &Path, max: usize) -> Result<Vec<String>, String> {
    let mut names = names_in(dir)?;
    names.sort_by_cached_key(|name| fs::metadata(dir.join(name)).map_or(0, |file| file.len()));
    names.truncate(max);
    Ok(names)
}

/// Whether libFuzzer has named a file, by its SHA-1.
fn is_hash(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The names of the files in a directory, in their order.
pub(crate) fn names_in(dir: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for file in fs::read_dir(dir).map_err(|error| at(dir, &error))? {
        let name = file.map_err(|error| at(dir, &error))?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn at(place: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", place.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_smallest_files_stay_and_names_of_their_own_are_told_apart() {
        let scratch = Scratch::new("corpus");
        for (name, text) in [("a", "333"), ("b", "1"), ("c", "22")] {
            scratch.write(name, text);
        }
        assert_eq!(smallest(scratch.path(), 2), Ok(vec!["b".to_owned(), "c".to_owned()]));
        assert_eq!(names_in(scratch.path()).map(|names| names.len()), Ok(3));
        assert!(is_hash("0476f0667a52408f717a087bbd3b766ac65afe82"));
        assert!(
            !is_hash("a-total-beyond-its-limit") && !is_hash("crash-0476f0667a52408f717a087bb")
        );
    }

    #[test]
    fn a_directory_is_emptied_whether_it_is_there_or_not() {
        let scratch = Scratch::new("corpus-empty");
        scratch.write("crashes/bot/crash-1", "!");
        for name in ["crashes/bot", "crashes/shard"] {
            let dir = scratch.path().join(name);
            assert_eq!(empty(&dir).and_then(|()| names_in(&dir)), Ok(Vec::new()), "{name}");
        }
    }

    #[test]
    fn a_kept_file_is_where_it_says() {
        let scratch = Scratch::new("corpus-kept");
        scratch.write("crash-1", "!");
        let corpus = Corpus::new(scratch.path().join("bot")).expect("it can be made");
        let kept = corpus.keep(&scratch.path().join("crash-1"), "crash-1").expect("it is there");
        assert_eq!(fs::read_to_string(kept).expect("it was kept"), "!");
        assert_eq!(names_in(corpus.dir()), Ok(vec!["crash-1".to_owned()]));
    }
}
