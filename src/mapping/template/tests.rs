//! What templates may do, and what becomes of those that would take all memory
//! or never end.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::clock;
use crate::mapping::Mapping;

/// What any of these templates may take; most take a thousandth of it.
const MAX_TIME: Duration = Duration::from_secs(5);

fn mapping_of(template: &str, section: &str) -> Result<Mapping, MappingError> {
    let text = format!(
        "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n{section}\
         [fields]\nexternalId = \"ID\"\nemail = \"Mail\"\nlastName = \"Last\"\n\
         loginName = \"Login\"\nfirstName = {{ template = {template:?} }}\n"
    );
    Mapping::parse(Path::new("m.toml"), &text)
}

/// What a template makes of a row with this cell in the column `A`.
fn rendered(template: &str, cell: &str) -> Result<String, String> {
    let mapping = mapping_of(template, "").unwrap();
    mapping.templates.render("firstName", &row(cell))
}

/// A row with this cell in the column `A`.
fn row(cell: &str) -> Arc<TemplateRow> {
    let mut row = TemplateRow::new(
        Arc::new(HashMap::from([("A".to_owned(), 0)])),
        Date::constant(2026, 11, 27),
    );
    row.push(cell, CellKind::Text, None);
    row.into()
}

/// What is wrong with a mapping that has this template, and with one that has
/// this condition.
#[track_caller]
fn refusal(of: Result<Mapping, MappingError>) -> String {
    let error = of.err().unwrap_or_else(|| panic!("it is taken"));
    assert!(error.help().is_some(), "{error}");
    error.to_string()
}

#[track_caller]
fn assert_quick<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = clock::monotonic();
    let done = work();
    assert!(begun.elapsed() < MAX_TIME, "{what}: {:?}", begun.elapsed());
    done
}

/// An expression that is repeated, below the longest source.
fn long(begin: &str, piece: &str, end: &str) -> String {
    let times = (60_000 - begin.len() - end.len()) / piece.len();
    format!("{begin}{}{end}", piece.repeat(times))
}

#[test]
fn usual_templates_make_what_they_say() {
    for (template, text) in [
        ("{{ row.A[:1] }}{{ row['A']|upper }}", "aANN LEE"),
        ("{{ row.A|split|map('capitalize')|join('.') }}", "Ann.Lee"),
        (
            "{{ row.A|replace(' ', '') ~ '@' ~ 'example.com' }}",
            "annlee@example.com",
        ),
        (
            "{% set parts = row.A|split %}{{ parts[0] }}-{{ parts|last }}",
            "ann-lee",
        ),
        (
            "{% for part in row.A|split %}{{ part[:1]|upper }}{% endfor %}",
            "AL",
        ),
        (
            "{% if row.A == 'x' %}1{% elif row.A is startingwith 'a' %}2{% endif %}",
            "2",
        ),
        ("{{ '%05d'|format(row.A|length) }} 100%", "00007 100%"),
        ("{{ '%s %% 5000%s'|format(1, 'x') }}", "1 % 5000x"),
        ("{{ row.A|length * 2 + 1 }} {{ 7.25|round(1) }}", "15 7.2"),
        (
            "{{ {'ann lee': 'A'}[row.A] }} {{ row.A|default('x') }}",
            "A ann lee",
        ),
        (
            "{{ 'B' if row.A in ['x', 'y'] else row.A or 'C' }}",
            "ann lee",
        ),
        ("{% with n = row.A|int(0) %}{{ n * 3 }}{% endwith %}", "0"),
        (
            "{% for x in row.A|list if x != ' ' %}{{ loop.index * 2 }},{% endfor %}",
            "2,4,6,8,10,12,",
        ),
    ] {
        assert_eq!(
            rendered(template, "ann lee").as_deref(),
            Ok(text),
            "{template}"
        );
    }
}

