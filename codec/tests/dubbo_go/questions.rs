//! Random URLs for dubbo-go, near to those that it reads and to those that it refuses.
//!
//! It never asks for what dubbo-go answers by chance: `default.default.x`, whose result hangs on the
//! order of a Go map.

use dubbo_k8s_codec::query_escape;
use dubbo_k8s_codec::random::Random;
use serde_json::{Value, json};

const PROTOCOLS: &[&str] =
    &["tri", "dubbo", "TRI", "consumer", "empty", "h2+c", "1tri", "", "http", "t%72i", "tr i", "é"];
const USERS: &[&str] = &[
    "u@", "u:p@", "u:p:q@", ":@", "@", "u%40x@", "u%2@", "us er@", "u;x@", "u@v@", "é@", "u/x@",
    "u+x@", "%ff@",
];
const HOSTS: &[&str] = &[
    "10.1.2.3",
    "10.1.2.3",
    "10.1.2.3",
    "",
    "fd00::7",
    "[fd00::7]",
    "[fd00::7]",
    "[fe80::1%25eth0]",
    "[fe80::1%25]",
    "[fe80::1%eth0]",
    "fe80::1%25eth0",
    "[::ffff:1.2.3.4]",
    "[::ffff:1.2.3.4%25e]",
    "[10.1.2.3]",
    "[::1",
    "::1]",
    "[1:2:3:4:5:6:7::]",
    "[1:2:3:4:5:6:7:8]",
    "[::01.2.3.4]",
    "[a[::1]",
    "[::1]]",
    "[]",
    "host name",
    "host%20name",
    "h%C3%A9",
    "%41",
    "h%25x",
    "10.1.2.3,10.1.2.4",
    ",10.1.2.3",
    " 10.1.2.3",
    "x<y>\"z",
    "a^b",
    "a|b",
    "é",
    "h\\x",
    "[fe80::1%25e%20x]",
    "[fe80::1%25e%5E]",
    "[fe80::1%25%ff]",
    "[FD00::7]",
    "[fd00::7%2500]",
    "[::1%C3%A9]",
];
const PORTS: &[&str] = &[
    ":1",
    ":50051",
    ":50051",
    "",
    ":",
    ":x",
    ":65536",
    ":01",
    ":1:2",
    ":-1",
    ":%31",
    ":1,10.1.2.4:2",
    ":1 ",
    ":1,[fd00::8]:2",
    ":+1",
];
const PATHS: &[&str] = &[
    "/a.B", "/a.B", "", "/", "//a.B", "/a%2FB", "/a%zz", "/a b", "/a+b", "/ctx/a.B", "/a%",
    "/a\u{7f}", "/中", "/A$B", "/%ff", "/a;b",
];
const NAMES: &[&str] = &[
    "interface",
    "group",
    "version",
    "x",
    "default.version",
    "default.x",
    "default.",
    "default.group",
    "enabled",
    "category",
    "",
    "methods.a.weight",
    "a%3Db",
    "a%zz",
    "中",
    "%ff",
];
const VALUES: &[&str] = &[
    "a.B",
    "*",
    "",
    "1.0.0",
    "0.0.0",
    "true",
    "providers",
    "a,b",
    "a;b",
    "%3B",
    "%253B",
    "100%",
    "100%25",
    "%41",
    "a+b",
    "a b",
    "\n",
    "\t",
    "中",
    "%zz",
    "1=2",
    "1?2",
    "%C3%A9",
    "%ff",
    "%e4%b8",
    "\u{0}",
    "a#b",
    "%23",
    "&amp;",
];
const JOINTS: &[&str] = &["&", "&", "&", "&", ";", "&&", "#", "?"];
const PIECES: &[&str] = &[
    "%", "%2", "%25", "%3B", ";", "#", "?", "/", "//", "://", ":", "@", "[", "]", "\n", "\u{7f}",
    " ", "+", "&", "=", "%00", "%ff", "é", "a", "1", ",", "%zz", "*", "\\",
];

/// A random source with a seed: the same questions each time.
pub(crate) struct Questions(Random);

impl Questions {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.bits() % end as u64).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len())]
    }

    /// Usually the first of the list, which is harmless.
    fn tame(&mut self, list: &[&'static str]) -> &'static str {
        if self.one_in(4) { self.of(list) } else { list[0] }
    }

    fn url(&mut self) -> String {
        let user = if self.one_in(4) { self.of(USERS) } else { "" };
        let scheme = if self.one_in(30) { self.of(&["", ":", ":/", "//"]) } else { "://" };
        let mut url = [self.tame(PROTOCOLS), scheme, user, self.tame(HOSTS)].concat();
        url += self.tame(PORTS);
        url += self.tame(PATHS);
        if !self.one_in(5) {
            let mut joint = "?";
            for _ in 0..self.below(5) {
                let (name, value) =
                    (self.of(NAMES), if self.one_in(2) { self.of(VALUES) } else { "1.0.0" });
                let equals = if self.one_in(12) { "" } else { "=" };
                url.extend([joint, name, equals, value]);
                joint = self.tame(JOINTS);
            }
        }
        url
    }

    fn mutate(&mut self, text: &mut String) {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[self.below(places.len())];
        let end = if self.one_in(2) {
            at
        } else {
            places[self.below(places.len())].clamp(at, text.len().min(at + 4))
        };
        let end = if text.is_char_boundary(end) { end } else { at };
        let piece = self.of(PIECES);
        text.replace_range(at..end, piece);
    }

    /// A URL as it stands in a key, or nearly so.
    fn escaped(&mut self) -> String {
        let mut url = self.url();
        while self.one_in(4) {
            self.mutate(&mut url);
        }
        let mut text = match self.below(12) {
            0 => url,
            1 => url.replace('%', "%25").replace('&', "%26"),
            _ => query_escape(&url).into_owned(),
        };
        while self.one_in(12) {
            self.mutate(&mut text);
        }
        text
    }

    fn party(&mut self, protocol: &'static str) -> String {
        let user = if self.one_in(8) { self.of(USERS) } else { "" };
        let mut url =
            [self.tame(&[protocol, "tri", "consumer"]), "://", user, "10.1.2.3:1/a.B?"].concat();
        let choices: [(&str, &[&str]); 5] = [
            ("interface", &["", "a.B", "*", "x&group=*", "group=*", "a%26group=*"]),
            ("group", &["", "g", "*", "g,h", "*g"]),
            ("version", &["", "1.0.0", "0.0.0", "*"]),
            ("enabled", &["", "true", "false", "*", "x"]),
            (
                "category",
                &[
                    "",
                    "providers",
                    "configurators",
                    "providers,configurators",
                    "*",
                    "-providers",
                    "-",
                    "-x",
                    "provider",
                ],
            ),
        ];
        for (name, values) in choices {
            let value = self.tame(values);
            let prefix = if self.one_in(6) { "default." } else { "" };
            if !value.is_empty() || self.one_in(6) {
                url.extend(["&", prefix, name, "=", value]);
            }
        }
        query_escape(&url).into_owned()
    }
}

impl Iterator for Questions {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        loop {
            let question = if self.one_in(5) {
                json!({ "equal": [self.party("dubbo"), self.party("dubbo")] })
            } else {
                json!({ "newurl": self.escaped() })
            };
            if !question.to_string().contains("default.default.") {
                return Some(question);
            }
        }
    }
}
