//! Structs read from objects of a kubeconfig, member by member. The derive of serde would also read them from
//! lists, which no kubeconfig means, and take twice the code for it: of the component that was a twentieth.

/// `Deserialize` for a struct that has a `Default`: which member is which field. What is written behind
/// `text` need not be quoted; what stands behind `;` must be there. A member that is not named here is passed
/// over, and one that is named must not come twice.
macro_rules! members {
    ($type:ident { $($name:literal => $($text:ident)? ($field:ident)),+ $(,)? $(; $($needed:literal),+)? }) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> ::serde::de::Visitor<'de> for Object {
                    type Value = $type;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<$type, A::Error> {
                        let mut read = <$type>::default();
                        let mut seen: Vec<&'static str> = Vec::new();
                        while let Some(name) = members.next_key::<String>()? {
                            match name.as_str() {
                                $($name => {
                                    $crate::kube::config::members::once(&mut seen, $name)?;
                                    read.$field = $crate::kube::config::members::value!(
                                        $($text)? members
                                    );
                                })+
                                _ => drop(members.next_value::<::serde::de::IgnoredAny>()?),
                            }
                        }
                        $($($crate::kube::config::members::there(&seen, $needed)?;)+)?
                        Ok(read)
                    }
                }

                deserializer.deserialize_map(Object)
            }
        }
    };
}

/// The value behind a name.
macro_rules! value {
    (text $members:ident) => {
        $crate::kube::config::text::OfText::of($members.next_value()?)
    };
    ($members:ident) => {
        $members.next_value()?
    };
}

pub(super) use {members, value};

/// Takes note of a member; an error if it was there before.
pub(super) fn once<E: serde::de::Error>(
    seen: &mut Vec<&'static str>,
    name: &'static str,
) -> Result<(), E> {
    if seen.contains(&name) {
        return Err(E::duplicate_field(name));
    }
    seen.push(name);
    Ok(())
}

/// An error unless the member was there.
pub(super) fn there<E: serde::de::Error>(
    seen: &[&'static str],
    name: &'static str,
) -> Result<(), E> {
    if seen.contains(&name) { Ok(()) } else { Err(E::missing_field(name)) }
}

#[cfg(test)]
mod tests {
    #[derive(Debug, Default, PartialEq)]
    struct Entry {
        name: String,
        port: Option<u16>,
    }

    super::members!(Entry { "name" => text(name), "the-port" => (port); "name" });

    #[test]
    fn members_become_fields_and_the_rest_is_passed_over() {
        let read = |json| serde_json::from_str::<Entry>(json).map_err(|error| error.to_string());
        let entry = |name: &str, port| Ok(Entry { name: name.to_owned(), port });
        assert_eq!(read(r#"{"x":[{}],"name":7,"the-port":1}"#), entry("7", Some(1)));
        assert_eq!(read(r#"{"the-port":null,"name":""}"#), entry("", None));
        for (json, why) in [
            (r#"{"the-port":1}"#, "missing field `name`"),
            (r#"{"name":"a","name":"a"}"#, "duplicate field `name`"),
            (r#"{"name":"a","the-port":"1"}"#, "invalid type: string"),
            (r#"["a",1]"#, "invalid type: sequence, expected an object"),
            ("null", "invalid type: null, expected an object"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
