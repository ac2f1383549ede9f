//! Tree to typed values, through serde.
//!
//! What an unquoted YAML scalar means is decided here by the type that asks: text for a `String`, a number for a `u32`. Nothing
//! after a key is an empty list or table where one is wanted. After [`super::check`] nothing should fail here; what still does,
//! such as a rule in a custom `Deserialize`, carries the place of the innermost node.

use super::entries::MARK;
use super::tree::{Key, Node, Scalar, Value};
use super::version::Version;
use crate::diagnostic::{Diagnostic, Span};
use serde::de::value::{BorrowedStrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Decodes a whole tree. With [`Version::Later`] the keys that a struct does not know are skipped.
///
/// # Errors
/// The first thing that the type refuses.
pub fn decode<T: DeserializeOwned>(node: &Node, version: Version) -> Result<T, Diagnostic> {
    let decoder = Decoder { node, skip_unknown: version == Version::Later };
    T::deserialize(decoder).map_err(|error| Diagnostic::error("bad-value", error.message).at(error.span.unwrap_or(node.span), ""))
}

/// What serde says, with a place as soon as one is known.
#[derive(Debug)]
pub(super) struct Error {
    message: String,
    span: Option<Span>,
}

impl Error {
    fn at(mut self, node: &Node) -> Self {
        self.span = self.span.or(Some(node.anchor()));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), span: None }
    }
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    skip_unknown: bool,
}

impl<'de> Decoder<'de> {
    fn child(self, node: &'de Node) -> Self {
        Self { node, ..self }
    }

    fn entries<V: Visitor<'de>>(self, visitor: V, fields: Option<&'static [&'static str]>) -> Result<V::Value, Error> {
        let fields = fields.filter(|_| self.skip_unknown);
        let rest = self.node.entries().iter();
        visitor.visit_map(Entries { decoder: self, rest, value: None, fields }).map_err(|error| error.at(self.node))
    }

    fn items<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { decoder: self, rest: self.node.items().iter() }).map_err(|error| error.at(self.node))
    }

    fn is_table(self) -> bool {
        matches!(self.node.value, Value::Table(_)) || self.node.is_null()
    }

    fn is_list(self) -> bool {
        matches!(self.node.value, Value::Sequence(_)) || self.node.is_null()
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(
            /// `3.0` is a whole number too.
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                match self.node.scalar() {
                    Some(Scalar::Float(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
                        visitor.visit_i64(value as i64).map_err(|error: Error| error.at(self.node))
                    }
                    _ => self.deserialize_any(visitor),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let done = match self.node.scalar() {
            None if matches!(self.node.value, Value::Sequence(_)) => self.items(visitor),
            None => self.entries(visitor, None),
            Some(Scalar::Null) => visitor.visit_unit(),
            Some(Scalar::Bool(value)) => visitor.visit_bool(value),
            Some(Scalar::Integer(value)) => visitor.visit_i64(value),
            Some(Scalar::Unsigned(value)) => visitor.visit_u64(value),
            Some(Scalar::Float(value)) => visitor.visit_f64(value),
            Some(Scalar::Text(text)) => visitor.visit_borrowed_str(text),
        };
        done.map_err(|error| error.at(self.node))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.text() {
            Some(text) => visitor.visit_borrowed_str(text).map_err(|error: Error| error.at(self.node)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == MARK {
            return visitor.visit_seq(MarkedParts::new(self.node.span, self));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_list() { self.items(visitor) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_table() { self.entries(visitor, None) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.is_table() { self.entries(visitor, Some(fields)) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = match (self.node.text(), self.node.entries()) {
            (Some(name), _) => Variant { name, content: None },
            (None, [(key, value)]) => Variant { name: &key.text, content: Some(self.child(value)) },
            _ => return Err(Error::custom("expected a word, or a table with one key").at(self.node)),
        };
        visitor.visit_enum(variant).map_err(|error| error.at(self.node))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }

    forward_to_deserialize_any! { bool f32 f64 bytes byte_buf unit unit_struct }
}

struct Items<'de> {
    decoder: Decoder<'de>,
    rest: std::slice::Iter<'de, Node>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        seed.deserialize(self.decoder.child(node)).map(Some).map_err(|error| error.at(node))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'de> {
    decoder: Decoder<'de>,
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
    /// Keys that are passed on; `None` for all.
    fields: Option<&'static [&'static str]>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let fields = self.fields;
        let known = |key: &Key| fields.is_none_or(|fields| fields.contains(&&*key.text));
        let Some((key, value)) = self.rest.find(|(key, _)| known(key)) else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(KeyDecoder(key)).map(Some).map_err(|mut error| {
            error.span = error.span.or(Some(key.span));
            error
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(node) = self.value.take() else { return Err(Error::custom("a value was asked for before its key")) };
        seed.deserialize(self.decoder.child(node)).map_err(|error| error.at(node))
    }

    fn size_hint(&self) -> Option<usize> {
        self.fields.is_none().then(|| self.rest.len())
    }
}

struct KeyDecoder<'de>(&'de Key);

impl<'de> Deserializer<'de> for KeyDecoder<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(&self.0.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == MARK {
            return visitor.visit_seq(MarkedParts::new(self.0.span, self));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        BorrowedStrDeserializer::new(&self.0.text).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Hands a [`super::Marked`] its place, then its value.
struct MarkedParts<D> {
    place: [u32; 3],
    given: usize,
    value: Option<D>,
}

impl<D> MarkedParts<D> {
    fn new(span: Span, value: D) -> Self {
        Self { place: [span.source.0, span.start, span.end], given: 0, value: Some(value) }
    }
}

impl<'de, D: Deserializer<'de, Error = Error>> SeqAccess<'de> for MarkedParts<D> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if let Some(&number) = self.place.get(self.given) {
            self.given += 1;
            return seed.deserialize(U32Deserializer::new(number)).map(Some);
        }
        self.value.take().map(|value| seed.deserialize(value)).transpose()
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<Decoder<'de>>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.name))?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(self) -> Result<Decoder<'de>, Error> {
        self.content.ok_or_else(|| Error::custom(format!("`{}` needs a value", self.name)))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            Some(content) if !content.node.is_null() => Err(Error::custom(format!("`{}` takes no value", self.name))),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
