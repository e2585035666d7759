//! What a template may be, found out before it is compiled.
//!
//! The engine counts the steps of a template and not the memory of a step, so a
//! text could double with each of them. Here the language is cut down to what is
//! bounded: a template has no functions, nothing is kept from one round of a loop
//! to the next, only numbers are multiplied, and how often a template can repeat
//! what its variables hold is counted. What cells and filters bring in is counted
//! by [`super::filters`], row by row.
//!
//! The engine reads and compiles by recursion: what is nested too deeply is refused
//! before, and the rest gets a stack that suffices.

use minijinja::machinery::ast::{
    BinOpKind, CallArg, Compare, Expr, Filter, Stmt, Test, UnaryOpKind,
};
use minijinja::machinery::{Token, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;

use super::Columns;
use super::comparisons::{compared, compared_in_a_row};
use super::filters::{NUMBERS, TEXTS, is_filter, is_test};
use crate::mapping::date::DateForm;

/// The longest template, in bytes.
const MAX_SOURCE: usize = 64 << 10;

/// How deep an expression may be nested; each operator of a chain nests what is
/// before it.
const MAX_DEPTH: u32 = 1_000;

/// How many signs and `not` may follow each other, and how many branches a
/// template may have: the engine's parser recurses for each.
const MAX_SIGNS: usize = 16;
const MAX_BRANCHES: usize = 256;

/// How often one expression may repeat what variables hold, and a whole template
/// while it sets them.
const MAX_REPEATS: u32 = 16;
const MAX_REPEATS_IN_ALL: u32 = 128;

/// The stack of the thread that reads and compiles: enough for the deepest
/// template of the longest source.
const STACK: usize = 64 << 20;

/// Why a template is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The engine cannot read it.
    Syntax(minijinja::Error),
    /// It could take memory or time without a bound.
    Unbounded {
        /// What is wrong, as the predicate of a sentence.
        what: String,
        /// What to do.
        help: String,
    },
}

impl Refusal {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Unbounded {
            what: what.into(),
            help: help.into(),
        }
    }
}

impl From<minijinja::Error> for Refusal {
    fn from(error: minijinja::Error) -> Self {
        Self::Syntax(error)
    }
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Text with expressions in it.
    Template,
    /// One expression.
    Condition,
}

