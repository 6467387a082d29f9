//! Structs read from objects of a kubeconfig, member by member, as kubectl reads them: a member that comes twice
//! counts as written last, null is as good as absent, and what is not known is passed over. The derive of serde
//! does none of the three, and takes twice the code.

/// `Deserialize` for a struct that has a `Default`: which member is which field. What is written behind `text`
/// is made of texts that may be null, and behind `truth` is true or false.
macro_rules! members {
    ($type:ident { $($name:literal => $($kind:ident)? ($field:ident)),+ $(,)? }) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> ::serde::de::Visitor<'de> for Object {
                    type Value = $type;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("an object")
                    }

                    /// Null.
                    fn visit_unit<E>(self) -> Result<$type, E> {
                        Ok(<$type>::default())
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<$type, A::Error> {
                        let mut read = <$type>::default();
                        while let Some(name) = members.next_key::<String>()? {
                            match name.as_str() {
                                $($name => {
                                    read.$field =
                                        $crate::kube::config::members::value!($($kind)? members);
                                })+
                                _ => drop(members.next_value::<::serde::de::IgnoredAny>()?),
                            }
                        }
                        Ok(read)
                    }
                }

                deserializer.deserialize_any(Object)
            }
        }
    };
}

/// The value behind a name.
macro_rules! value {
    (text $members:ident) => {
        $crate::kube::config::text::OfText::of($members.next_value()?)
    };
    (truth $members:ident) => {
        $members.next_value::<Option<$crate::kube::config::text::Truth>>()?.is_some_and(|it| it.0)
    };
    ($members:ident) => {
        $members.next_value::<Option<_>>()?.unwrap_or_default()
    };
}

pub(super) use {members, value};

#[cfg(test)]
mod tests {
    #[derive(Debug, Default, PartialEq)]
    struct Entry {
        name: String,
        port: Option<u16>,
        closed: bool,
    }

    super::members!(Entry {
        "name" => text(name),
        "the-port" => (port),
        "closed" => truth(closed),
    });

    #[test]
    fn members_become_fields_and_the_rest_is_passed_over() {
        let read = |json| serde_json::from_str::<Entry>(json).map_err(|error| error.to_string());
        let entry = |name: &str, port, closed| Ok(Entry { name: name.to_owned(), port, closed });
        for (json, expected) in [
            (r#"{"x":[{}],"name":"7","the-port":1}"#, entry("7", Some(1), false)),
            (r#"{"the-port":null,"name":"","closed":null}"#, entry("", None, false)),
            (r#"{"the-port":1}"#, entry("", Some(1), false)),
            (r#"{"name":"a","Name":"b","name":"c"}"#, entry("c", None, false)),
            (r#"{"the-port":1,"the-port":null}"#, entry("", None, false)),
            (r#"{"closed":true}"#, entry("", None, true)),
            (r#"{"closed":"yes"}"#, entry("", None, true)),
            (r#"{"closed":"Off"}"#, entry("", None, false)),
            ("null", entry("", None, false)),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
        for (json, why) in [
            (r#"{"name":"a","the-port":"1"}"#, "invalid type: string"),
            (r#"{"name":7}"#, "invalid type: integer `7`, expected a string"),
            (r#"["a",1]"#, "invalid type: sequence, expected an object"),
            ("true", "invalid type: boolean `true`, expected an object"),
            (r#"{"closed":1}"#, "invalid type: integer `1`, expected true or false"),
            (r#"{"closed":"perhaps"}"#, "expected true or false"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
