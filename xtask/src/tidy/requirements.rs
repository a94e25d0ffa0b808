//! `docs/requirements.md` names, clause by clause, the tests that show it, `docs/attacks.md` attack
//! by attack those that try it: `` `crate::test_fn` ``.

use super::tree::Tree;
use super::{Finding, markdown};
use crate::cargo::Workspace;

const DOCUMENTS: [&str; 2] = ["docs/requirements.md", "docs/attacks.md"];

/// Looks for named tests that do not exist.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let each = DOCUMENTS.iter();
    each.flat_map(|document| check_one(workspace, tree, document))
        .collect()
}

fn check_one(workspace: &Workspace, tree: &Tree, document: &'static str) -> Vec<Finding> {
    let Some(text) = tree.text(document) else {
        return vec![Finding::new(document, "is missing")];
    };
    let names: Vec<&str> = workspace
        .packages
        .iter()
        .map(|package| &*package.name)
        .collect();
    let spans = markdown::prose(text)
        .flat_map(|(index, line)| markdown::code_spans(line).map(move |span| (index, span)));
    let tests: Vec<(usize, &str)> = spans
        .filter(|(_, span)| names_a_test(span, &names))
        .collect();
    if tests.is_empty() {
        return vec![Finding::new(document, "names no test")];
    }
    tests
        .into_iter()
        .filter(|(_, test)| !exists(workspace, tree, test))
        .map(|(index, test)| Finding::at(document, index, format!("there is no test {test}")))
        .collect()
}

/// Whether a code span means a test: a path that begins with a crate, ours or named like ours.
fn names_a_test(span: &str, names: &[&str]) -> bool {
    span.split_once("::")
        .is_some_and(|(name, _)| names.contains(&name) || name.starts_with("breakglass"))
}

/// Whether the crate before the first `::` has a function with the name behind it.
fn exists(workspace: &Workspace, tree: &Tree, test: &str) -> bool {
    let Some((name, function)) = test.split_once("::") else {
        return false;
    };
    let Some(package) = workspace
        .packages
        .iter()
        .find(|package| package.name == name)
    else {
        return false;
    };
    let folder = package
        .folder()
        .strip_prefix(&workspace.root)
        .unwrap_or(package.folder());
    let folder = format!("{}/", folder.to_string_lossy());
    let heads = [format!("fn {function}("), format!("fn {function}<")];
    tree.rust()
        .filter(|(path, _)| path.starts_with(&folder))
        .any(|(_, text)| heads.iter().any(|head| text.contains(head)))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::{lines, package, workspace};
    use crate::tidy::tree::Tree;

    const SOURCE: (&str, &str) = (
        "crates/breakglass-tlog/tests/it/proof.rs",
        "#[test]\nfn inclusion_holds() {}\n",
    );

    fn found(document: &str) -> Vec<String> {
        let attacks = ("docs/attacks.md", "`breakglass-tlog::inclusion_holds`\n");
        let tree = Tree::of(&[SOURCE, ("docs/requirements.md", document), attacks]);
        let packages = vec![package("breakglass-tlog", &[]), package("breakglass", &[])];
        lines(&check(&workspace(packages), &tree))
    }

    #[test]
    fn a_test_that_exists_is_fine() {
        let document = "| 1 | `sha2::Sha256`, `INC-7` | `breakglass-tlog::inclusion_holds` |\n";
        assert!(found(document).is_empty());
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        let document = "# Table\n| 1 | `breakglass-tlog::inclusion` |\n";
        let expected = "docs/requirements.md:2: there is no test breakglass-tlog::inclusion";
        assert_eq!(found(document), [expected]);
    }

    #[test]
    fn a_test_belongs_to_its_crate_and_is_named_without_modules() {
        for test in [
            "breakglass::inclusion_holds",
            "breakglass-tlog::proof::inclusion_holds",
            "breakglass-log::inclusion_holds",
        ] {
            assert_eq!(found(&format!("`{test}`")).len(), 1, "{test}");
        }
    }

    #[test]
    fn the_document_must_exist_and_name_tests() {
        let missing = check(&workspace(Vec::new()), &Tree::of(&[]));
        assert_eq!(
            lines(&missing),
            [
                "docs/requirements.md: is missing",
                "docs/attacks.md: is missing"
            ]
        );
        assert_eq!(
            found("# Requirements\n"),
            ["docs/requirements.md: names no test"]
        );
    }
}