/// Checks a source and then has it compiled, with a stack that suffices for both.
/// Returns the columns that it asks for.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn checked(
    source: &str,
    kind: Source,
    compile: impl FnOnce() -> Result<(), minijinja::Error> + Send,
) -> std::io::Result<Result<Columns, Refusal>> {
    if source.len() > MAX_SOURCE {
        return Ok(Err(Refusal::new(
            format!("has more than {MAX_SOURCE} bytes"),
            "shorten it, or prepare the value in the HR system",
        )));
    }
    std::thread::scope(|threads| {
        let work = || -> Result<Columns, Refusal> {
            let columns = check(source, kind)?;
            compile()?;
            Ok(columns)
        };
        let builder = std::thread::Builder::new().stack_size(STACK);
        match builder.spawn_scoped(threads, work)?.join() {
            Ok(result) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn check(source: &str, kind: Source) -> Result<Columns, Refusal> {
    check_tokens(source, kind)?;
    let mut checker = Checker {
        scopes: vec![Vec::new()],
        repeats: 0,
        depth: 0,
        columns: Columns::default(),
    };
    match kind {
        Source::Template => {
            let template = parse(source, "template", SyntaxConfig::default())?;
            checker.statement(&template)?;
        }
        Source::Condition => {
            checker.expression(&parse_expr(source)?)?;
        }
    }
    Ok(checker.columns)
}

/// Refuses what would take the parser too deep.
fn check_tokens(source: &str, kind: Source) -> Result<(), Refusal> {
    let is_expression = kind == Source::Condition;
    let (mut signs, mut branches) = (0, 0);
    for token in tokenize(source, is_expression, SyntaxConfig::default()) {
        // The parser says it better.
        let Ok((token, _)) = token else { break };
        match token {
            Token::Minus | Token::Ident("not") => signs += 1,
            token => {
                signs = 0;
                if matches!(token, Token::Ident("else" | "elif")) {
                    branches += 1;
                }
            }
        }
        if signs > MAX_SIGNS {
            return Err(Refusal::new(
                format!("has more than {MAX_SIGNS} `not` or `-` in a row"),
                "leave out those that cancel each other",
            ));
        }
        if branches > MAX_BRANCHES {
            return Err(Refusal::new(
                format!("has more than {MAX_BRANCHES} branches (`elif`, `else`)"),
                "use the `map` of the field instead",
            ));
        }
    }
    Ok(())
}

impl Columns {
    /// A cell of the row, by the name of its column.
    fn cell(&mut self, column: &str) -> Shape {
        self.named.insert(column.to_owned());
        Shape::TEXT
    }
}

/// What is known of a value before there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// How often it can repeat what a template may handle of one row.
    repeats: u32,
    /// It is a number, or an error.
    pub(super) is_number: bool,
    /// It is a text, or an error.
    pub(super) is_text: bool,
}

impl Shape {
    const NUMBER: Self = Self {
        repeats: 0,
        is_number: true,
        is_text: false,
    };

    const TEXT: Self = Self {
        repeats: 0,
        is_number: false,
        is_text: true,
    };

    /// A value made of both.
    const fn and(self, other: Self) -> Self {
        Self {
            repeats: self.repeats.saturating_add(other.repeats),
            is_number: false,
            is_text: false,
        }
    }

    /// Something else that is made of it.
    const fn something(self) -> Self {
        Self {
            is_number: false,
            is_text: false,
            ..self
        }
    }

    /// One of them, or what a comparison of them gives.
    fn or(self, other: Self) -> Self {
        Self {
            repeats: self.repeats.max(other.repeats),
            is_number: self.is_number && other.is_number,
            is_text: self.is_text && other.is_text,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Variable<'s> {
    name: &'s str,
    shape: Shape,
}

/// Walks through a template once.
struct Checker<'s> {
    /// The variables, the innermost scope last.
    scopes: Vec<Vec<Variable<'s>>>,
    /// How often variables are repeated by what sets others.
    repeats: u32,
    depth: u32,
    columns: Columns,
}

impl<'s> Checker<'s> {
    fn statements(&mut self, statements: &[Stmt<'s>]) -> Result<(), Refusal> {
        statements.iter().try_for_each(|it| self.statement(it))
    }

    fn statement(&mut self, statement: &Stmt<'s>) -> Result<(), Refusal> {
        self.deeper()?;
        match statement {
            Stmt::Template(it) => self.statements(&it.children)?,
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(it) => {
                self.expression(&it.expr)?;
            }
            Stmt::IfCond(it) => {
                self.expression(&it.expr)?;
                self.statements(&it.true_body)?;
                self.statements(&it.false_body)?;
            }
            Stmt::ForLoop(it) => {
                if it.recursive {
                    return Err(no_such("loops cannot be `recursive`"));
                }
                let items = self.expression(&it.iter)?;
                self.scopes.push(Vec::new());
                self.bind(&it.target, items)?;
                if let Some(filter) = &it.filter_expr {
                    self.expression(filter)?;
                }
                self.statements(&it.body)?;
                self.scopes.pop();
                self.statements(&it.else_body)?;
            }
            Stmt::WithBlock(it) => {
                self.scopes.push(Vec::new());
                for (target, value) in &it.assignments {
                    let shape = self.expression(value)?;
                    self.bind(target, shape)?;
                }
                self.statements(&it.body)?;
                self.scopes.pop();
            }
            Stmt::Set(it) => {
                let shape = self.expression(&it.expr)?;
                self.bind(&it.target, shape)?;
            }
            Stmt::SetBlock(_) => {
                return Err(Refusal::new(
                    "sets a variable to a block of text",
                    "write `{% set name = … %}` with an expression",
                ));
            }
            Stmt::FilterBlock(_) => return Err(no_such("blocks cannot be filtered")),
            Stmt::AutoEscape(_) => return Err(no_such("values are not escaped")),
            Stmt::Do(_) => return Err(no_such("there are no functions")),
        }
        self.depth -= 1;
        Ok(())
    }

    /// The shape of an expression. Refuses one that is not bounded.
    fn expression(&mut self, expression: &Expr<'s>) -> Result<Shape, Refusal> {
        self.deeper()?;
        let shape = match expression {
            Expr::Var(it) => {
                self.columns.are_computed |= it.id == "row";
                self.lookup(it.id)
            }
            Expr::Const(it) => match it.value.kind() {
                ValueKind::Number => Shape::NUMBER,
                ValueKind::String => Shape::TEXT,
                _ => Shape::default(),
            },
            Expr::UnaryOp(it) => {
                let of = self.expression(&it.expr)?;
                match it.op {
                    UnaryOpKind::Neg => of,
                    UnaryOpKind::Not => of.something(),
                }
            }
            Expr::BinOp(it) => {
                let (left, right) = (self.expression(&it.left)?, self.expression(&it.right)?);
                compared(it.op, left, (right, &it.right))?;
                operation(it.op, left, right)?
            }
            Expr::Compare(it) => self.comparison(it)?,
            Expr::IfExpr(it) => {
                let shape = self.expression(&it.true_expr)?;
                let shape = match &it.false_expr {
                    Some(other) => shape.or(self.expression(other)?),
                    None => shape,
                };
                Shape {
                    repeats: shape.repeats.max(self.expression(&it.test_expr)?.repeats),
                    ..shape
                }
            }
            Expr::Filter(it) => self.filter(it)?,
            Expr::Test(it) => self.test(it)?,
            Expr::GetAttr(it) => match &it.expr {
                Expr::Var(of) if of.id == "loop" => match it.name {
                    "first" | "last" | "previtem" | "nextitem" => Shape::default(),
                    _ => Shape::NUMBER,
                },
                Expr::Var(of) if of.id == "row" => self.columns.cell(it.name),
                of => self.expression(of)?.something(),
            },
            Expr::GetItem(it) => match (&it.expr, as_text(&it.subscript_expr)) {
                (Expr::Var(of), Some(name)) if of.id == "row" => self.columns.cell(name),
                (of, _) => {
                    let of = self.expression(of)?;
                    self.any_of(of, [&it.subscript_expr])?
                }
            },
            Expr::Slice(it) => {
                let of = self.expression(&it.expr)?;
                let bounds = [&it.start, &it.stop, &it.step];
                let any = self.any_of(of, bounds.into_iter().flatten())?;
                Shape {
                    is_text: of.is_text,
                    ..any
                }
            }
            Expr::Call(_) => return Err(no_such("there are no functions and methods")),
            Expr::List(it) => self.all_of(&it.items)?,
            Expr::Tuple(it) => self.all_of(&it.items)?,
            Expr::Map(it) => {
                let keys = self.all_of(&it.keys)?;
                keys.and(self.all_of(&it.values)?)
            }
        };
        self.depth -= 1;
        if shape.repeats > MAX_REPEATS {
            return Err(too_often());
        }
        Ok(shape)
    }

    /// Several comparisons in a row, such as `1 < row['Grade']|int < 5`.
    fn comparison(&mut self, comparison: &Compare<'s>) -> Result<Shape, Refusal> {
        let mut left = self.expression(&comparison.expr)?;
        let mut all = left;
        for it in &comparison.ops {
            let right = self.expression(&it.expr)?;
            compared_in_a_row(it.op, left, (right, &it.expr))?;
            all = all.or(right);
            left = right;
        }
        Ok(all.something())
    }

    fn filter(&mut self, filter: &Filter<'s>) -> Result<Shape, Refusal> {
        let Filter { name, expr, args } = filter;
        if !is_filter(name) {
            return Err(Refusal::new(
                format!("uses the filter `{name}`, which templates do not have"),
                "docs/mapping.md lists the filters",
            ));
        }
        if *name == "date" {
            self.date_form(args)?;
        }
        let of = expr.as_ref().map(|of| self.expression(of)).transpose()?;
        let (mut all, mut are_numbers) = (of.unwrap_or_default(), true);
        for argument in args {
            let shape = self.argument(argument)?;
            all = all.and(shape);
            // `int` and `float` give it where there is no number.
            are_numbers &= shape.is_number;
        }
        Ok(Shape {
            repeats: all.repeats,
            is_number: NUMBERS.contains(name) && are_numbers,
            is_text: TEXTS.contains(name),
        })
    }

    /// Refuses a form of dates that makes no sense, which each row would fail by.
    fn date_form(&mut self, args: &[CallArg<'s>]) -> Result<(), Refusal> {
        const EXAMPLE: &str = "for example row['End']|date('%d-%m-%Y')";
        let [CallArg::Pos(form)] = args else {
            return Err(Refusal::new("gives `date` no form of dates", EXAMPLE));
        };
        let Some(form) = as_text(form) else {
            return Ok(());
        };
        if let Err(why) = DateForm::compile(form) {
            let what = format!("gives `date` a form that is not one of dates: {why}");
            return Err(Refusal::new(what, EXAMPLE));
        }
        self.columns.form.get_or_insert_with(|| form.to_owned());
        Ok(())
    }

    fn test(&mut self, test: &Test<'s>) -> Result<Shape, Refusal> {
        let Test { name, expr, args } = test;
        if !is_test(name) {
            return Err(Refusal::new(
                format!("uses the test `{name}`, which templates do not have"),
                "docs/mapping.md lists the tests",
            ));
        }
        let mut all = self.expression(expr)?;
        for argument in args {
            all = all.or(self.argument(argument)?);
        }
        Ok(all.something())
    }

    fn argument(&mut self, argument: &CallArg<'s>) -> Result<Shape, Refusal> {
        match argument {
            CallArg::Pos(it) | CallArg::Kwarg(_, it) => self.expression(it),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                Err(no_such("arguments cannot be unpacked"))
            }
        }
    }

    /// What is made of all of them.
    fn all_of(&mut self, items: &[Expr<'s>]) -> Result<Shape, Refusal> {
        let mut all = Shape::default();
        for item in items {
            all = all.and(self.expression(item)?);
        }
        Ok(all)
    }

    /// A part of the first.
    fn any_of<'e>(
        &mut self,
        first: Shape,
        others: impl IntoIterator<Item = &'e Expr<'s>>,
    ) -> Result<Shape, Refusal>
    where
        's: 'e,
    {
        let mut any = first.something();
        for other in others {
            any = any.or(self.expression(other)?);
        }
        Ok(any)
    }

    fn deeper(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::new(
                format!("is nested too deeply, or has more than {MAX_DEPTH} operators in a row"),
                "for many values, write `row['Column'] in ['A', 'B', …]`",
            ));
        }
        Ok(())
    }

    fn lookup(&self, name: &str) -> Shape {
        let mut variables = self.scopes.iter().rev().flatten();
        let found = variables.find(|it| it.name == name);
        let of_name = || match name {
            "today" => Shape::NUMBER,
            _ => Shape::default(),
        };
        found.map_or_else(of_name, |it| it.shape)
    }

    /// Gives a value to a name, or its items to several.
    fn bind(&mut self, target: &Expr<'s>, value: Shape) -> Result<(), Refusal> {
        match target {
            Expr::Var(it) if it.id == "row" => Err(Refusal::new(
                "gives another value to `row`",
                "use another name",
            )),
            Expr::Var(it) => {
                self.repeats = self.repeats.saturating_add(value.repeats);
                if self.repeats > MAX_REPEATS_IN_ALL {
                    return Err(too_often());
                }
                let shape = Shape {
                    repeats: value.repeats.saturating_add(1),
                    ..value
                };
                let scope = self.scopes.last_mut();
                let variables = scope.into_iter().flatten();
                // A branch may set it, or not.
                match variables.into_iter().find(|other| other.name == it.id) {
                    Some(variable) => variable.shape = variable.shape.or(shape),
                    None => {
                        if let Some(scope) = self.scopes.last_mut() {
                            scope.push(Variable { name: it.id, shape });
                        }
                    }
                }
                Ok(())
            }
            Expr::List(it) => {
                // What is taken out of a number is none.
                let item = value.something();
                it.items.iter().try_for_each(|it| self.bind(it, item))
            }
            _ => Err(no_such("a variable is a single name")),
        }
    }
}

fn as_text<'e>(expression: &'e Expr<'_>) -> Option<&'e str> {
    match expression {
        Expr::Const(it) => it.value.as_str(),
        _ => None,
    }
}

/// The shape of what an operator makes.
fn operation(op: BinOpKind, left: Shape, right: Shape) -> Result<Shape, Refusal> {
    use BinOpKind::{Add, Concat, Div, FloorDiv, Mul, Pow, Rem, ScAnd, ScOr, Sub};
    let are_numbers = left.is_number && right.is_number;
    Ok(match op {
        Mul if !are_numbers => {
            return Err(Refusal::new(
                "multiplies what may be text",
                "say that it is a number: `row['Hours']|float * 4`",
            ));
        }
        Mul | Sub | Div | FloorDiv | Rem | Pow | ScAnd | ScOr => left.or(right),
        Add | Concat => Shape {
            is_number: matches!(op, Add) && are_numbers,
            is_text: matches!(op, Concat),
            ..left.and(right)
        },
        _ => left.or(right).something(),
    })
}

fn no_such(what: &str) -> Refusal {
    Refusal::new(
        format!("uses what templates do not have: {what}"),
        "docs/mapping.md says what templates may do",
    )
}

fn too_often() -> Refusal {
    Refusal::new(
        "repeats what its variables hold too often",
        "set fewer variables to texts made of other variables",
    )
}
