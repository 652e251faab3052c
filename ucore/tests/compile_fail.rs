//! What does not compile says what to do instead. `TRYBUILD=overwrite` writes new expectations.

#[test]
fn what_is_wrong_with_a_struct_is_said_where_it_stands() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
