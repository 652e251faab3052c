//! All laws over all structures.

use crate::check::{Case, Deltas, holds};
use crate::replicas::Follower;
use crate::structs::{Best, Boss, Item, Line, Mood, Player, Sheet, World};
use crate::{codec, deltas, history, log, replicas, updates};
use std::hash::RandomState;
use ucore::{
    Accumulate, Bin, Counter, DeltaBuffer, GMap, GSet, Max, Min, Reg, Sequencer, Snapshot, UMap,
};
use ucore::{UStack, UVec};

/// A module with a test of each law about updates, for each structure.
macro_rules! laws {
    ($($name:ident: $of:ty;)+) => {$(
        mod $name {
            use super::*;
            type S = $of;
            type In = Case<S>;
            type Log = Sequencer<S>;

            laws! { @tests
                coalesce_is_composition: updates::coalesce_is_composition::<S>;
                compact_preserves: updates::compact_preserves::<S>;
                check_and_apply_agree: updates::check_and_apply_agree::<S>;
                deltas_commute: updates::deltas_commute::<S>;
                bytes_bring_it_back: codec::bytes_bring_it_back::<S>;
                what_does_not_fit_has_no_reader: codec::what_does_not_fit_has_no_reader::<S>;
                it_has_one_spelling: codec::it_has_one_spelling::<S>;
                garbage_is_refused_cheaply: codec::garbage_is_refused_cheaply::<S>;
                equal_values_have_equal_bytes: codec::equal_values_have_equal_bytes::<S>;
                each_proposal_counts_once: log::each_proposal_counts_once::<Log>;
                snapshot_and_suffix_make_the_value:
                    log::snapshot_and_suffix_make_the_value::<Log>;
                a_copy_follows_its_log_alone:
                    |case| log::a_copy_follows_its_log_alone::<S>(case, Snapshot::follow);
                exact_means_exact: log::exact_means_exact::<Log>;
                a_stale_proposal_is_inert: log::a_stale_proposal_is_inert::<Log>;
                pending_updates_rebase:
                    |case| log::pending_updates_rebase::<Log>(case, log::rebase);
                it_is_linearizable: history::it_is_linearizable::<Log>;
                replicas_converge: replicas::replicas_converge::<Log, Follower<S>>;
            }
        }
    )+};
    (@tests $($law:ident: $test:expr;)+) => {$(
        #[test]
        fn $law() {
            holds::<In>($test);
        }
    )+};
}

/// The same for the laws of the delta lane.
macro_rules! delta_laws {
    ($($name:ident: $of:ty;)+) => {$(
        mod $name {
            use super::*;
            type S = $of;
            type In = Deltas<S>;
            type Buffer = DeltaBuffer<<S as Accumulate>::Delta>;

            laws! { @tests
                merge_is_a_commutative_monoid: deltas::merge_is_a_commutative_monoid::<S>;
                any_partition_in_any_order_is_the_same:
                    deltas::any_partition_in_any_order_is_the_same::<S, Buffer>;
                lift_is_absorb: deltas::lift_is_absorb::<S>;
                a_fold_stays_small: deltas::a_fold_stays_small::<S, Buffer>;
            }

            #[test]
            fn lower_takes_the_delta_lane() {
                holds::<Case<S>>(deltas::lower_takes_the_delta_lane::<S>);
            }
        }
    )+};
}

/// The same for the laws of deltas that may be delivered twice.
macro_rules! idempotent_laws {
    ($($name:ident: $of:ty;)+) => {$(
        mod $name {
            use super::*;
            type S = $of;
            type In = Deltas<S>;

            laws! { @tests
                merge_is_idempotent: deltas::merge_is_idempotent::<S>;
                totals_survive_any_delivery: deltas::totals_survive_any_delivery::<S>;
            }
        }
    )+};
}

mod leaf {
    use super::*;

    laws! {
        of_u8: u8;
        of_u16: u16;
        of_u32: u32;
        of_u64: u64;
        of_i8: i8;
        of_i16: i16;
        of_i32: i32;
        of_i64: i64;
        of_f32: f32;
        of_f64: f64;
        of_bool: bool;
        unit: ();
        of_char: char;
        string: String;
        newtype: Player;
        codes: Mood;
        record: Item;
        reg: Reg<(u8, String)>;
        reg_of_list: Reg<Vec<Option<u8>>>;
        reg_of_bytes: Reg<Bin<2>>;
        reg_of_maybe_record: Reg<Option<Item>>;
    }
}

mod flat {
    use super::*;

    laws! {
        counter: Counter;
        max: Max;
        min: Min;
        gset: GSet<u16>;
        gset_of_pairs: GSet<(u8, String)>;
        option: Option<u32>;
        option_of_nil: Option<()>;
        pair: (u8, String);
        triple: (bool, i64, Counter);
        six: (Counter, Max, u8, GSet<u8>, (), Option<u8>);
        umap: UMap<u8, u8>;
        umap_of_text: UMap<(u8, String), Option<u16>>;
        umap_with_keyed_hash: UMap<u64, i8, RandomState>;
        gmap: GMap<u8, Counter>;
        gmap_of_min: GMap<Bin<2>, Min>;
        uvec: UVec<u8>;
        uvec_of_nil: UVec<()>;
        ustack: UStack<u8>;
    }
}

mod nested {
    use super::*;

    laws! {
        option_of_option: Option<Option<u8>>;
        option_of_list: Option<UVec<Option<u8>>>;
        option_of_stack_of_nil: Option<UStack<()>>;
        option_of_pair: Option<(UVec<u8>, Counter)>;
        umap_of_uvec: UMap<i32, UVec<String>>;
        uvec_of_umap_of_ustack: UVec<UMap<u8, UStack<Counter>>>;
        gmap_of_gmap: GMap<u8, GMap<u8, Max>>;
        gmap_of_gset: GMap<String, GSet<Player>>;
        gmap_of_struct: GMap<u8, Line>;
        ustack_of_pair: UStack<(UMap<bool, u8>, Option<Reg<u64>>)>;
    }
}

mod derived {
    use super::*;

    laws! {
        delta_only: Line;
        idempotent: Best;
        ordered_only: Sheet;
        mixed: Boss;
        map_of_structs: UMap<u8, Boss>;
        struct_of_map_of_structs: World;
        maybe_struct: Option<Sheet>;
    }
}

mod delta {
    use super::*;

    delta_laws! {
        counter: Counter;
        max: Max;
        min: Min;
        gset: GSet<u16>;
        gset_of_pairs: GSet<(u8, String)>;
        gmap: GMap<u8, Counter>;
        gmap_of_min: GMap<Bin<2>, Min>;
        gmap_of_gmap: GMap<u8, GMap<u8, Max>>;
        gmap_of_gset: GMap<String, GSet<Player>>;
        gmap_of_struct: GMap<u8, Line>;
        delta_only: Line;
        idempotent: Best;
        mixed: Boss;
        struct_of_map_of_structs: World;
    }
}

mod idempotent {
    use super::*;

    idempotent_laws! {
        max: Max;
        min: Min;
        gset: GSet<u16>;
        gmap_of_min: GMap<Bin<2>, Min>;
        gmap_of_gmap: GMap<u8, GMap<u8, Max>>;
        gmap_of_gset: GMap<String, GSet<Player>>;
        delta: Best;
    }
}
