"""Tables of a learning platform: who is in its roster, and points into its own grade column, nothing else.

Moodle numbers participants anew in every assignment, Canvas has one number a student; grading/students.json
remembers both, so that points find the way back.
"""

import hashlib
import json
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from course_utils import files
from course_utils.grading.intake import STUDENT_ID

STUDENTS = "students.json"
# Columns that name a student, the best first; what students know of themselves before what a platform counts.
# Moodle's grading worksheet: mod/assign/feedback/offline/importgradeslib.php in Moodle's source, and
# cladelpino/MoodleAssignmentScripts; Canvas' gradebook: lib/gradebook_exporter.rb in Canvas' source, and Ohio
# State University's guide "Import CSV File to Carmen Grades".
ID_COLUMNS = (
    *("student_id", "username", "anmeldename", "benutzername", "sis login id"),
    *("email address", "e-mail-adresse", "email", "e-mail", "id number", "matrikelnummer", "id-nummer"),
    *("sis user id", "integration id", "student id", "student", "id"),
)
NAME_COLUMNS = ("full name", "vollständiger name", "nombre completo", "nom complet", "name")
GRADE_COLUMNS = ("grade", "bewertung", "note", "calificación", "nota", "valutazione", "beoordeling")
MOST_COLUMNS = ("maximum grade", "bestwertung", "beste bewertung", "höchstpunktzahl")
BLIND = ("participant", "teilnehmer/in", "teilnehmer", "participante", "deelnemer")  # all are called so
LATIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


class Person(NamedTuple):
    """One line of a table."""

    id: str  # as the student is listed in our report
    name: str  # "" where the table has none
    keys: frozenset  # ids that the table has of them, and `id`, as `key` spells them
    number: str  # Moodle's participant or Canvas' ID; "" where there is none
    line: int


class Cell(NamedTuple):
    """A field of a CSV: where it stands in the text, and what it says."""

    start: int
    end: int
    value: str


class Table(NamedTuple):
    """A CSV, its text untouched."""

    text: str
    encoding: str
    delimiter: str
    rows: list  # of lists of `Cell`, without empty lines
    columns: dict  # {name, as `key` spells it: place}
    platform: str  # whose sheet it is: "canvas", "moodle" or ""


# --- names -----------------------------------------------------------------------------------


def key(text):
    """A text as it is compared: case, blanks and the ways to write an umlaut don't matter."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def same_name(one, other):
    """Whether two names are of one person: 'Müller, Jörg' and 'Jörg Müller'."""
    words = [sorted(re.findall(r"[^\W_]+", key(name))) for name in (one, other)]
    return words[0] == words[1] != []


def slug(text):
    """A student id that files and nbgrader can have, of any text; "" if nothing of it is left."""
    text = unicodedata.normalize("NFC", text.strip()).translate(LATIN)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9._@-]+", "-", text).strip("-._@")[:80]
    return text if STUDENT_ID.fullmatch(text) else ""


def digest(*texts):
    """Six letters that stand for texts."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:6]


def without_letters(name, number):
    """An id for somebody whose name has no letter that an id can have."""
    return f"student-{number or digest(name)}"


# --- reading ---------------------------------------------------------------------------------


def read(path):
    """The `Table` of a CSV with commas, semicolons or tabs, in UTF-8, UTF-16 or as Windows writes it."""
    raw = Path(path).read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16-le" if raw[:1] == b"\xff" else "utf-16-be"
    else:
        encoding = "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"  # gives every byte back as it was
        text = raw.decode(encoding)
    tables = {delimiter: _rows(text, delimiter) for delimiter in ",;\t"}
    delimiter = max(tables, key=lambda d: len(tables[d][0]) if tables[d] else 0)
    rows = tables[delimiter]
    columns = {key(cell.value): at for at, cell in reversed(list(enumerate(rows[0] if rows else ())))}
    return Table(text, encoding, delimiter, rows, columns, _platform(rows, columns))


def _rows(text, delimiter):
    field = re.compile(rf'((?:"[^"]*(?:""[^"]*)*")?[^{delimiter}\r\n]*)({delimiter}|\r\n|\r|\n|$)')
    at, rows, row = len(text) - len(text.removeprefix("\ufeff")), [], []
    while at < len(text) or row:
        found = field.match(text, at)
        raw = found[1]
        quoted = len(raw) > 1 and raw[0] == raw[-1] == '"'
        row.append(Cell(at, found.end(1), raw[1:-1].replace('""', '"') if quoted else raw))
        at = found.end()
        if found[2] != delimiter:
            rows += [row] if any(cell.value.strip() for cell in row) else []
            row = []
    return rows


def _platform(rows, columns):
    if {"id", "section"} < set(columns) and {"student", "lastname"} & set(columns):
        return "canvas"
    # Whatever the language: "Participant 44441", and what else a worksheet has.
    called = [re.fullmatch(r"(\D{2,}?)\d+", row[0].value.strip()) for row in rows[1:]]
    fits = all(called) and len({found[1] for found in called}) == 1 and len(columns) > 4
    return "moodle" if fits and not rows[0][0].value.strip()[-1:].isdigit() else ""


