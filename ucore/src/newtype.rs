//! Numbers and ids with a type of their own, and names for numbers.

/// Gives a struct around one value the bytes of that value.
#[doc(hidden)]
#[macro_export]
macro_rules! bytes_of_its_field {
    ($name:ty, $inner:ty $(, $param:ident)?) => {
        impl$(<$param: $crate::Wire>)? $crate::Wire for $name {
            const NIL: bool = <$inner as $crate::Wire>::NIL;

            fn write(&self, run: $crate::Run, to: &mut $crate::Writer) {
                self.0.write(run, to);
            }

            fn read(
                run: $crate::Run,
                from: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::DecodeError> {
                <$inner as $crate::Wire>::read(run, from).map(Self)
            }

            fn fits(&self) -> Result<(), $crate::Reject> {
                self.0.fits()
            }
        }
    };
}

/// Gives a one-field tuple struct the bytes of its field, as a key and as an updatable value. Its
/// order has to be that of its field, as a derived one is.
///
/// ```
/// #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Player(u64);
/// ucore::newtype!(Player(u64));
///
/// let bytes = ucore::encode(&Player(7));
/// assert_eq!(ucore::decode::<Player>(&bytes), Ok(Player(7)));
/// ```
#[macro_export]
macro_rules! newtype {
    ($name:ident($inner:ty)) => {
        $crate::bytes_of_its_field!($name, $inner);

        impl $crate::Typed for $name {
            const SCHEMA: &'static $crate::Schema =
                &$crate::Schema::Named(stringify!($name), <$inner as $crate::Typed>::SCHEMA);
        }

        impl $crate::Key for $name {
            fn write_after(&self, previous: Option<&Self>, to: &mut $crate::Writer) {
                self.0.write_after(previous.map(|previous| &previous.0), to);
            }

            fn read_after(
                previous: Option<&Self>,
                from: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::DecodeError> {
                let previous = previous.map(|previous| &previous.0);
                <$inner as $crate::Key>::read_after(previous, from).map(Self)
            }
        }

        $crate::replaced_whole!($name);
    };
}

/// Makes a type that has bytes updatable: its update is the new value.
///
/// ```
/// #[derive(Debug, Clone, PartialEq, ucore::Wire)]
/// struct Item {
///     name: String,
///     price: u32,
/// }
/// ucore::replaced_whole!(Item);
///
/// let shop: ucore::UVec<Item> = ucore::UVec::default();
/// assert!(shop.is_empty());
/// ```
#[macro_export]
macro_rules! replaced_whole {
    ($name:ty) => {
        impl $crate::Updatable for $name {
            type Update = $crate::Set<Self>;

            fn check(&self, update: &$crate::Set<Self>) -> Result<(), $crate::Reject> {
                $crate::Wire::fits(update)
            }

            fn apply(&mut self, update: $crate::Set<Self>) -> Result<(), $crate::Reject> {
                $crate::Wire::fits(&update)?;
                *self = update.0;
                Ok(())
            }
        }
    };
}

/// An enum without data whose variants travel as numbers.
///
/// ```
/// ucore::codes! {
///     /// How the boss feels.
///     Mood: u8 {
///         /// It sleeps.
///         Calm = 1,
///         /// It does not.
///         Angry = 2,
///     }
/// }
/// assert_eq!(Mood::Angry.code(), 2);
/// assert_eq!(ucore::encode(&Mood::Calm), [0x91, 1]);
/// assert!(ucore::decode::<Mood>(&[0x91, 3]).is_err());
/// ```
#[macro_export]
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $int:ty {
        $($(#[$vdoc:meta])* $variant:ident = $code:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The number that travels.
            #[must_use]
            pub const fn code(self) -> $int {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The one with this number.
            #[must_use]
            pub fn from_code(code: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }

        // A number that stands for two of them could be read as one only.
        const _: () = {
            let codes = [$($code as u64),+];
            let mut at = 1;
            while at < codes.len() {
                assert!(codes[at - 1] < codes[at], "give the codes in ascending order, each once");
                at += 1;
            }
        };

        impl $crate::Key for $name {}

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.code().serialize(to)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let code = <$int as $crate::serde::Deserialize>::deserialize(from)?;
                Self::from_code(code).ok_or_else(|| {
                    <D::Error as $crate::serde::de::Error>::custom(format!("unknown code {code}"))
                })
            }
        }

        impl $crate::Wire for $name {
            fn write(&self, _: $crate::Run, to: &mut $crate::Writer) {
                to.uint(self.code().into());
            }

            fn read(
                run: $crate::Run,
                from: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::DecodeError> {
                let code = <$int as $crate::Wire>::read(run, from)?;
                Self::from_code(code).ok_or($crate::DecodeError::UnknownTag(code.into()))
            }
        }

        impl $crate::Typed for $name {
            const SCHEMA: &'static $crate::Schema = &$crate::Schema::Codes(
                stringify!($name),
                <$int>::MAX as u64,
                &[$((stringify!($variant), $code)),+],
            );
        }

        $crate::replaced_whole!($name);
    };
}
