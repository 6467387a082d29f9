//! Label and field selectors as the server understands them, with its messages for those that it
//! does not. Knows no store.

use super::object::Object;
use super::status::Status;

/// Which Pods a request is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Operator {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct FieldTerm {
    field: Field,
    value: String,
    equal: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Name,
    Namespace,
    Phase,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; 400 as the server words it.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Status> {
        let labels = Parser::new(labels).requirements().map_err(|message| {
            Status::bad_request(format!("unable to parse requirement: {message}"))
        })?;
        let fields = fields
            .split(',')
            .filter(|term| !term.is_empty())
            .map(FieldTerm::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// Whether every Pod matches: then a page says how many remain.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, pod: &Object) -> bool {
        self.labels.iter().all(|requirement| requirement.matches(pod))
            && self.fields.iter().all(|term| term.matches(pod))
    }
}

impl Requirement {
    fn matches(&self, pod: &Object) -> bool {
        let value = pod.labels.get(self.key.as_str()).map(AsRef::as_ref);
        let among = |values: &[String]| {
            value.is_some_and(|value: &str| values.iter().any(|one| one == value))
        };
        match &self.operator {
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::In(values) => among(values),
            Operator::NotIn(values) => !among(values),
        }
    }
}

impl FieldTerm {
    fn parse(term: &str) -> Result<Self, Status> {
        let (name, value, equal) = if let Some((name, value)) = term.split_once("!=") {
            (name, value, false)
        } else if let Some((name, value)) = term.split_once("==") {
            (name, value, true)
        } else if let Some((name, value)) = term.split_once('=') {
            (name, value, true)
        } else {
            let message = format!("invalid selector: '{term}'; can't understand '{term}'");
            return Err(Status::bad_request(message));
        };
        let field = match name {
            "metadata.name" => Field::Name,
            "metadata.namespace" => Field::Namespace,
            "status.phase" => Field::Phase,
            _ => return Err(Status::bad_request(format!("field label not supported: {name}"))),
        };
        Ok(Self { field, value: value.to_owned(), equal })
    }

    fn matches(&self, pod: &Object) -> bool {
        let value = match self.field {
            Field::Name => &pod.name,
            Field::Namespace => &pod.namespace,
            Field::Phase => &pod.phase,
        };
        (**value == *self.value) == self.equal
    }
}

/// The grammar of apimachinery's `labels.Parse`.
struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'a str),
    End,
}

impl Token<'_> {
    fn literal(&self) -> &str {
        match self {
            Token::Word(text) | Token::Sign(text) => text,
            Token::End => "",
        }
    }
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { tokens: tokens(text).into_iter().peekable() }
    }

    fn next(&mut self) -> Token<'a> {
        self.tokens.next().unwrap_or(Token::End)
    }

    fn peek(&mut self) -> Token<'a> {
        self.tokens.peek().copied().unwrap_or(Token::End)
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        if self.peek() == Token::End {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Sign(",") => match self.peek() {
                    Token::Word(_) | Token::Sign("!") => {}
                    other => {
                        return Err(format!(
                            "found '{}', expected: identifier after ','",
                            other.literal()
                        ));
                    }
                },
                other => {
                    return Err(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.literal()
                    ));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == Token::Sign("!");
        if absent {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key.to_owned(),
            other => return Err(format!("found '{}', expected: identifier", other.literal())),
        };
        if absent {
            return Ok(Requirement { key, operator: Operator::Absent });
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(Requirement { key, operator: Operator::Exists });
        }
        let operator = match self.next() {
            Token::Word("in") => Operator::In(self.set()?),
            Token::Word("notin") => Operator::NotIn(self.set()?),
            Token::Sign("=" | "==") => Operator::In(vec![self.value()]),
            Token::Sign("!=") => Operator::NotIn(vec![self.value()]),
            other => {
                return Err(format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    other.literal()
                ));
            }
        };
        Ok(Requirement { key, operator })
    }

    fn value(&mut self) -> String {
        match self.peek() {
            Token::Word(word) => {
                self.next();
                word.to_owned()
            }
            _ => String::new(),
        }
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Sign("(") => {}
            other => return Err(format!("found '{}' expected: '('", other.literal())),
        }
        if !matches!(self.peek(), Token::Word(_) | Token::Sign("," | ")")) {
            let found = self.next();
            return Err(format!("found '{}', expected: ',', ')' or identifier", found.literal()));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value());
            match self.next() {
                Token::Sign(",") => {}
                Token::Sign(")") => return Ok(values),
                other => return Err(format!("found '{}', expected: ',' or ')'", other.literal())),
            }
        }
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_sign = |byte: char| matches!(byte, '=' | '!' | '(' | ')' | ',' | '<' | '>');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_sign(first) {
            if rest.starts_with("==") || rest.starts_with("!=") { 2 } else { 1 }
        } else {
            rest.find(|next: char| is_sign(next) || next.is_whitespace()).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(length);
        tokens.push(if is_sign(first) { Token::Sign(token) } else { Token::Word(token) });
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::Selector;
    use crate::apiserver::object::Object;
    use serde_json::{Value, json};

    fn pod() -> Object {
        let Value::Object(pod) = json!({
            "metadata": {"name": "x", "namespace": "n", "labels": {"dubbo.io/label": "a", "in": "b"}},
            "status": {"phase": "Running"}
        }) else {
            unreachable!()
        };
        Object::new(pod, 1)
    }

    fn matches(labels: &str, fields: &str) -> bool {
        Selector::parse(labels, fields).unwrap().matches(&pod())
    }

    #[test]
    fn label_selectors() {
        for (selector, expected) in [
            ("", true),
            ("dubbo.io/label", true),
            ("!dubbo.io/label", false),
            ("!absent", true),
            ("absent", false),
            ("dubbo.io/label=a", true),
            ("dubbo.io/label==a,in=b", true),
            ("dubbo.io/label!=a", false),
            ("absent!=a", true),
            ("dubbo.io/label in (a,b)", true),
            ("dubbo.io/label in (c)", false),
            ("dubbo.io/label notin (c)", true),
            ("absent notin (c)", true),
            ("dubbo.io/label in ()", false),
            (" dubbo.io/label in ( a , b ) , in ", true),
        ] {
            assert_eq!(matches(selector, ""), expected, "{selector}");
        }
    }

    #[test]
    fn field_selectors() {
        for (selector, expected) in [
            ("metadata.name=x", true),
            ("metadata.name!=x", false),
            ("metadata.namespace==n,status.phase=Running", true),
            ("status.phase!=Succeeded,status.phase!=Failed", true),
            ("status.phase=Pending", false),
        ] {
            assert_eq!(matches("", selector), expected, "{selector}");
        }
    }

    #[test]
    fn refuses_in_the_server_s_words() {
        for (labels, fields, message) in [
            (
                "a in (",
                "",
                "unable to parse requirement: found '', expected: ',', ')' or identifier",
            ),
            ("a in b", "", "unable to parse requirement: found 'b' expected: '('"),
            ("a,", "", "unable to parse requirement: found '', expected: identifier after ','"),
            (
                "a b",
                "",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("", "metadata.annotations=x", "field label not supported: metadata.annotations"),
        ] {
            let status = Selector::parse(labels, fields).unwrap_err();
            assert_eq!((status.code, status.message.as_str()), (400, message));
        }
    }
}
