"""Makes the workbooks of this folder: see README.md.

    pip install openpyxl xlwt && python make.py

LibreOffice must be installed. The people are invented.
"""

import datetime
import io
import pathlib
import struct
import subprocess
import tempfile
import zipfile

import openpyxl
import openpyxl.comments
import xlwt
from xlwt import CompoundDoc

HERE = pathlib.Path(__file__).parent
HEADER = "ID First Last Team Start Seen Share Active Phone Pay Code Error Chief Shift Note".split()
DAY, MINUTE, TIME, SPAN = "dd-mm-yyyy", "dd/mm/yyyy hh:mm", "hh:mm", "[h]:mm"
PHONE = "00 00 00 00 00"


class Formula(str):
    """A formula, with what it results in."""

    def __new__(cls, formula, result, tokens):
        made = super().__new__(cls, formula)
        made.result, made.tokens = result, tokens
        return made


class Error(int):
    pass


DIVISION = Formula("=1/0", Error(7), b"\x1e\x01\x00\x1e\x00\x00\x06")
NOTHING = Formula("=$Z$99", 0.0, None)
EMPTY = Formula('=""', "", None)


def day(year, month, day, hour=0, minute=0):
    return datetime.datetime(year, month, day, hour, minute)


def serial(date):
    return (date - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)


# Of a cell: its value, and its format.
PEOPLE = [
    [(1523, "000000"), "Zoë", "Núñez", "Care", (day(2024, 3, 1), DAY),
     (day(2024, 3, 1, 8, 30), MINUTE), (0.8, "0.0%"), True, (612345678, PHONE), (1523.5, "#,##0.00"),
     "E1", DIVISION, "Bo", (8.5 / 24, TIME), "A  B\nC"],
    [(1524, "000000"), "Łukasz", "Wójcik", None, (day(1999, 12, 31), DAY),
     (day(2024, 3, 1), MINUTE), (0.125, "0.0%"), False, (612345679, PHONE), (-3, "#,##0.00"),
     "00123", "none", NOTHING, (1.5, SPAN), '<&>"'],
    [(42, "000000"), "李", "小龍", "Sales", (day(2026, 11, 26), DAY),
     None, (1, "0.0%"), True, None, (1e15, "#,##0.00"),
     " x ", "#HR", EMPTY, None, "hello " * 10],
    [(43, "000000"), "🙂", "Lee", "Sales", None, None, None, None, None, 123456789012,
     "7", None, "Bo", None, None],
]
HIDDEN_ROW, HIDDEN_COLUMN, MERGED = 6, 9, (4, 5, 3)


def rows():
    """Row number from 1, and its cells."""
    yield 1, ["Staff list"]
    yield 3, HEADER
    for number, person in enumerate(PEOPLE, 4):
        yield number, person


def of_libreoffice():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Staff"
    for row, cells in rows():
        for column, cell in enumerate(cells, 1):
            value, code = cell if isinstance(cell, tuple) else (cell, "General")
            if isinstance(value, (str, int, float, datetime.datetime)):
                made = sheet.cell(row, column, str(value) if isinstance(value, Formula) else value)
                made.number_format = code
                if isinstance(value, str) and not isinstance(value, Formula):
                    made.data_type = "s"
    sheet["D4"].comment = openpyxl.comments.Comment("ask Bo", "HR")
    sheet["B6"].comment = openpyxl.comments.Comment("nickname", "HR")
    sheet.merge_cells("D4:D5")
    sheet.row_dimensions[HIDDEN_ROW].hidden = True
    sheet.column_dimensions["J"].hidden = True
    old = book.create_sheet("Old")
    old.append(HEADER)
    old.append([1, "A", "B"])
    old.sheet_state = "hidden"
    codes = book.create_sheet("Codes")
    codes.append(["Code", "Meaning"])
    codes.append(["E1", "Employee"])
    with tempfile.TemporaryDirectory() as folder:
        first = pathlib.Path(folder) / "first" / "people.xlsx"
        first.parent.mkdir()
        book.save(first)
        for end in ["xlsx", "xls", "ods"]:
            command = ["soffice", "--headless", "--convert-to", end, "--outdir", HERE, first]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def of_xlwt():
    book = xlwt.Workbook()
    sheet = book.add_sheet("Staff")
    for row, cells in rows():
        for column, cell in enumerate(cells):
            value, code = cell if isinstance(cell, tuple) else (cell, "General")
            if value is None or isinstance(value, Formula):
                continue
            style = xlwt.XFStyle()
            style.num_format_str = code
            if isinstance(value, datetime.datetime):
                value = serial(value)
            sheet.write(row - 1, column, value, style)
    # Without a result: only a spreadsheet program works it out.
    sheet.write(3, 11, xlwt.Formula("1/0"))
    sheet.row(HIDDEN_ROW - 1).hidden = True
    sheet.col(HIDDEN_COLUMN).hidden = True
    top, bottom, column = MERGED
    sheet.merged_ranges.append((top - 1, bottom - 1, column, column))
    book.save(HERE / "people-xlwt.xls")


