//! How long functions are, and how many parameters they take.

use crate::sources::{Source, is_of_word, sources};

const MAX_LINES: usize = 100;
/// A receiver is not counted, a tuple as what is in it.
const MAX_PARAMETERS: usize = 6;

struct Function {
    name: String,
    line: usize,
    lines: usize,
    parameters: usize,
}

/// The functions of a file's program text.
fn functions(code: &str) -> Vec<Function> {
    let chars: Vec<char> = code.chars().collect();
    let mut functions = Vec::new();
    let mut line = 1;
    for at in 0..chars.len() {
        line += usize::from(chars[at] == '\n');
        let is_word = chars[at..].starts_with(&['f', 'n', ' '])
            && (at == 0 || !is_of_word(chars[at - 1]))
            && chars.get(at + 3).is_some_and(|it| is_of_word(*it));
        if is_word && let Some(function) = function(&chars[at + 3..], line) {
            functions.push(function);
        }
    }
    functions
}

/// The function whose name `rest` begins with; `None` if it has no body.
fn function(rest: &[char], line: usize) -> Option<Function> {
    let name: String = rest.iter().take_while(|it| is_of_word(**it)).collect();
    let (mut depth, mut angles, mut lines, mut before) = (0_usize, 0_usize, 1, ' ');
    let mut is_closed = false;
    let mut parameter = String::new();
    let mut parameters = Vec::new();
    for &char in &rest[name.chars().count()..] {
        lines += usize::from(char == '\n');
        let is_parameter = !is_closed && depth > 0;
        match char {
            '<' if !is_closed => angles += 1,
            '>' if !is_closed && !matches!(before, '-' | '=') => angles -= 1,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ';' if depth == 0 => return None,
            _ => {}
        }
        before = char;
        let is_end = angles == 0 && (depth == 0 && char == ')' || depth == 1 && char == ',');
        if is_parameter && is_end {
            parameters.push(std::mem::take(&mut parameter));
        } else if is_parameter {
            parameter.push(char);
        }
        // Parentheses before these are those of generics.
        is_closed |= is_parameter && angles == 0 && depth == 0;
        if is_closed && depth == 0 && char == '}' {
            return Some(Function {
                name,
                line,
                lines,
                parameters: parameters.iter().map(|it| hidden_in(it)).sum(),
            });
        }
    }
    None
}

/// How many values a parameter is.
fn hidden_in(parameter: &str) -> usize {
    let (pattern, kind) = parameter.split_once(':').unwrap_or((parameter, ""));
    if pattern.trim().is_empty() || pattern.split(|it| !is_of_word(it)).any(|it| it == "self") {
        return 0;
    }
    let Some(tuple) = kind.trim().strip_prefix('(') else {
        return 1;
    };
    let (mut depth, mut values) = (1_usize, 1);
    for char in tuple
        .trim_end_matches(')')
        .trim()
        .trim_end_matches(',')
        .chars()
    {
        match char {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => values += 1,
            _ => {}
        }
    }
    values
}

#[test]
fn no_function_is_too_long_or_takes_too_much() {
    let (mut breaches, mut n_functions) = (Vec::new(), 0);
    for Source { name, code, .. } in sources().iter().filter(|it| !it.is_of_tests()) {
        for function in functions(code) {
            n_functions += 1;
            let is_too_big = function.lines > MAX_LINES || function.parameters > MAX_PARAMETERS;
            if is_too_big {
                breaches.push(format!(
                    "src/{name}:{}: `{}` has {} lines and {} parameters",
                    function.line, function.name, function.lines, function.parameters
                ));
            }
        }
    }
    assert!(n_functions > 1000, "only {n_functions} functions found");
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn lines_and_parameters_are_counted() {
    let found = functions(
        "fn a() {}\nimpl X {\n    fn b<F: Fn(u8, u8) -> u8>(&self, f: F, (x, y): (u8, u8)) -> u8 {\n        \
         f(x, y)\n    }\n    fn c(\n        mut self: Box<Self>,\n        d: HashMap<u8, Vec<u8>>,\n    );\n}\n\
         fn e(g: impl Fn() -> [u8; 3], h: &mut dyn FnMut(u8, u8) -> Result<(), E>,) where T: X<Y> { {} }\n",
    );
    let counted: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.line, it.lines, it.parameters))
        .collect();
    assert_eq!(counted, [("a", 1, 1, 0), ("b", 3, 3, 3), ("e", 11, 1, 2)]);
}
