//! `siem.jsonl`, line by line, beside the one that is there: it may be longer than everything else
//! together, so it is made only from where that is another one.

/// The file on its way.
pub(super) struct Siem<'a> {
    there: &'a [u8],
    /// Bytes of `there` that are as they must be.
    same: usize,
    /// The file itself, once it is not `there`.
    made: Option<Vec<u8>>,
}

impl<'a> Siem<'a> {
    /// Beside a file that is there; empty where there is none.
    pub(super) const fn beside(there: &'a [u8]) -> Self {
        Self {
            there,
            same: 0,
            made: None,
        }
    }

    /// The next line.
    pub(super) fn push(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        if let Some(made) = &mut self.made {
            made.extend(line);
            return;
        }
        let (before, rest) = self.there.split_at(self.same.min(self.there.len()));
        if rest.starts_with(&line) {
            self.same += line.len();
        } else {
            self.made = Some([before, &line].concat());
        }
    }

    /// The whole file, where it is not the one that is there.
    pub(super) fn end(self) -> Option<Vec<u8>> {
        let is_whole = self.same == self.there.len() && !self.there.is_empty();
        if self.made.is_some() || is_whole {
            return self.made;
        }
        self.there.get(..self.same).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(there: &str) -> Option<Vec<u8>> {
        let mut siem = Siem::beside(there.as_bytes());
        for line in ["one", "two", "three"] {
            siem.push(line.as_bytes().to_vec());
        }
        siem.end()
    }

    #[test]
    fn the_file_is_made_where_it_is_not_there_already() {
        assert_eq!(made("one\ntwo\nthree\n"), None);
        for there in [
            "",
            "one\n",
            "one\ntwo\nthree",
            "one\nTwo\nthree\n",
            "one\ntwo\nthree\nfour\n",
            "one\r\ntwo\nthree\n",
        ] {
            assert_eq!(made(there).unwrap(), b"one\ntwo\nthree\n", "{there:?}");
        }
        assert_eq!(Siem::beside(b"").end(), Some(Vec::new()));
    }
}