def record(kind, body=b""):
    return struct.pack("<HH", kind, len(body)) + body


def styles():
    """The formats of cells, the first of which is General."""
    codes = [cell[1] for person in PEOPLE for cell in person if isinstance(cell, tuple)]
    return ["General", *dict.fromkeys(codes)]


def of_excel_5():
    """BIFF5, in which texts are bytes of a code page."""
    codes = styles()
    sheet = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0, 0))
    sheet += record(0x0200, struct.pack("<HHHHH", 0, 7, 0, len(HEADER), 0))
    sheet += record(0x007D, struct.pack("<HHHHHxx", HIDDEN_COLUMN, HIDDEN_COLUMN, 2000, 0, 1))
    sheet += record(0x0208, struct.pack("<HHHHHHHH", HIDDEN_ROW - 1, 0, 15, 255, 0, 0, 0x20, 0))
    for row, cells in rows():
        for column, cell in enumerate(cells):
            value, code = cell if isinstance(cell, tuple) else (cell, "General")
            place = struct.pack("<HHH", row - 1, column, codes.index(code))
            result = value.result if isinstance(value, Formula) else value
            if isinstance(value, datetime.datetime):
                result = serial(value)
            tail = struct.pack("<HIH", 0, 0, 0)
            if value is None:
                continue
            if isinstance(value, Formula):
                if isinstance(result, Error):
                    said = bytes([2, 0, result, 0, 0, 0, 255, 255])
                elif result == "":
                    said = bytes([0, 0, 0, 0, 0, 0, 255, 255])
                else:
                    said = struct.pack("<d", result)
                sheet += record(0x0006, place + said + tail)
                if result == "":
                    sheet += record(0x0207, struct.pack("<H", 0))
            elif isinstance(result, bool):
                sheet += record(0x0205, place + bytes([result, 0]))
            elif isinstance(result, str):
                text = result.encode("cp1252", "replace")
                sheet += record(0x0204, place + struct.pack("<H", len(text)) + text)
            elif isinstance(result, int) and 0 <= result < 1 << 29:
                sheet += record(0x027E, place + struct.pack("<I", result << 2 | 2))
            else:
                sheet += record(0x0203, place + struct.pack("<d", result))
    sheet += record(0x000A)

    def globals_of(start):
        stream = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0, 0))
        stream += record(0x0042, struct.pack("<H", 1252))
        for number, code in enumerate(codes):
            stream += record(0x041E, struct.pack("<HB", 164 + number, len(code)) + code.encode())
        for number in range(len(codes)):
            stream += record(0x00E0, struct.pack("<HHH10x", 0, 164 + number, 0))
        stream += record(0x0085, struct.pack("<IHB", start, 0, 5) + b"Staff")
        return stream + record(0x000A)

    stream = globals_of(len(globals_of(0))) + sheet
    saved = io.BytesIO()
    CompoundDoc.XlsDoc().save(saved, stream + bytes(max(0, 4096 - len(stream))))
    name = "Workbook\0".encode("utf-16-le")
    entry = saved.getvalue()
    at = entry.index(name)
    renamed = "Book\0".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 10)
    (HERE / "people-5.xls").write_bytes(entry[:at] + renamed + entry[at + 66:])


def binary(kind, body=b""):
    """A record of an .xlsb."""
    length, lengths = len(body), b""
    while True:
        lengths += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            break
    kinds = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return kinds + lengths + body


