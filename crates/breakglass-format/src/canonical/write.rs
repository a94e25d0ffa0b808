//! Typed values straight to their canonical spelling, without a tree between. What has its members
//! in another order than the spelling has goes over a tree.

use std::fmt::{self, Display, Write as _};

use serde::{
    Serialize,
    ser::{self, Error as _, Impossible},
};

use super::{INTEGER_MAX, check_key, write_spelled, write_string};

/// Appends the spelling of a value; `None`, with whatever was appended so far, where that takes a
/// tree, or there is none.
pub(crate) fn value<T: Serialize + ?Sized>(value: &T, out: &mut String) -> Option<()> {
    value.serialize(&mut Out { out }).ok()
}

struct Out<'o> {
    out: &'o mut String,
}

/// It has no spelling, or not this way.
#[derive(Debug)]
pub(super) struct Unspelled;

impl Display for Unspelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it has no spelling")
    }
}

impl std::error::Error for Unspelled {}

impl ser::Error for Unspelled {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Done = Result<(), Unspelled>;

impl Out<'_> {
    fn integer<N: Copy + Display>(&mut self, number: N) -> Done
    where
        i64: TryFrom<N>,
    {
        let within = |n: &i64| (-INTEGER_MAX..=INTEGER_MAX).contains(n);
        let number = i64::try_from(number).ok().filter(within).ok_or(Unspelled)?;
        // Writing to a string does not fail.
        let _ = write!(self.out, "{number}");
        Ok(())
    }
}

/// The numbers that there are.
macro_rules! integers {
    ($($method:ident: $type:ty),+) => {
        $(fn $method(self, number: $type) -> Done {
            self.integer(number)
        })+
    };
}

impl<'r, 'o> ser::Serializer for &'r mut Out<'o> {
    type Ok = ();
    type Error = Unspelled;
    type SerializeSeq = Elements<'r, 'o>;
    type SerializeTuple = Elements<'r, 'o>;
    type SerializeTupleStruct = Elements<'r, 'o>;
    type SerializeTupleVariant = Impossible<(), Unspelled>;
    type SerializeMap = Impossible<(), Unspelled>;
    type SerializeStruct = Members<'r, 'o>;
    type SerializeStructVariant = Impossible<(), Unspelled>;

    fn serialize_bool(self, yes: bool) -> Done {
        self.out.push_str(if yes { "true" } else { "false" });
        Ok(())
    }

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    fn serialize_str(self, text: &str) -> Done {
        write_string(text, self.out).map_err(Unspelled::custom)
    }

    fn collect_str<T: Display + ?Sized>(self, text: &T) -> Done {
        write_spelled(text, self.out).map_err(Unspelled::custom)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, word: &'static str) -> Done {
        self.serialize_str(word)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'r, 'o>, Unspelled> {
        self.out.push('[');
        Ok(Elements {
            out: self,
            first: true,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'r, 'o>, Unspelled> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Elements<'r, 'o>, Unspelled> {
        self.serialize_seq(Some(length))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'r, 'o>, Unspelled> {
        self.out.push('{');
        Ok(Members {
            out: self,
            last: "",
        })
    }

    // What follows has no spelling, or goes over a tree.

    fn serialize_f32(self, _: f32) -> Done {
        Err(Unspelled)
    }

    fn serialize_f64(self, _: f64) -> Done {
        Err(Unspelled)
    }

    fn serialize_char(self, _: char) -> Done {
        Err(Unspelled)
    }

    fn serialize_bytes(self, _: &[u8]) -> Done {
        Err(Unspelled)
    }

    fn serialize_none(self) -> Done {
        Err(Unspelled)
    }

    fn serialize_unit(self) -> Done {
        Err(Unspelled)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Err(Unspelled)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Done {
        Err(Unspelled)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unspelled> {
        Err(Unspelled)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unspelled> {
        Err(Unspelled)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unspelled> {
        Err(Unspelled)
    }
}

/// An array on its way.
pub(super) struct Elements<'r, 'o> {
    out: &'r mut Out<'o>,
    first: bool,
}

impl Elements<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !std::mem::replace(&mut self.first, false) {
            self.out.out.push(',');
        }
        value.serialize(&mut *self.out)
    }

    fn close(self) {
        self.out.out.push(']');
    }
}

/// The ways in which elements come one after the other.
macro_rules! elements {
    ($($trait:ident: $method:ident),+) => {
        $(impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Unspelled;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.element(value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        })+
    };
}

elements!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field
);

/// An object on its way.
pub(super) struct Members<'r, 'o> {
    out: &'r mut Out<'o>,
    last: &'static str,
}

impl ser::SerializeStruct for Members<'_, '_> {
    type Ok = ();
    type Error = Unspelled;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        // The first key is not empty.
        if key <= self.last || check_key(key).is_err() {
            return Err(Unspelled);
        }
        if !self.last.is_empty() {
            self.out.out.push(',');
        }
        self.last = key;
        self.out.out.push('"');
        self.out.out.push_str(key);
        self.out.out.push_str("\":");
        value.serialize(&mut *self.out)
    }

    fn end(self) -> Done {
        self.out.out.push('}');
        Ok(())
    }
}
