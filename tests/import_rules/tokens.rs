//! The words and marks of a Rust source, without what imports nothing: comments, strings, numbers.

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// An identifier or a keyword; `r#name` is `name`.
    Word(String),
    /// `::`
    PathSeparator,
    /// Any other character of punctuation.
    Mark(char),
    /// A string, a character or a number.
    Literal,
    Lifetime,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

pub fn tokens(source: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        characters: source.chars().collect(),
        at: 0,
    };
    let mut found = Vec::new();
    let (mut line, mut counted) = (1, 0);
    loop {
        let start = scanner.at;
        let Some(kind) = scanner.next() else {
            return found;
        };
        line += newlines(&scanner.characters[counted..start]);
        counted = start;
        if let Some(kind) = kind {
            found.push(Token { kind, line });
        }
    }
}

fn newlines(characters: &[char]) -> usize {
    characters.iter().filter(|&&c| c == '\n').count()
}

struct Scanner {
    characters: Vec<char>,
    at: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> char {
        *self.characters.get(self.at + ahead).unwrap_or(&'\0')
    }

    /// The next token, `Some(None)` for what is left out, or `None` at the end.
    fn next(&mut self) -> Option<Option<Kind>> {
        let first = *self.characters.get(self.at)?;
        let kind = match (first, self.peek(1)) {
            (c, _) if c.is_whitespace() => {
                self.at += 1;
                None
            }
            ('/', '/') => {
                self.skip_while(|c| c != '\n');
                None
            }
            ('/', '*') => {
                self.skip_block_comment();
                None
            }
            ('"', _) => Some(self.string()),
            ('\'', _) => Some(self.quote()),
            (c, _) if c.is_ascii_digit() => Some(self.number()),
            (c, _) if is_name(c) => Some(self.word()),
            (':', ':') => {
                self.at += 2;
                Some(Kind::PathSeparator)
            }
            (c, _) => {
                self.at += 1;
                Some(Kind::Mark(c))
            }
        };
        Some(kind)
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        while self.at < self.characters.len() && keep(self.peek(0)) {
            self.at += 1;
        }
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.characters.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.at += 2;
                }
                ('*', '/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// A string with escapes, from its opening quote.
    fn string(&mut self) -> Kind {
        self.at += 1;
        loop {
            match self.peek(0) {
                '\\' => self.at += 2,
                '"' => break,
                _ if self.at >= self.characters.len() => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Kind::Literal
    }

    /// A string without escapes, from the first of its `#` or its quote.
    fn raw_string(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(|c| c == '#');
        let hashes = self.at - start;
        self.at += 1;
        while self.at < self.characters.len() {
            let closed = self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#');
            self.at += 1;
            if closed {
                self.at += hashes;
                break;
            }
        }
        Kind::Literal
    }

    /// A character, or the name of a lifetime or label.
    fn quote(&mut self) -> Kind {
        if self.peek(1) == '\\' {
            self.at += 3;
            self.skip_while(|c| c != '\'');
            self.at += 1;
            Kind::Literal
        } else if self.peek(2) == '\'' {
            self.at += 3;
            Kind::Literal
        } else {
            self.at += 1;
            self.skip_while(is_name);
            Kind::Lifetime
        }
    }

    fn number(&mut self) -> Kind {
        self.skip_while(is_name);
        // `1.5`, but neither `1..5` nor `1.max(5)`.
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(is_name);
        }
        Kind::Literal
    }

    /// A word, or the literal whose prefix it is.
    fn word(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(is_name);
        let word: String = self.characters[start..self.at].iter().collect();
        let after_hashes = (0..).map(|n| self.peek(n)).find(|&c| c != '#').unwrap();
        match (word.as_str(), self.peek(0)) {
            ("b" | "c", '"') => self.string(),
            ("b", '\'') => self.quote(),
            ("r" | "br" | "cr", '"' | '#') if after_hashes == '"' => self.raw_string(),
            ("r", '#') if is_name(after_hashes) => {
                self.at += 1;
                self.word()
            }
            _ => Kind::Word(word),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).iter().filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(words("a // b\nc"), ["a", "c"]);
        assert_eq!(words("/// b::c\n//! d\na"), ["a"]);
        assert_eq!(words("a /* b /* c */ d */ e"), ["a", "e"]);
    }

    #[test]
    fn strings_are_left_out_and_hide_no_code() {
        assert_eq!(words(r#"a "b \" c" d "\\" e"#), ["a", "d", "e"]);
        assert_eq!(words(r##"a r#"b " c"# d r"\" e"##), ["a", "d", "e"]);
        assert_eq!(
            words(r##"a b"b" c"d" br#"e"# f"##),
            ["a", "f"],
            "bytes and C strings"
        );
        assert_eq!(words("a \"// b\" c"), ["a", "c"]);
        assert_eq!(words("a \"/*\" c"), ["a", "c"]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(words(r"a '\'' b '\\' c '\u{20}' d"), ["a", "b", "c", "d"]);
        assert_eq!(words(r#"a '"' b b'"' c"#), ["a", "b", "c"]);
        assert_eq!(words("&'a b, 'static c"), ["b", "c"]);
        assert_eq!(words("f::<'a>('b', c)"), ["f", "c"]);
    }

    #[test]
    fn numbers_hide_no_code() {
        let source = "0x1f_u8 1.5 a.0.b 1..c 1.max(d)";
        assert_eq!(words(source), ["a", "b", "c", "max", "d"]);
    }

    #[test]
    fn raw_names_are_names() {
        assert_eq!(words("r#type::a"), ["type", "a"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("a\n/* \n */ b \"\n\" c");
        let lines: Vec<_> = found.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3, 4]);
    }
}
