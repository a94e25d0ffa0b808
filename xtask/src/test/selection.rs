//! What a developer asked to run.

/// The packages and tests to run; empty means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Packages named with `-p`; none means the whole workspace.
    pub(crate) packages: Vec<String>,
    /// Filters and options for the test programs.
    pub(crate) arguments: Vec<String>,
}

impl Selection {
    /// Reads the words after `test`; `None` is wrong usage.
    pub(crate) fn parse(words: &[String]) -> Option<Self> {
        let mut selection = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-p" | "--package" => selection.packages.push(words.next()?.clone()),
                "--" => selection.arguments.extend(words.by_ref().cloned()),
                option if option.starts_with('-') => return None,
                _ => selection.arguments.push(word.clone()),
            }
        }
        Some(selection)
    }

    /// Whether nothing was left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.packages.is_empty() && self.arguments.is_empty()
    }

    /// Whether the developer asked to see what passing tests print.
    pub(crate) fn shows_output(&self) -> bool {
        let asks = |word: &String| word == "--nocapture" || word == "--show-output";
        self.arguments.iter().any(asks)
    }

    /// The packages, as arguments for cargo.
    pub(crate) fn cargo_arguments(&self) -> Vec<&str> {
        if self.packages.is_empty() {
            return vec!["--workspace"];
        }
        self.packages
            .iter()
            .flat_map(|package| ["--package", package])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Selection;

    fn parse(line: &str) -> Option<Selection> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Selection::parse(&words)
    }

    #[test]
    fn no_words_are_everything() {
        let selection = parse("").unwrap();
        assert!(selection.is_everything());
        assert_eq!(selection.cargo_arguments(), ["--workspace"]);
    }

    #[test]
    fn packages_and_filters_are_told_apart() {
        let selection = parse("-p breakglass-tlog inclusion -- --exact").unwrap();
        assert!(!selection.is_everything());
        assert_eq!(
            selection.cargo_arguments(),
            ["--package", "breakglass-tlog"]
        );
        assert_eq!(selection.arguments, ["inclusion", "--exact"]);
    }

    #[test]
    fn output_is_shown_to_those_who_ask() {
        assert!(parse("inclusion -- --nocapture").unwrap().shows_output());
        assert!(!parse("inclusion").unwrap().shows_output());
    }

    #[test]
    fn unknown_options_are_refused() {
        assert_eq!(parse("--exact"), None);
        assert_eq!(parse("-p"), None);
    }
}