def people(table, id_column=None):
    """The students of Moodle's grading worksheet or list of participants, of Canvas' gradebook, or of any
    table with their ids in a column with a known name, or in the first one.

    table: a `Table`. id_column: name of the column with the ids. Returns a list of `Person`. Raises
    ValueError where that column isn't there.
    """
    rows, columns, platform = table.rows, table.columns, table.platform
    if not rows:
        raise ValueError("The roster is empty; expected a CSV with a student a line.")
    if id_column and key(id_column) not in columns:
        raise ValueError(f"The roster has no column {id_column!r}; it has {', '.join(columns)}.")
    chosen = [columns[key(id_column)]] if id_column else []
    chosen += [columns[name] for name in ID_COLUMNS if name in columns]
    if platform == "canvas":
        chosen = [at for at in chosen if at != columns.get("student")]
    elif platform == "moodle":
        chosen = [at for at in chosen if at] + [0]  # its identifier, in German called ID, last
    header = bool(chosen) or bool(set(NAME_COLUMNS) & set(columns))
    chosen = chosen or [0]
    found, taken = [], {}
    for line, row in enumerate(rows):
        values = [cell.value.strip() for cell in row] + [""] * len(rows[0])
        if header and line == 0 or platform == "canvas" and not values[columns["id"]]:
            continue  # "Points Possible", and whether grades are posted
        ids, name = [values[at] for at in chosen if values[at]], _name(values, columns, platform)
        number = {"canvas": values[columns.get("id", 0)], "moodle": re.sub(r"\D", "", values[0])}.get(
            platform, ""
        )
        if not ids and not name:
            continue
        own = next(filter(None, map(slug, [*ids, name])), "") or without_letters(name, number)
        if taken.get(key(own), (ids, name)) != (ids, name):  # two ids are one, once files are named by them
            own = f"{own}-{digest(*ids, name)}"
        if key(own) not in taken:
            found.append(Person(own, name, frozenset(map(key, [*ids, own])), number, line))
        taken.setdefault(key(own), (ids, name))
    return found


def _name(values, columns, platform):
    """The full name in a row, or ""."""
    for first, last in (("first name", "last name"), ("vorname", "nachname"), ("firstname", "lastname")):
        if first in columns and last in columns:
            return f"{values[columns[first]]} {values[columns[last]]}".strip()
    known = next((columns[name] for name in NAME_COLUMNS if name in columns), None)
    if known is None and platform:  # in Moodle it is behind the identifier, whatever it is called
        known = columns["student"] if platform == "canvas" else 1
    return "" if known is None else values[known]


def roster(path, known=()):
    """The ids in the CSV `path`; those of students that are `known` spelt as there."""
    spelt = {key(student): student for student in known}
    return [spelt.get(key(person.id), person.id) for person in people(read(path))]


# --- remembering -----------------------------------------------------------------------------


def remember(grading, students):
    """Add what an export told of the students to students.json in the folder `grading`."""
    known = remembered(grading)
    for student, about in students.items():
        before = known.setdefault(student, {"name": "", "numbers": [], "remarks": []})
        before["name"] = about["name"] or before["name"]
        for what in ("numbers", "remarks"):
            before[what] = list(dict.fromkeys([*before[what], *about[what]]))
    path = Path(grading, STUDENTS)
    files.write_whole(path, json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False))


def remembered(grading):
    """{student: {"name", "numbers", "remarks"}}."""
    path = Path(grading, STUDENTS)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def annotate(rows, grading):
    """Add to a report's rows what the export said of a student: where something came of them, else to all."""
    about = remembered(grading)
    came = {row["student"] for row in rows if row["status"] != "not submitted"}
    for row in rows:
        if row["status"] != "not submitted" or row["student"] not in came:
            said = about.get(row["student"], {}).get("remarks", [])
            row["remarks"] = "; ".join(filter(None, [row["remarks"], *said]))
    return rows


# --- points back -----------------------------------------------------------------------------


class Filled(NamedTuple):
    """What became of a sheet."""

    count: int  # cells that have points now
    problems: list  # sentences: who isn't in it, and why


