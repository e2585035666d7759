//! Words of header rows and of rows that explain them, and not in the rows of
//! people.

use crate::headers::is_known;
pub(super) use crate::headers::normalized;

/// What the names of many more columns end with.
const ENDS: [&str; 10] = [
    "naam", "name", "nummer", "number", "datum", "date", "adres", "address", "code", "status",
];

/// The same in Japanese and Chinese, where no white space is between words.
const PARTS: [&str; 12] = [
    "番号",
    "氏名",
    "姓名",
    "部署",
    "部門",
    "メール",
    "電話",
    "工号",
    "邮箱",
    "邮件",
    "部门",
    "电话",
];

/// What a row of types or of duties consists of.
const TYPES: &str = "string text char varchar nvarchar character alphanumeric number numeric int \
    integer bigint smallint decimal float double boolean bool bit date datetime timestamp time \
    uuid guid enum list email required optional mandatory verplicht optioneel tekst getal \
    datum pflicht pflichtfeld optional zahl obligatoire facultatif texte nombre obligatorio \
    opcional texto fecha";

/// What instructions for a column begin with.
const INSTRUCTIONS: &str = "required optional mandatory enter fill format must max maximum min \
    minimum unique please use select choose leave do only see verplicht optioneel vul formaat \
    maximaal uniek gebruik kies laat pflicht pflichtfeld bitte format eindeutig verwenden \
    auswahlen obligatoire facultatif saisir maximum unique laisser obligatorio opcional \
    introduzca maximo unico dejar";

/// What the first cell of an example row says.
const EXAMPLES: &str = "example voorbeeld beispiel exemple ejemplo";

/// The same with a mark behind it only: people are called Sample and Muster, and
/// companies EX.
const MARKED_EXAMPLES: &str = "sample muster eg ex bijv zb";

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// Whether a cell is the name of a column.
pub(super) fn is_column_name(cell: &str) -> bool {
    let word = normalized(cell);
    is_known(cell)
        || ENDS.iter().any(|end| word.ends_with(end))
        || PARTS.iter().any(|part| cell.contains(part))
}

/// Whether a cell is a type or a duty: `varchar(50)`, `Required`.
pub(super) fn is_type(cell: &str) -> bool {
    let letters = |char: &char| !char.is_ascii_digit();
    let word: String = normalized(cell).chars().filter(letters).collect();
    is_one_of(TYPES, &word)
}

/// Whether a cell says how to fill its column in: `Required, at most 50 characters`.
pub(super) fn is_instruction(cell: &str) -> bool {
    let mut words = cell.split(|char: char| !char.is_alphanumeric());
    let first = words.find(|word| !word.is_empty()).unwrap_or_default();
    is_one_of(INSTRUCTIONS, &normalized(first))
}

/// Whether a cell says that its row is an example: `Example:`, `e.g. 1234`.
pub(super) fn is_example(cell: &str) -> bool {
    let first = cell.split_whitespace().next().unwrap_or_default();
    let (whole, first_word) = (normalized(cell), normalized(first));
    let is_marked = first.ends_with(['.', ':']);
    let is_known = is_one_of(EXAMPLES, &first_word) || is_one_of(MARKED_EXAMPLES, &first_word);
    is_one_of(EXAMPLES, &whole) || (is_marked && is_known)
}