def wide(text):
    units = text.encode("utf-16-le")
    return struct.pack("<I", len(units) // 2) + units


def of_records():
    """XLSB, from the published layout of its records."""
    codes, shared = styles(), []
    parts = {}
    types = "".join(
        f'<Override PartName="/xl/{name}.bin" ContentType="application/vnd.ms-excel.{kind}"/>'
        for name, kind in [
            ("workbook", "sheet.binary.macroEnabled.main"), ("worksheets/sheet1", "worksheet"),
            ("worksheets/sheet2", "worksheet"), ("styles", "styles"),
            ("sharedStrings", "sharedStrings"),
        ])
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts["[Content_Types].xml"] = (
        f'{head}<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>')

    def relations(*them):
        each = "".join(
            f'<Relationship Id="rId{number}" Type="{office}/{kind}" Target="{target}"/>'
            for number, (kind, target) in enumerate(them, 1))
        return f'{head}<Relationships xmlns="{package}/relationships">{each}</Relationships>'

    parts["_rels/.rels"] = relations(("officeDocument", "xl/workbook.bin"))
    parts["xl/_rels/workbook.bin.rels"] = relations(
        ("worksheet", "worksheets/sheet1.bin"), ("worksheet", "worksheets/sheet2.bin"),
        ("styles", "styles.bin"), ("sharedStrings", "sharedStrings.bin"))
    sheets = b"".join(
        binary(156, struct.pack("<II", state, number) + wide(f"rId{number}") + wide(name))
        for number, state, name in [(1, 0, "Staff"), (2, 1, "Old")])
    parts["xl/workbook.bin"] = (
        binary(131) + binary(153, struct.pack("<II", 0x10020, 0) + wide(""))
        + binary(143) + sheets + binary(144) + binary(132))
    formats = b"".join(
        binary(44, struct.pack("<H", 164 + number) + wide(code))
        for number, code in enumerate(codes))
    xfs = b"".join(
        binary(47, struct.pack("<HHHHHBBHH", 0, 164 + number, 0, 0, 0, 0, 0, 0, 1))
        for number in range(len(codes)))
    font = struct.pack("<HHHHBBBB", 200, 0, 400, 0, 0, 2, 0, 0) + struct.pack("<BBhBBBB", 7, 0, 0, 0, 0, 0, 255)
    parts["xl/styles.bin"] = (
        binary(278) + binary(615, struct.pack("<I", len(codes))) + formats + binary(616)
        + binary(611, struct.pack("<I", 1)) + binary(43, font + b"\0" + wide("Arial")) + binary(612)
        + binary(617, struct.pack("<I", len(codes))) + xfs + binary(618) + binary(279))

    def cell(column, value, code):
        place = struct.pack("<II", column, codes.index(code))
        if isinstance(value, Formula):
            tokens = {
                DIVISION: DIVISION.tokens,
                NOTHING: b"\x24" + struct.pack("<IH", 98, 25),
                EMPTY: b"\x17\x00\x00",
            }[value]
            behind = struct.pack("<HI", 0, len(tokens)) + tokens + struct.pack("<I", 0)
            if isinstance(value.result, Error):
                return binary(11, place + bytes([value.result]) + behind)
            if isinstance(value.result, str):
                return binary(8, place + wide(value.result) + behind)
            return binary(9, place + struct.pack("<d", value.result) + behind)
        if isinstance(value, bool):
            return binary(4, place + bytes([value]))
        if isinstance(value, str):
            # Some texts are shared, and some are not.
            if len(value) % 2:
                return binary(6, place + wide(value))
            if value not in shared:
                shared.append(value)
            return binary(7, place + struct.pack("<I", shared.index(value)))
        if isinstance(value, datetime.datetime):
            value = serial(value)
        if isinstance(value, int) and 0 <= value < 1 << 29:
            return binary(2, place + struct.pack("<I", value << 2 | 2))
        return binary(5, place + struct.pack("<d", value))

    def sheet(table, hidden_row, columns=b"", behind=b""):
        last = max(row for row, _ in table) - 1
        body = binary(129) + binary(148, struct.pack("<IIII", 0, last, 0, len(HEADER) - 1))
        body += columns + binary(145)
        for row, cells in table:
            flags = 0x10 if row == hidden_row else 0
            width = struct.pack("<III", 1, 0, len(cells) - 1)
            body += binary(0, struct.pack("<IIHBBB", row - 1, 0, 300, 0, flags, 0) + width)
            for column, given in enumerate(cells):
                value, code = given if isinstance(given, tuple) else (given, "General")
                if value is not None:
                    body += cell(column, value, code)
        return body + binary(146) + behind + binary(130)

    hidden = struct.pack("<IIIIH", HIDDEN_COLUMN, HIDDEN_COLUMN, 2560, 0, 1)
    top, bottom, column = MERGED
    merged = struct.pack("<IIII", top - 1, bottom - 1, column, column)
    parts["xl/worksheets/sheet1.bin"] = sheet(
        list(rows()), HIDDEN_ROW, binary(390) + binary(60, hidden) + binary(391),
        binary(177, struct.pack("<I", 1)) + binary(176, merged) + binary(178))
    parts["xl/worksheets/sheet2.bin"] = sheet([(1, HEADER), (2, [1, "A", "B"])], 0)
    count = struct.pack("<II", len(shared), len(shared))
    texts = b"".join(binary(19, b"\0" + wide(text)) for text in shared)
    parts["xl/sharedStrings.bin"] = binary(159, count) + texts + binary(160)
    with zipfile.ZipFile(HERE / "people.xlsb", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), part,
                             zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    of_libreoffice()
    of_xlwt()
    of_excel_5()
    of_records()
