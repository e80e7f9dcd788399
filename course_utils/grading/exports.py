"""What a learning platform exports, as it comes, becomes the folder a student that `collect` takes.

Moodle's or Canvas' zip, or what is in it; nothing in there is unpacked to where its name says, or followed.
"""

import contextlib
import hashlib
import io
import itertools
import os
import re
import stat
import tempfile
import time
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from course_utils.grading import sheets
from course_utils.grading.intake import LARGEST
from course_utils.grading.sheets import key, slug

# Named groups as in nbgrader's zip_collect: student_id and file_id, also name, first_name, last_name, email
# and timestamp. A pattern is tried on the path in the export, then without its first folder, and so on.
PATTERNS = {
    # A folder a student, "Jörg Müller_44441_assignsubmission_file/ex01.ipynb" (in older ones with a _ at the
    # end), or flat, "Jörg Müller_44441_assignsubmission_file_ex01.ipynb". So says Moodle's own source,
    # mod/assign/classes/downloader.php, and, independent of it, cladelpino/MoodleAssignmentScripts on GitHub.
    "moodle": r"(?P<name>[^/]+?)_(?P<student_id>\d+)_assignsubmission_(?:file|onlinetext)"
    r"(?:_?/|_)(?P<file_id>.+)",
    # Flat, "müllerjörg_LATE_340934_208490284_ex01-1.ipynb": name, student, attachment, file. So says Canvas'
    # own source, lib/content_zipper.rb, and, independent of it, mikewesthad/canvas-unzipper on GitHub.
    "canvas": r"(?:(?P<name>[^/]*?)_)??(?:(?P<late>LATE)_)?(?P<student_id>\d+|anon_[^\W_]+)"
    r"_(?:(?P<attachment>\d+)_(?P<file_id>.+)|(?:text|link)\.html$)",
}
FILES, TOTAL = 200, 100_000_000  # of one student: files, and bytes when unpacked
# --- exports ---------------------------------------------------------------------------------


class Export:
    """What was in an export: who handed in what, and what couldn't be used."""

    def __init__(self):
        self.students = {}  # id: {"name", "numbers", "remarks"}
        self.said = []  # sentences: files and students that nobody matches


@contextlib.contextmanager
def laid_out(source, names=None, roster=None, known=()):
    """An export as a folder a student, for as long as the `with` lasts: (folder, `Export`).

    source: a zip or a folder: of Moodle, of Canvas, named by a pattern, or with a folder a student, which is
    given back as it is. names: "moodle", "canvas" or a regular expression with the group student_id, as
    nbgrader's zip_collect has it; default: whichever of the two fits. roster: path of a CSV that tells who is
    who. known: ids that students have already. Raises ValueError or OSError for what is no export.
    """
    source, export = Path(source), Export()
    if not source.is_dir() and not zipfile.is_zipfile(source):
        raise ValueError(
            f"{source} is neither a folder nor a whole zip file; expected an export as it was downloaded."
        )
    pattern = _pattern(names)
    if source.is_dir() and pattern is None and _folder_a_student(source):
        yield source, export
        return
    with tempfile.TemporaryDirectory(prefix="cam") as folder, contextlib.ExitStack() as opened:
        entries = list(_entries(source, pattern, export, opened))
        platform, pattern = (names, pattern) if pattern else _fitting(entries, source)
        who = sheets.people(sheets.read(roster)) if roster else []
        _lay_out(Path(folder), entries, platform, pattern, who, roster, export, known)
        yield Path(folder), export


def _pattern(names):
    if names is None:
        return None
    try:
        pattern = re.compile(PATTERNS.get(names, names))
    except re.error as error:
        raise ValueError(f"--names is no regular expression: {error}.") from None
    if "student_id" not in pattern.groupindex:
        raise ValueError(
            f"--names {names!r} has no group (?P<student_id>...); expected one, as nbgrader's zip_collect "
            f"does, or one of {', '.join(PATTERNS)}."
        )
    return pattern