def fill(path, rows, grading, exercise=None, column=None, scale=False):
    """Write points into the grade column of Moodle's grading worksheet or Canvas' gradebook, in place.

    All else stays byte for byte as it was. path: of the CSV, as downloaded. rows: of the report. grading: the
    folder with students.json. exercise: which one (default: the only one that is graded; in Canvas all that
    have a column). column: its name, where it isn't found. scale: points are converted where the platform's
    maximum is another one. Returns `Filled`. Raises ValueError where nothing can be written.
    """
    path, table, about = Path(path), read(path), remembered(grading)
    if len(table.rows) < 2:
        raise ValueError(f"{path} has no students; expected Moodle's grading worksheet or Canvas' gradebook.")
    graded = sorted({row["exercise"] for row in rows if row["points"] != ""})
    names = [name for name in graded if exercise in (None, name, name.partition("_")[0])]
    if exercise and not names:
        raise ValueError(f"Nothing of {exercise!r} is graded; there is {', '.join(graded) or 'nothing'}.")
    problems, places = [], {}
    for name in names:
        try:
            places[name] = _grade_column(table, name, column)
        except ValueError as error:
            if len(names) == 1 or column or table.platform != "canvas":
                raise ValueError(f"{path.name}: {error}") from None
            problems.append(str(error))
    if len(set(places.values())) < len(places):
        raise ValueError(f"{path.name} has one column for {', '.join(places)}; say which: --exercise NAME.")
    who, edits = people(table), []
    for name, place in places.items():
        mine = [row for row in rows if row["exercise"] == name]
        lines, unmatched = _lines(who, {row["student"] for row in mine if row["points"] != ""}, about, table)
        problems += [f"{student}, {name}: {why}" for student, why in unmatched.items()]
        for row in mine:
            student, stays = row["student"], "its cell stays as it is"
            if row["status"] == "failed":
                problems.append(f"{student}, {name}: failed ({row['reason']}); {stays}")
            elif row["points"] != "" and row["to be graded by hand"] == "yes":
                problems.append(f"{student}, {name}: waits for points by hand; {stays}")
            elif student in lines and place >= len(table.rows[lines[student]]):
                problems.append(f"{student}, {name}: their line ends before that column")
            elif student in lines:
                line = table.rows[lines[student]]
                points = _points(row, _most(table, line, place), scale, name)
                edits.append((line[place], _spelt(points, table, place)))
    text = table.text
    for cell, new in sorted(edits, reverse=True):
        quoted = text[cell.start : cell.end].startswith('"') or table.delimiter in new
        text = text[: cell.start] + (f'"{new}"' if quoted else new) + text[cell.end :]
    files.write_whole(path, text.encode(table.encoding))
    return Filled(len(edits), problems)


def _grade_column(table, exercise, column):
    """The place of the column that the points of an exercise belong into."""
    header = [cell.value for cell in table.rows[0]]
    if column:
        if key(column) not in table.columns:
            raise ValueError(f"there is no column {column!r}; there are {', '.join(header)}.")
        return table.columns[key(column)]
    if table.platform == "canvas":
        titles = {at: key(re.sub(r"\s*\(\d+\)$", "", title)) for at, title in enumerate(header)}
        letters = re.sub(r"[\W_]", "", key(exercise))
        found = [at for at, title in titles.items() if re.sub(r"[\W_]", "", title) == letters]
        short = rf"(?<!\w){re.escape(key(exercise.partition('_')[0]))}(?!\w)"
        found = found or [at for at, title in titles.items() if re.search(short, title)]
    else:
        found = [table.columns[name] for name in GRADE_COLUMNS if name in table.columns][:1]
    if len(found) != 1:
        has = f"{len(found)} columns" if found else "no column"
        raise ValueError(f"{exercise} has {has}; say which is its: --column NAME.")
    return found[0]


def _lines(who, students, about, table):
    """({student: line}, {student: why there is none})."""
    found, unmatched = {}, {}
    for student in sorted(students):
        theirs = about.get(student, {"name": "", "numbers": []})
        name, numbers = theirs["name"], theirs["numbers"]
        # Moodle has the same numbers for others in another assignment; where it hides names, only numbers.
        sure = table.platform == "canvas" or key(name) in BLIND
        fits = (
            [one for one in who if key(student) in one.keys]
            or [one for one in who if one.number in numbers and (sure or same_name(one.name, name))]
            or [one for one in who if same_name(one.name, name)]
            or [one for one in who if key(slug(one.name)) == key(student)]
        )
        if len(fits) == 1:
            found[student] = fits[0].line
        else:
            unmatched[student] = f"{len(fits)} lines could be theirs" if fits else "isn't in the sheet"
    lines = list(found.values())
    for student in [student for student, line in found.items() if lines.count(line) > 1]:
        del found[student]
        unmatched[student] = "shares a line of the sheet with another student"
    return found, unmatched


def _most(table, line, place):
    """The maximum that the platform has for these points; None where the sheet doesn't tell."""
    if table.platform == "canvas":
        line = next((row for row in table.rows if key(row[0].value) == "points possible"), [])
    else:
        place = next((table.columns[name] for name in MOST_COLUMNS if name in table.columns), len(line))
    text = line[place].value.strip().replace(",", ".") if place < len(line) else ""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _points(row, most, scale, exercise):
    points, possible = float(row["points"]), float(row["possible"])
    if most in (None, possible) or not possible:
        return points
    if not scale:
        raise ValueError(
            f"{exercise} has {possible:g} points and the platform expects {most:g}; change it there, or give "
            "--scale to convert the points."
        )
    return round(points * most / possible, 2)


def _spelt(points, table, place):
    """A number as the sheet writes numbers: with a decimal comma where it does."""
    places = [place, *(table.columns[name] for name in MOST_COLUMNS if name in table.columns)]
    texts = [row[at].value.strip() for row in table.rows for at in places if at < len(row)]
    comma = any(re.fullmatch(r"\d+,\d+", text) for text in texts)
    return f"{points:g}".replace(".", ",") if comma else f"{points:g}"
