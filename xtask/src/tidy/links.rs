//! Relative links in the documents lead to files that exist.

use super::tree::Tree;
use super::{Finding, markdown};

/// Looks for links that lead nowhere. Links to the web are not followed.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.documents()
        .flat_map(|(path, text)| {
            markdown::prose(text).map(move |(index, line)| (path, index, line))
        })
        .flat_map(|(path, index, line)| {
            let line = markdown::without_code(line);
            let broken = targets(&line)
                .into_iter()
                .filter(|target| !leads_somewhere(tree, path, target));
            let message = |target| format!("the link to {target} leads nowhere");
            broken
                .map(|target| Finding::at(path, index, message(target)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The targets of `[text](target)` and of `[label]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let definition = line
        .starts_with('[')
        .then(|| line.split_once("]: "))
        .flatten();
    let all = inline.chain(definition.map(|(_, target)| target));
    // A title may follow the target.
    all.filter_map(|target| target.split_whitespace().next())
        .collect()
}

fn leads_somewhere(tree: &Tree, document: &str, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or(target);
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    elsewhere || file.is_empty() || resolve(document, file).is_some_and(|path| tree.contains(&path))
}

/// The path from the root of a link in `document`; `None` when it leaves the repository.
fn resolve(document: &str, target: &str) -> Option<String> {
    let mut folders: Vec<&str> = document.split('/').collect();
    folders.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                folders.pop()?;
            }
            _ => folders.push(part),
        }
    }
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{check, resolve, targets};
    use crate::tidy::samples::lines;
    use crate::tidy::tree::Tree;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let document = "\
[there](../README.md#top) and [here](spec/log.md \"the log\"), [web](https://example.org/x)
[gone](spec/gone.md), not `[code](gone.md)`
[out](../../etc/passwd) [top](#top)
[label]: spec/none.md
```
[fenced](gone.md)
```
";
        let tree = Tree::of(&[
            ("README.md", ""),
            ("docs/a.md", document),
            ("docs/spec/log.md", ""),
        ]);
        let expected = [
            "docs/a.md:2: the link to spec/gone.md leads nowhere",
            "docs/a.md:3: the link to ../../etc/passwd leads nowhere",
            "docs/a.md:4: the link to spec/none.md leads nowhere",
        ];
        assert_eq!(lines(&check(&tree)), expected);
    }

    #[test]
    fn targets_are_resolved_from_the_folder_of_the_document() {
        assert_eq!(
            resolve("docs/a.md", "./spec/").as_deref(),
            Some("docs/spec")
        );
        assert_eq!(resolve("docs/a.md", "..").as_deref(), Some(""));
        assert_eq!(resolve("README.md", "../x"), None);
    }

    #[test]
    fn several_links_may_share_a_line() {
        assert_eq!(targets("[a](b) [c](d e) f"), ["b", "d"]);
    }
}
