//! Comparisons that every row would answer alike: a cell is a text, and a text is never
//! equal to a number.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr};
use minijinja::value::ValueKind;

use super::check::{Refusal, Shape};

/// Refuses an operation if it compares a text with a number.
pub(super) fn compared(
    op: BinOpKind,
    left: Shape,
    (right, of_right): (Shape, &Expr<'_>),
) -> Result<(), Refusal> {
    use BinOpKind::{Eq, Gt, Gte, In, Lt, Lte, Ne};
    match op {
        In => sought(left, of_right),
        Eq | Ne | Lt | Lte | Gt | Gte => equated(left, right),
        _ => Ok(()),
    }
}

/// The same, of one of several comparisons in a row.
pub(super) fn compared_in_a_row(
    op: CompareOpKind,
    left: Shape,
    (right, of_right): (Shape, &Expr<'_>),
) -> Result<(), Refusal> {
    match op {
        CompareOpKind::In | CompareOpKind::NotIn => sought(left, of_right),
        _ => equated(left, right),
    }
}

fn equated(left: Shape, right: Shape) -> Result<(), Refusal> {
    let is_wrong = left.is_text && right.is_number || left.is_number && right.is_text;
    if is_wrong { Err(never_equal()) } else { Ok(()) }
}

/// A text is not among numbers. A number in a text is found as it is written.
fn sought(item: Shape, among: &Expr<'_>) -> Result<(), Refusal> {
    let items = match among {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        _ => return Ok(()),
    };
    let is_number =
        |item: &Expr<'_>| matches!(item, Expr::Const(it) if it.value.kind() == ValueKind::Number);
    if item.is_text && items.iter().any(is_number) {
        return Err(never_equal());
    }
    Ok(())
}

fn never_equal() -> Refusal {
    Refusal::new(
        "compares a text with a number, and these are never equal: every cell is a text",
        "put the number in quotes, as in `row['Left'] != '1'`, or make a number of the cell, as \
         in `row['Hours']|float > 4` and `row['End']|date('%d-%m-%Y') < today`",
    )
}