def _fitting(entries, source):
    """Which of the built-in patterns fits most of the notebooks."""
    count = {
        name: sum(_match(re.compile(pattern), entry.path) is not None for entry in entries)
        for name, pattern in PATTERNS.items()
    }
    best = max(count, key=count.get)  # Moodle's before Canvas': a student may call a file as Canvas would
    best = "moodle" if count["moodle"] else best
    if not count[best]:
        raise ValueError(
            f"Nothing in {source} is named as Moodle or Canvas name it; give the pattern: --names REGEXP."
        )
    return best, re.compile(PATTERNS[best])


def _folder_a_student(source):
    """Whether this is a folder with a folder for each student, as ever."""
    if any(path.suffix.lower() == ".zip" for path in source.iterdir()):
        return False
    names = [path.relative_to(source).as_posix() for path in _files(source)]
    moodle, canvas = (
        sum(_match(re.compile(PATTERNS[platform]), name) is not None for name in names)
        for platform in PATTERNS
    )
    return not moodle and 2 * canvas <= len(names)  # a student may call one file as Canvas would


def _files(folder):
    """Everything in a folder that is none itself; links to folders are there, too, and not followed."""
    for place, folders, names in os.walk(folder):
        names += [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in sorted(names))


class Entry(NamedTuple):
    """A file in an export."""

    archive: str  # the zip it was in, "" for none
    path: str  # in there, with /
    when: float
    read: object  # gives at most so many bytes of it


def _entries(source, pattern, export, opened):
    """All files of an export, and of zips in a folder; links, and names that lead elsewhere, are told, not
    followed.
    """
    if not source.is_dir():
        yield from _zipped(opened.enter_context(zipfile.ZipFile(source)), source.name, export.said)
        return
    students = [pattern] if pattern else [re.compile(builtin) for builtin in PATTERNS.values()]
    for path in sorted(_files(source)):
        name = path.relative_to(source).as_posix()
        if not stat.S_ISREG(path.lstat().st_mode):
            export.said.append(f"{_shown(name)}: is a link or a device, not a file; it was left out")
        elif path.suffix.lower() == ".zip" and not any(_match(one, name) for one in students):
            try:
                archive = opened.enter_context(zipfile.ZipFile(path))
            except (zipfile.BadZipFile, OSError) as error:
                export.said.append(f"{_shown(name)}: can't be unpacked ({error})")
                continue
            yield from _zipped(archive, name, export.said)
        else:
            yield Entry("", name, path.stat().st_mtime, lambda most, path=path: _first(path.open("rb"), most))


def _first(stream, most):
    with stream:
        return stream.read(most)


def _zipped(archive, name, said):
    """The files in a zip; nothing is unpacked to where its name says."""
    for info in archive.infolist():
        path = _real_name(info)
        parts = PurePosixPath(path).parts
        if info.is_dir() or "__MACOSX" in parts or path.endswith((".DS_Store", "Thumbs.db")):
            continue
        if path.startswith("/") or ".." in parts or re.match("[A-Za-z]:", path) or not parts:
            said.append(f"{_shown(path)} in {name}: its name leads out of the zip; it was left out")
        elif stat.S_ISLNK(info.external_attr >> 16):
            said.append(f"{_shown(path)} in {name}: is a link, not a file; it was left out")
        else:
            try:
                when = time.mktime((*info.date_time, 0, 0, -1))
            except (ValueError, OverflowError):
                when = 0.0
            yield Entry(name, path, when, lambda most, info=info: _unzipped(archive, info, most))