#[test]
fn a_template_that_could_grow_without_a_bound_is_an_error_of_the_mapping() {
    let doubled = "{% set a = a ~ a %}".repeat(40);
    let nested = "{% with a = a ~ a %}".repeat(40) + &"{% endwith %}".repeat(40);
    let sums = (0..30).map(|at| format!("{{% set b{at} = [a, a, a, a, a] %}}"));
    for (template, words) in [
        ("{{ 'x' * 1000000000 }}", "multiplies what may be text"),
        ("{{ row.A * 10 }}", "multiplies what may be text"),
        ("{{ 1000 * [1] }}", "multiplies what may be text"),
        ("{{ row.A|int('x') * 10 }}", "multiplies what may be text"),
        ("{{ row.A|batch(2000000000)|list }}", "the filter `batch`"),
        ("{{ row.A|indent(2000000000) }}", "the filter `indent`"),
        ("{% set n = namespace(a=1) %}", "no functions and methods"),
        ("{{ range(100000)|list }}", "no functions and methods"),
        ("{{ row.A.format(1) }}", "no functions and methods"),
        ("{{ debug() }}", "no functions and methods"),
        ("{{ row.A|join(*row.A) }}", "arguments cannot be unpacked"),
        (
            "{% set a %}x{% endset %}",
            "sets a variable to a block of text",
        ),
        (
            "{% filter upper %}x{% endfilter %}",
            "blocks cannot be filtered",
        ),
        (
            "{% autoescape true %}x{% endautoescape %}",
            "values are not escaped",
        ),
        (
            "{% for x in [1] recursive %}{{ loop([2]) }}{% endfor %}",
            "cannot be `recursive`",
        ),
        ("{% set row = 1 %}", "gives another value to `row`"),
        (
            "{% for row in [1] %}{% endfor %}",
            "gives another value to `row`",
        ),
        ("{% set row.b = 1 %}", "a variable is a single name"),
        (
            &format!("{{% set a = row.A %}}{doubled}{{{{ a }}}}"),
            "too often",
        ),
        (&format!("{{% set a = row.A %}}{nested}"), "too often"),
        (
            &format!("{{% set a = row.A %}}{}", sums.collect::<String>()),
            "too often",
        ),
        (
            &format!("{{% set a = row.A %}}{{{{ a{} }}}}", "~a".repeat(20)),
            "too often",
        ),
        (&" ".repeat(70_000), "has more than 65536 bytes"),
    ] {
        let error = assert_quick(template, || refusal(mapping_of(template, "")));
        assert!(error.contains(words), "{error}");
        assert!(error.starts_with("m.toml, line 11, column 2"), "{error}");
        assert!(error.len() < 300, "{error}");
    }
}

#[test]
fn no_template_and_no_condition_is_nested_too_deeply_for_the_stack() {
    let mut expressions = vec![
        long("", "not ", "row.A"),
        long("", "-", "1"),
        long("", "- not ", "1"),
        long("row.A", ".b", ""),
        long("row.A", "[0]", ""),
        long("row.A", "|lower", ""),
        long("row.A", " is string", ""),
        long("row.A", " ~ 'x'", ""),
        long("1", "+1", ""),
        long("1", " if 1 else 1", ""),
        long("row.A == 1", " or row.A == 1", ""),
    ];
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("row[", "]"),
        ("-(", ")"),
    ] {
        let times = 60_000 / (open.len() + close.len()) - 1;
        expressions.push(format!("{}1{}", open.repeat(times), close.repeat(times)));
        // An end that is missing, too.
        expressions.push(open.repeat(50_000 / open.len()));
    }
    for expression in &expressions {
        let begin: String = expression.chars().take(40).collect();
        let condition = format!("[source]\nwhere = {expression:?}\n");
        assert_quick(&begin, || refusal(mapping_of("x", &condition)));
        let template = format!("{{{{ {expression} }}}}");
        assert_quick(&begin, || refusal(mapping_of(&template, "")));
    }
    for (begin, piece, end) in [
        ("{% if 1 %}", "{% elif 1 %}", "{% endif %}"),
        ("", "{% if 1 %}", ""),
        ("", "{% for x in [1] %}", ""),
        ("", "{% with x = 1 %}", ""),
    ] {
        let template = long(begin, piece, end);
        assert_quick(piece, || refusal(mapping_of(&template, "")));
    }
}

