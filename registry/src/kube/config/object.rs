//! The objects of a kubeconfig as kubectl reads them: a member that stands twice counts as the last one says, null
//! is absent, and an unknown member is passed over. It never takes a list for an object.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::text::{OfText, Truth};

/// What is read from the members of an object.
pub(super) trait Object: Default {
    /// Takes one member; one that it does not know, it passes over.
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error>;
}

/// A member whose value is read next.
pub(super) struct Member<'a, A> {
    pub(super) name: &'a str,
    members: &'a mut A,
}

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// Its value as its type says; the default for null.
    pub(super) fn typed<T: Deserialize<'de> + Default>(self) -> Result<T, A::Error> {
        Ok(self.members.next_value::<Option<T>>()?.unwrap_or_default())
    }

    /// A text, or several, of which each may be null.
    pub(super) fn text<T: OfText<Written: Deserialize<'de>>>(self) -> Result<T, A::Error> {
        self.members.next_value().map(T::of)
    }

    /// True or false.
    pub(super) fn truth(self) -> Result<bool, A::Error> {
        Ok(self.members.next_value::<Option<Truth>>()?.is_some_and(|it| it.0))
    }

    /// An object, unless null.
    pub(super) fn object<T: Object>(self) -> Result<Option<T>, A::Error> {
        Ok(self.members.next_value::<Option<Written<T>>>()?.map(|it| it.0))
    }

    /// A list of objects, unless null.
    pub(super) fn objects<T: Object>(self) -> Result<Option<Vec<T>>, A::Error> {
        let objects = self.members.next_value::<Option<Vec<Written<T>>>>()?;
        Ok(objects.map(|objects| objects.into_iter().map(|it| it.0).collect()))
    }

    /// Whatever it is, it does not count.
    pub(super) fn pass_over(self) -> Result<(), A::Error> {
        self.members.next_value::<IgnoredAny>().map(drop)
    }
}

/// An object as it stands in a file.
#[derive(Default)]
pub(super) struct Written<T>(pub(super) T);

impl<'de, T: Object> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members(PhantomData)).map(Self)
    }
}

/// Visits the members of an object.
struct Members<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Null.
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(name) = members.next_key::<String>()? {
            object.set(Member { name: &name, members: &mut members })?;
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Entry {
        name: String,
        port: Option<u16>,
        closed: bool,
    }

    impl Object for Entry {
        fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
            match member.name {
                "name" => self.name = member.text()?,
                "the-port" => self.port = member.typed()?,
                "closed" => self.closed = member.truth()?,
                _ => member.pass_over()?,
            }
            Ok(())
        }
    }

    fn read(json: &str) -> Result<Entry, String> {
        let read = serde_json::from_str::<Written<Entry>>(json);
        read.map(|it| it.0).map_err(|error| error.to_string())
    }

    #[test]
    fn members_become_fields_and_the_rest_is_passed_over() {
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
    }

    #[test]
    fn what_has_another_type_is_refused() {
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