def _real_name(info):
    """The name in a zip: many write UTF-8 and don't say so, and Windows writes backslashes."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return (
        unicodedata.normalize("NFC", name.split("\0")[0].replace("\\", "/"))
        .encode("utf-8", "replace")
        .decode()
    )


def _unzipped(archive, info, most):
    """At most so many bytes of a file in a zip, whatever its header promises."""
    try:
        return _first(archive.open(info), most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise OSError(
            f"can't be unpacked ({' '.join(str(error).split())[:100] or type(error).__name__})"
        ) from None


def _match(pattern, path):
    """The match of a pattern on a path, or on the end of it behind one or more folders."""
    parts = path.split("/")
    for at in range(len(parts)):
        found = pattern.match("/".join(parts[at:]))
        if found:
            return found
    return None


def _shown(text):
    """A name on one line, for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def _lay_out(folder, entries, platform, pattern, who, roster, export, known):
    """Write each student's notebooks into a folder of their own."""
    matched = []
    for entry in entries:
        found = _match(pattern, entry.path)
        if found:
            matched.append((entry, {k: v for k, v in found.groupdict().items() if v}, _place(entry, found)))
        else:
            export.said.append(
                f"{_shown(entry.path)}: nobody's: its name doesn't fit the pattern of {platform}"
            )
    ids = _ids(matched, platform, who, roster, export, known)
    others, digests, sizes = {}, {}, {}
    for entry, groups, place in matched:
        student = ids[_person(groups, place, platform)]
        about = export.students.setdefault(student, {"name": "", "numbers": [], "remarks": []})
        about["name"] = about["name"] or groups.get("name", "") or _both(groups)
        if platform in PATTERNS:
            _once(about["numbers"], groups["student_id"])
        if "late" in groups:
            _once(about["remarks"], f"{platform} calls {_shown(groups.get('file_id', 'it'))} late")
        (folder / student).mkdir(exist_ok=True)
        if "timestamp" in groups:
            (folder / student / "timestamp.txt").write_text(groups["timestamp"], encoding="utf-8")
        seen = digests.setdefault(student, {})
        for name, when, content in _notebooks(entry, groups, others.setdefault(student, [])):
            digest = hashlib.sha256(content).digest()
            if digest in seen:
                continue
            sizes[student] = sizes.get(student, 0) + len(content)
            if len(seen) >= FILES or sizes[student] > TOTAL:
                _once(others[student], f"what was more than {FILES} files or {TOTAL / 1e6:g} MB")
                break
            order = (int(groups.get("attachment", 0)), _copy(name), len(seen))
            seen[digest] = when, order, _write(folder / student, name, content)
    for student, seen in digests.items():
        for rank, (when, _, path) in enumerate(sorted(seen.values())):
            when = int(max(when, 0)) + rank  # of one time, but seconds apart, in the order they came
            os.utime(path, (when, when))
        if others[student]:
            export.said.append(f"{student}: not looked at: {', '.join(others[student])}")
            if not seen:
                without = f"handed in without a notebook: {', '.join(others[student])}"
                _once(export.students[student]["remarks"], without)


def _copy(name):
    """Which of several copies a file is: 'ex01 (2)' came after 'ex01 (1)', 'ex01-2' after 'ex01-1'."""
    number = re.search(r"(?:\((\d{1,9})\)|-(\d{1,9}))\.ipynb$", name)
    return int(number[1] or number[2]) if number else 0


def _write(folder, name, content):
    """Write a notebook to where none of that name is, whatever the file system takes for one name."""
    for number in itertools.count():
        place = folder / str(number) if number else folder
        place.mkdir(exist_ok=True)
        if key(name) not in map(key, os.listdir(place)):
            (place / name).write_bytes(content)
            return place / name


def _once(remarks, sentence):
    if sentence not in remarks:
        remarks.append(sentence)


def _both(groups):
    return f"{groups.get('first_name', '')} {groups.get('last_name', '')}".strip()


def _place(entry, found):
    """Of which download a file is: Moodle counts its participants anew in each."""
    depth = entry.path[: len(entry.path) - len(found.string)]
    return entry.archive, depth


def _person(groups, place, platform):
    """What one person's files have in common."""
    number = groups["student_id"]
    return (number, *place) if platform == "moodle" else (key(number),)