#[test]
fn a_condition_of_thousands_of_values_is_quick_as_a_list_and_refused_as_a_chain() {
    let list: Vec<_> = (0..5_000).map(|at| format!("'D{at}'")).collect();
    let condition = format!("[source]\nwhere = \"row.A in [{}]\"\n", list.join(","));
    assert_quick("list", || mapping_of("x", &condition).unwrap());
    let chain = |terms: u32| {
        let terms: Vec<_> = (0..terms).map(|at| format!("row.A=='D{at}'")).collect();
        format!("[source]\nwhere = \"{}\"\n", terms.join(" or "))
    };
    assert_quick("short chain", || mapping_of("x", &chain(900)).unwrap());
    let error = assert_quick("chain", || refusal(mapping_of("x", &chain(3_000))));
    assert!(
        error.contains("more than 1000 operators in a row"),
        "{error}"
    );
    let error = assert_quick("chain", || refusal(mapping_of("x", &chain(20_000))));
    assert!(
        error.contains("`where` in [source] has more than 65536 bytes"),
        "{error}"
    );
}

#[test]
fn a_row_of_which_a_template_would_make_too_much_is_a_problem_of_the_row() {
    let templates = [
        "{{ row.A|replace('x', row.A) }}",
        "{{ row.A|replace('', row.A) }}",
        "{{ row.A|list|join(row.A) }}",
        "{{ row.A|list|join(d=row.A) }}",
        "{{ row.A|list|map('replace', 'x', row.A)|list }}",
        "{{ (row.A|list + row.A|list)|sort|unique|join(row.A) }}",
        "{{ '%s%s%s%s%s%s%s%s'|format(row.A, row.A, row.A, row.A, row.A, row.A, row.A, row.A) }}",
        "{% for x in row.A|list %}{% for y in row.A|list %}{{ y ~ x }}{% endfor %}{% endfor %}",
        "{% set a = row.A %}{% for x in a|list %}{% if a ~ a ~ a ~ a == x %}{% endif %}{% endfor %}",
        "{% for x in row.A|list %}0123456789012345678901234567890123456789{% endfor %}",
        "{% set a = row.A|split('') %}{{ a + a + a + a }}",
        "{{ '%2000000000d'|format(1) }}",
        "{{ '%.2000000000f'|format(1.5) }}",
        "{{ '%*d'|format(2000000000, 1) }}",
        "{{ '%(a)2000000000d'|format(a=1) }}",
        "{{ '%s'|format([row.A, row.A]) }}",
        "{{ [[row.A]]|join }}",
    ];
    for cell in ["x".repeat(20_000), "x".repeat(1 << 20)] {
        for template in templates {
            let made = assert_quick(template, || rendered(template, &cell));
            let problem = made.expect_err(template);
            assert!(problem.len() < 150 && !problem.contains("xx"), "{problem}");
        }
    }
    let problem = rendered("{{ row.A }}", &"x".repeat(1 << 20)).unwrap_err();
    assert_eq!(
        problem,
        "it handles more than 131072 bytes of the row: a cell is very long, or text is repeated"
    );
    let long = "x".repeat(60_000);
    assert_eq!(rendered("{{ row.A }}", &long), Ok(long));
    assert_eq!(
        rendered("{{ 1.5|round(2000000000) }}", ""),
        Ok("1.5".into())
    );
}

#[test]
fn a_template_handles_as_much_of_each_row_however_many_went_before() {
    let mapping = mapping_of("{{ row.A }}", "").unwrap();
    let row = row(&"x".repeat(50_000));
    for _ in 0..5 {
        assert!(mapping.templates.render("firstName", &row).is_ok());
    }
}

/// The columns that a template asks for; `?` where it may ask for any.
fn asked(template: &str) -> Vec<String> {
    let mapping = mapping_of(template, "").unwrap();
    let columns = mapping.templates.columns("firstName").unwrap().clone();
    let others = columns.are_computed.then(|| "?".to_owned());
    columns.named.into_iter().chain(others).collect()
}

#[test]
fn a_template_gets_the_columns_that_it_names_however_it_names_them() {
    assert_eq!(
        asked("{{ row.A }}{% if row['B'] %}{{ row[\"C d\"]|lower }}{% endif %}"),
        ["A", "B", "C d"]
    );
    assert_eq!(
        asked("{% for x in [row.A, {'k': row['B']}] if row.C %}{{ row.D[0:2] }}{% endfor %}"),
        ["A", "B", "C", "D"]
    );
    assert_eq!(asked("{{ arrow.A }} row.A {# row.B #}"), [""; 0]);
    for computed in [
        "{{ row['A' ~ '1'] }}",
        "{{ row[row.A] }}",
        "{% for x in ['A'] %}{{ row[x] }}{% endfor %}",
        "{% set r = row %}{{ r.A }}",
        "{{ [row, 1]|first }}",
        "{% with r = row %}{{ r['A'] }}{% endwith %}",
    ] {
        assert_eq!(asked(computed).last().unwrap(), "?", "{computed}");
    }
}

