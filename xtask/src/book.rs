//! `cargo xtask book`: the pages of `docs/` as a book, in `target/book`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{process, ringback, setup};

/// What the pages link to outside of `docs/`; it is put beside them.
const AROUND: [&str; 4] = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md"];

/// Builds it; where its first page is.
///
/// # Errors
/// Where it cannot be built, or a page that is named is missing.
pub fn build() -> Result<std::path::PathBuf> {
    let book = ringback::target().join("book");
    let mut mdbook = Command::new(setup::mdbook()?);
    mdbook.arg("build").arg("--dest-dir").arg(&book).arg(crate::root());
    process::run("mdbook", mdbook, None, |_| ())?;
    put_beside(&crate::root().join("deploy"), &book.join("files/deploy"))?;
    for name in AROUND {
        fs::copy(crate::root().join(name), book.join("files").join(name)).context(name)?;
    }
    for entry in fs::read_dir(&book)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "html") {
            lead_inside(&path)?;
        }
    }
    Ok(book.join("index.html"))
}

fn put_beside(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            put_beside(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Links to the rest of the repository lead to its copy. Those to pages end in `.html` by now, whether they became one or not.
fn lead_inside(page: &Path) -> Result<()> {
    let text = fs::read_to_string(page)?;
    let mut parts = text.split("href=\"../");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (target, rest) = part.split_once('"').context("a link without an end")?;
        let (file, anchor) =
            target.split_once('#').map_or((target, String::new()), |(file, anchor)| (file, format!("#{anchor}")));
        let file = file.strip_suffix(".html").map_or_else(|| file.to_owned(), |page| format!("{page}.md"));
        let there = page.with_file_name("files").join(&file);
        ensure!(there.is_file(), "{}: {target} leads to {}, which is not there", page.display(), there.display());
        whole.extend(["href=\"files/", &file, &anchor, "\"", rest]);
    }
    Ok(fs::write(page, whole)?)
}