def _ids(matched, platform, who, roster, export, known):
    """{person: student id}: the roster's, else made of name and number."""
    persons = {}
    for _, groups, place in matched:
        persons.setdefault(_person(groups, place, platform), groups)
    spelt, ids, made, listed_as = {key(student): student for student in known}, {}, {}, {}
    for person, groups in persons.items():
        found = _in_roster(groups, platform, who)
        if found is not None:
            listed_as.setdefault((found.id, person[1:]), []).append(person)
        else:
            made.setdefault(key(_made(groups, platform)), []).append(person)
    for (student, _), theirs in listed_as.items():
        if len(theirs) == 1:
            ids[theirs[0]] = spelt.get(key(student), student)
        else:  # two people of one name, and the roster has one of them: whose it is, nobody can tell
            for person in theirs:
                made.setdefault(key(_made(persons[person], platform)), []).append(person)
    listed = {key(student) for student in ids.values()}
    for same, theirs in made.items():
        # One download with two of that name: two people, who are told apart by their numbers.
        namesakes = len({person[1:] for person in theirs}) < len(theirs) or same in listed
        for person in theirs:
            groups, own = persons[person], _made(persons[person], platform)
            if namesakes:
                own = (
                    f"{own}-{groups['student_id']}"
                    if platform in PATTERNS
                    else f"{own}-{sheets.digest(*person)}"
                )
            ids[person] = spelt.get(key(own), own)
            name = _shown(groups.get("name") or _both(groups) or groups["student_id"])
            if namesakes:
                export.said.append(
                    f"{name}: more than one has this name; one of them is graded as {ids[person]}"
                )
            if roster:
                export.said.append(
                    f"{name} ({_shown(groups['student_id'])}): can't be matched with {Path(roster).name}; "
                    f"graded as {ids[person]}"
                )
    return ids


def _made(groups, platform):
    """An id of what the export says: a pattern's student_id; Moodle's name; Canvas' name and number."""
    number, name = groups["student_id"], groups.get("name", "")
    if platform not in PATTERNS:
        return slug(number) or sheets.without_letters(number, "")
    if platform == "moodle" and key(name) not in sheets.BLIND:
        return slug(name) or sheets.without_letters(name, number)
    return f"{slug(name)}-{slug(number)}".strip("-") or sheets.without_letters(name, number)


def _in_roster(groups, platform, who):
    """The one person of a roster whose submission this is; None if there is none, or could be several."""
    name, number = groups.get("name") or _both(groups), groups["student_id"]
    by_number = [one for one in who if one.number == number]
    by_name = [one for one in who if sheets.same_name(one.name, name)]
    if platform == "canvas":
        found = by_number
    elif platform == "moodle":  # a worksheet of another assignment has the same numbers for other people
        found = by_number if key(name) in sheets.BLIND else [p for p in by_number if p in by_name] or by_name
    else:
        found = [one for one in who if {key(number), key(groups.get("email", number))} & one.keys] or by_name
    return found[0] if len(found) == 1 else None


def _notebooks(entry, groups, others):
    """(name, time, content) of the notebooks in one file, which may be a zip; what else there is goes to
    `others`.
    """
    name = PurePosixPath(groups.get("file_id", entry.path)).name
    name += "" if PurePosixPath(name).suffix else PurePosixPath(entry.path).suffix
    if name.startswith("._") or ".ipynb_checkpoints" in entry.path:
        return
    if name.lower().endswith(".zip"):
        yield from _inner(entry, name, others)
    elif _is_notebook(name):
        try:
            yield _file_name(name), entry.when, entry.read(LARGEST + 1)
        except OSError as error:
            others.append(f"{_shown(name)} {error.strerror or error}")
    else:
        others.append(_shown(name))


def _inner(entry, name, others):
    """The notebooks in a student's own zip; a zip in it is not opened."""
    said = []
    try:
        archive = zipfile.ZipFile(io.BytesIO(entry.read(TOTAL)))
        inner = list(itertools.islice(_zipped(archive, name, said), FILES + 1))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        others.append(f"{_shown(name)} can't be unpacked ({' '.join(str(error).split())[:100]})")
        return
    if len(inner) > FILES:
        others.append(f"all but {FILES} files of {_shown(name)}")
    others.extend(said)
    for one in inner[:FILES]:
        own = PurePosixPath(one.path).name
        if own.startswith("._") or ".ipynb_checkpoints" in one.path:
            continue
        if not _is_notebook(own):
            others.append(_shown(own))
            continue
        try:
            yield _file_name(own), one.when, one.read(LARGEST + 1)
        except OSError as error:
            others.append(f"{_shown(own)} {error}")


def _is_notebook(name):
    """Also as browsers save it: ex01.ipynb.txt, ex01.ipynb.json."""
    return re.search(r"\.ipynb(\.(txt|json))?$", name, re.IGNORECASE) is not None


def _file_name(name):
    """A name for the file system, which says as before which exercise it is."""
    stem = re.sub(r"\.ipynb(\.(txt|json))?$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^\w .()-]", "_", stem)[:80].strip() + ".ipynb"