#[test]
fn a_text_is_not_compared_with_a_number() {
    for wrong in [
        "row['Left'] != 1",
        "row.Left == 0",
        "1 == row['Left']",
        "row['Left'] in [0, 1]",
        "row['Left'] not in [1]",
        "row['Left']|trim|lower > 4",
        "row['Left'][:1] == 1",
        "not (row['Left'] == 1)",
        "row['Status'] == 'A' and row['Left'] != 1",
        "(row['A'] or row['B']) == 1",
        "'1' < row['Left']|int",
        "row['Left'] in (0, 1)",
        "0 < row['Left'] < 2",
    ] {
        let section = format!("[source]\nwhere = {wrong:?}\n");
        let said = refusal(mapping_of("{{ row['A'] }}", &section));
        assert!(
            said.contains("compares a text with a number"),
            "{wrong}: {said}"
        );
        let template = format!("{{% if {wrong} %}}a{{% endif %}}");
        refusal(mapping_of(&template, ""));
    }
    for right in [
        "row['Left'] != '1'",
        "row['Left']|int != 1",
        "row['Hours']|float > 4.5",
        "row['Left'] in ['0', '1']",
        "row['Left']|length == 1",
        "row['A'] == row['B']",
        "(row['Left'] == '1') == true",
        "row['A']|length > row['B']|length",
        "1 in row['Flags']",
        "row['Flags'] in row['All']",
    ] {
        let section = format!("[source]\nwhere = {right:?}\n");
        assert!(mapping_of("{{ row['A'] }}", &section).is_ok(), "{right}");
    }
}

#[test]
fn a_loop_tells_more_than_numbers() {
    let text = "{% for x in row['A']|list %}{% if loop.previtem == 'a' %}{{ x }}{% endif %}\
                {% if loop.last != 'b' and loop.index == 1 %}-{% endif %}{% endfor %}";
    assert!(mapping_of(text, "").is_ok());
    refusal(mapping_of(
        "{% for x in row['A']|list %}{{ loop.index == 'a' }}{% endfor %}",
        "",
    ));
}

#[test]
fn days_are_compared_with_today() {
    // The row is read on 27 November 2026.
    for (cell, expected) in [
        ("26-11-2026", "past"),
        ("27-11-2026", "to come"),
        ("28-11-2026", "to come"),
        // As a spreadsheet's date cell.
        ("2026-11-26", "past"),
        ("2026-11-26 00:00:00", "past"),
        ("", "never"),
    ] {
        let template = "{% if not row['A'] %}never{% elif row['A']|date('%d-%m-%Y') < today %}past\
                        {% else %}to come{% endif %}";
        assert_eq!(rendered(template, cell).unwrap(), expected, "{cell}");
    }
    // The form comes first where both fit.
    let of_form = "{{ row['A']|date('%Y-%d-%m') < today }}";
    assert_eq!(rendered(of_form, "2026-12-10").unwrap(), "True");
    let later = "{{ row['A']|date('%d-%m-%y') + 14 < today }}";
    assert_eq!(rendered(later, "12-11-26").unwrap(), "True");
    assert_eq!(rendered(later, "13-11-26").unwrap(), "False");
}

#[test]
fn a_text_that_is_no_date_is_refused_and_not_quoted() {
    for cell in ["31-02-2026", "soon", ""] {
        let problem = rendered("{{ row['A']|date('%d-%m-%Y') < today }}", cell).unwrap_err();
        assert!(
            problem.contains("the text is not a date of that form"),
            "{problem}"
        );
        assert!(!problem.contains("soon"), "{problem}");
    }
}

#[test]
fn a_cell_by_itself_is_no_day() {
    let condition = "[source]\nwhere = \"row['A'] < today\"\n";
    let problem = refusal(mapping_of("x", condition));
    assert!(
        problem.contains("compares a text with a number"),
        "{problem}"
    );
}
