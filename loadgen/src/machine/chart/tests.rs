//! Lines, their gaps and their names.

use super::*;

fn plot(lines: Vec<Line>) -> Plot {
    let frame = Frame::half(100.0);
    let x = Scale::time(10.0, frame.across());
    let y = Scale::linear(10.0, frame.upwards(), |value| value.to_string());
    Plot { title: "a & b".to_owned(), frame, x, y, lines, marks: Vec::new() }
}

fn line(values: &[(f64, Option<f64>)]) -> Line {
    Line::new("a <b>", 0, values.iter().copied())
}

#[test]
fn a_line_has_a_gap_where_a_value_is_missing() {
    let gapped = line(&[(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(4.0))]);
    assert_eq!(gapped.runs, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 4.0)]]);
    assert_eq!((gapped.max(), gapped.last()), (4.0, Some((3.0, 4.0))));
    let svg = plot(vec![gapped]).svg();
    assert!(svg.contains("<polyline") && svg.contains("<circle"), "{svg}");
    assert!(svg.contains("a &lt;b&gt;") && svg.contains("a &amp; b"), "{svg}");
    assert!(!plot(vec![line(&[])]).svg().contains("class=\"end\""));
}

#[test]
fn a_long_run_is_drawn_with_two_points_for_each_pixel() {
    let values = (0..50_000_u32).map(|at| (f64::from(at) / 5_000.0, Some(f64::from(at % 11))));
    let svg = plot(vec![Line::new("a", 0, values)]).svg();
    assert!(svg.len() < 12_000, "{}", svg.len());
    assert_eq!(
        thinned(&[(0.0, 5.0), (0.1, 9.0), (0.2, 1.0), (0.3, 4.0), (7.0, 2.0)]),
        [(0.1, 9.0), (0.2, 1.0), (7.0, 2.0)]
    );
}

fn name_tops(values: &[f64]) -> Vec<f64> {
    let lines = values.iter().map(|value| line(&[(10.0, Some(*value))])).collect();
    let names = plot(lines).names();
    let tops = names.split("<text").skip(1).map(|text| {
        let (_, rest) = text.split_once(" y=\"").unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    });
    tops.collect()
}

#[test]
fn names_of_lines_that_end_at_one_place_stand_below_each_other_and_above_the_floor() {
    for values in [[5.0, 5.0, 5.0], [0.0, 0.0, 0.1], [10.0, 10.0, 9.9]] {
        let tops = name_tops(&values);
        assert!(tops.is_sorted_by(|a, b| b - a >= NAME_STEP - 0.11), "{values:?}: {tops:?}");
        assert!(tops[0] >= 18.0 && tops[2] <= 18.0 + 100.0 + 4.1, "{values:?}: {tops:?}");
    }
}

#[test]
fn moments_that_are_too_near_share_the_first_ones_name() {
    let mut plot = plot(Vec::new());
    plot.marks = [(1.0, "load"), (1.1, "drain"), (8.0, "settle")]
        .map(|(at, name)| (at, name.to_owned()))
        .to_vec();
    let svg = plot.svg();
    assert_eq!(svg.matches("class=\"moment\"").count(), 3);
    assert!(svg.contains("load") && !svg.contains("drain") && svg.contains("settle"), "{svg}");
}
