"""What Moodle and Canvas export goes in as it comes, and points go back into their own sheets."""

import csv
import io
import json
import os
import stat
import time
import unicodedata
import zipfile

from course_utils.grading import __main__ as command
from course_utils.grading import exports, pipeline, sheets

import pytest
from toy_course import NAME, PERFECT, hand_in, make

NFD = unicodedata.normalize("NFD", "Jörg Müller")


def packed(path, entries):
    """A zip of {name: content}, in which names may be wrong in any way."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return path


def taken_in(source, **options):
    """({student: {file in their folder: content}}, Export)."""
    with exports.laid_out(source, **options) as (folder, export):
        found = {
            student.name: {
                file.relative_to(student).as_posix(): file.read_text(errors="replace")
                for file in student.rglob("*")
                if file.is_file()
            }
            for student in folder.iterdir()
        }
    return found, export


def moodle(name, number, file="ex01.ipynb", end="/"):
    return f"{name}_{number}_assignsubmission_file{end}{file}"


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, name, number, file",
    [
        ("Jörg Müller_44441_assignsubmission_file/ex01.ipynb", "Jörg Müller", "44441", "ex01.ipynb"),
        ("Jörg Müller_44441_assignsubmission_file_/ex01 (1).ipynb", "Jörg Müller", "44441", "ex01 (1).ipynb"),
        ("Jörg Müller_44441_assignsubmission_file_ex01.ipynb", "Jörg Müller", "44441", "ex01.ipynb"),
        ("CAM-ex01-77/Ann Lee_1_assignsubmission_file/a/b.ipynb", "Ann Lee", "1", "a/b.ipynb"),
        (
            "Ann_7_assignsubmission_file/X_9_assignsubmission_file_ex.ipynb",
            "Ann",
            "7",
            "X_9_assignsubmission_file_ex.ipynb",
        ),
        ("Participant_12_assignsubmission_file/ex01.ipynb", "Participant", "12", "ex01.ipynb"),
        ("Ann Lee_1_assignsubmission_onlinetext/onlinetext.html", "Ann Lee", "1", "onlinetext.html"),
    ],
)
def test_moodle_names(path, name, number, file):
    found = exports._match(exports._pattern("moodle"), path)
    assert (found["name"], found["student_id"], found["file_id"]) == (name, number, file)


@pytest.mark.parametrize(
    "path, name, late, number, file",
    [
        ("smithbob_340934_208490284_ex01.ipynb", "smithbob", None, "340934", "ex01.ipynb"),
        ("müllerjörg_LATE_34_20_ex01_scores-2.ipynb", "müllerjörg", "LATE", "34", "ex01_scores-2.ipynb"),
        ("submissions/smithbob_34_20_ex01.ipynb", "smithbob", None, "34", "ex01.ipynb"),
        ("smithbob_34_20_12_34_ex01.ipynb", "smithbob", None, "34", "12_34_ex01.ipynb"),
        ("anon_aB3dE_20_ex01.ipynb", None, None, "anon_aB3dE", "ex01.ipynb"),
        ("LATE_anon_aB3dE_20_ex01.ipynb", None, "LATE", "anon_aB3dE", "ex01.ipynb"),
        ("smithbob_34_20_My work (1).ipynb", "smithbob", None, "34", "My work (1).ipynb"),
        ("smithbob_34_text.html", "smithbob", None, "34", None),
    ],
)
def test_canvas_names(path, name, late, number, file):
    found = exports._match(exports._pattern("canvas"), path)
    assert (found["name"], found["late"], found["student_id"], found["file_id"]) == (name, late, number, file)


def test_a_pattern_as_nbgrader_takes_one(tmp_path):
    source = packed(
        tmp_path / "e.zip", {"ps1_bitdiddle_attempt_2026-01-30-15-00-00_ex01.ipynb": "{}", "odd.ipynb": "{}"}
    )
    found, export = taken_in(
        source, names=r".*_(?P<student_id>\w+)_attempt_(?P<timestamp>[0-9\-]+)_(?P<file_id>\w+)"
    )
    assert found == {"bitdiddle": {"ex01.ipynb": "{}", "timestamp.txt": "2026-01-30-15-00-00"}}
    assert any(said.startswith("odd.ipynb: nobody's") for said in export.said)


@pytest.mark.parametrize("names, words", [("(", "no regular expression"), ("(?P<who>.*)", "student_id")])
def test_a_pattern_that_is_none_is_told(tmp_path, names, words):
    with pytest.raises(ValueError, match=words):
        taken_in(packed(tmp_path / "e.zip", {"a.ipynb": "{}"}), names=names)


def test_an_export_of_nobody_knows_what_is_told(tmp_path):
    with pytest.raises(ValueError, match="--names"):
        taken_in(packed(tmp_path / "e.zip", {"a.ipynb": "{}"}))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match="neither a folder nor a whole zip"):
        taken_in(tmp_path / "broken.zip")


def test_a_folder_a_student_stays_as_it_is(tmp_path):
    for student in ("anna", "ben"):
        (tmp_path / student).mkdir()
        (tmp_path / student / "ex_01_02_mine.ipynb").write_text("{}")
        (tmp_path / student / "ex01.ipynb").write_text("{}")
    with exports.laid_out(tmp_path) as (folder, export):
        assert folder == tmp_path and not export.students and not export.said


# --- as it comes -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["/", "_/", "_"])
def test_moodle_as_a_zip_or_unpacked(tmp_path, end):
    entries = {moodle("Jörg Müller", 44441, end=end): "1", moodle("Ann Lee", 44442, end=end): "2"}
    packed(tmp_path / "CAM-ex01-77.zip", entries)
    expected = {"Joerg-Mueller": {"ex01.ipynb": "1"}, "Ann-Lee": {"ex01.ipynb": "2"}}
    found, export = taken_in(tmp_path / "CAM-ex01-77.zip")
    assert found == expected and not export.said
    assert export.students["Joerg-Mueller"]["numbers"] == ["44441"]
    with zipfile.ZipFile(tmp_path / "CAM-ex01-77.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert taken_in(tmp_path / "unpacked")[0] == expected
    (tmp_path / "unpacked").rename(tmp_path / "two")
    os.replace(tmp_path / "CAM-ex01-77.zip", tmp_path / "two" / "again.zip")  # the zip beside what was in it
    assert taken_in(tmp_path / "two")[0] == expected


def test_canvas_as_a_zip_or_unpacked(tmp_path):
    inner = packed(
        tmp_path / "work.zip", {"my/ex01.ipynb": "2", "my/photo.png": "p", "__MACOSX/my/._ex01.ipynb": "m"}
    )
    entries = {
        "müllerjörg_LATE_340934_208490284_ex01-1.ipynb": "1",
        "leeann_340935_208490285_work.zip": inner.read_bytes(),
        "zz_340936_text.html": "text",
    }
    source = packed(tmp_path / "submissions.zip", entries)
    found, export = taken_in(source)
    assert found == {
        "muellerjoerg-340934": {"ex01-1.ipynb": "1"},
        "leeann-340935": {"ex01.ipynb": "2"},
        "zz-340936": {},
    }
    assert export.students["muellerjoerg-340934"]["remarks"] == ["canvas calls ex01-1.ipynb late"]
    assert export.students["zz-340936"]["remarks"] == ["handed in without a notebook: zz_340936_text.html"]
    assert any("photo.png" in said for said in export.said)


def test_names_in_a_zip_that_does_not_say_they_are_utf8(tmp_path):
    """Canvas' packer writes them so; read as what a zip has by default, every umlaut is two signs."""
    name = "müllerjörg_340934_208490284_ex01.ipynb"
    raw = packed(tmp_path / "e.zip", {"x" * len(name.encode()): "1"}).read_bytes()
    (tmp_path / "e.zip").write_bytes(raw.replace(b"x" * len(name.encode()), name.encode()))
    assert list(taken_in(tmp_path / "e.zip")[0]) == ["muellerjoerg-340934"]


def test_names_with_backslashes(tmp_path):
    source = packed(tmp_path / "e.zip", {"Ann Lee_1_assignsubmission_file\\ex01.ipynb": "1"})
    assert taken_in(source)[0] == {"Ann-Lee": {"ex01.ipynb": "1"}}


@pytest.mark.parametrize("name", ["ex01.ipynb.txt", "ex01.ipynb.json", "EX01.IPYNB"])
def test_endings_as_browsers_save_them(tmp_path, name):
    (files,) = taken_in(packed(tmp_path / "e.zip", {moodle("Ann Lee", 1, name): "1"}))[0].values()
    assert [file.lower() for file in files] == ["ex01.ipynb"]


def test_a_name_without_a_latin_letter(tmp_path):
    found = taken_in(packed(tmp_path / "e.zip", {moodle("李小龙", 1): "1", moodle("王伟", 2): "2"}))[0]
    assert found == {"student-1": {"ex01.ipynb": "1"}, "student-2": {"ex01.ipynb": "2"}}


# --- accidents and attacks -------------------------------------------------------------------


def test_names_that_lead_elsewhere(tmp_path):
    bad = [
        "../../" + moodle("Eve", 3),
        "/etc/" + moodle("Eve", 3),
        "C:\\" + moodle("Eve", 3),
        moodle("Eve", 3, "../../../x.ipynb"),
    ]
    source = packed(
        tmp_path / "in" / "e.zip" if (tmp_path / "in").mkdir() else tmp_path / "in" / "e.zip",
        {moodle("Ann Lee", 1): "1", **dict.fromkeys(bad, "evil")},
    )
    before = sorted(tmp_path.rglob("*"))
    found, export = taken_in(source)
    assert found == {"Ann-Lee": {"ex01.ipynb": "1"}} and sorted(tmp_path.rglob("*")) == before
    assert sum("leads out of the zip" in said for said in export.said) == len(bad)


def test_links(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text("secret")
    link = zipfile.ZipInfo(moodle("Eve", 3))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    source = packed(tmp_path / "e.zip", [(link, str(secret)), (moodle("Ann Lee", 1), "1")])
    found, export = taken_in(source)
    assert found == {"Ann-Lee": {"ex01.ipynb": "1"}} and "is a link" in export.said[0]

    unpacked = tmp_path / "unpacked"
    for name in ("Eve_3_assignsubmission_file", "Ann Lee_1_assignsubmission_file"):
        (unpacked / name).mkdir(parents=True)
    (unpacked / "Ann Lee_1_assignsubmission_file" / "ex01.ipynb").write_text("1")
    (unpacked / "Eve_3_assignsubmission_file" / "ex01.ipynb").symlink_to(secret)
    (unpacked / "Mal_4_assignsubmission_file").symlink_to(tmp_path)
    os.mkfifo(unpacked / "Eve_3_assignsubmission_file" / "ex02.ipynb")
    found, export = taken_in(unpacked)
    assert found == {"Ann-Lee": {"ex01.ipynb": "1"}}
    assert sum("is a link or a device" in said for said in export.said) == 3


def test_bombs(tmp_path, monkeypatch):
    """Whatever a header promises, no more is unpacked than a notebook or a student may have."""
    monkeypatch.setattr(exports, "LARGEST", 1000)
    monkeypatch.setattr(exports, "TOTAL", 20_000)
    inner = packed(tmp_path / "i.zip", {f"ex{n:02d}.ipynb": f"{n:04d}" * 240 for n in range(50)})
    deep = packed(tmp_path / "d.zip", {"i.zip": inner.read_bytes()})
    source = packed(
        tmp_path / "e.zip",
        {
            moodle("Ann Lee", 1): "1",
            moodle("Big", 2): "0" * 10**7,
            moodle("Many", 3, "i.zip"): inner.read_bytes(),
            moodle("Deep", 4, "d.zip"): deep.read_bytes(),
        },
    )
    found, export = taken_in(source)
    assert found["Ann-Lee"] == {"ex01.ipynb": "1"} and found["Deep"] == {}
    assert len(found["Big"]["ex01.ipynb"]) == 1001  # which `read` then refuses
    assert sum(map(len, found["Many"].values())) <= 20_000 and any(
        "more than" in said for said in export.said
    )
    assert "i.zip" in export.students["Deep"]["remarks"][0]


def test_damaged_and_locked_files_in_a_zip(tmp_path):
    source = packed(
        tmp_path / "e.zip",
        {
            moodle("Ann Lee", 1): "whole " * 50,
            moodle("Ben Ode", 2): "broken " * 50,
            moodle("Cy", 3, "w.zip"): "PK no zip",
        },
    )
    raw = bytearray(source.read_bytes())
    at = raw.index(moodle("Ben Ode", 2).encode()) + len(moodle("Ben Ode", 2)) + 3
    raw[at : at + 4] = b"\xff\xff\xff\xff"
    source.write_bytes(raw)
    found, export = taken_in(source)
    assert found["Ann-Lee"] and found["Ben-Ode"] == {} and found["Cy"] == {}
    assert "can't be unpacked" in export.students["Ben-Ode"]["remarks"][0]
    with zipfile.ZipFile(source) as archive:
        raw[archive.infolist()[0].header_offset + 6] |= 1  # encrypted
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    source.write_bytes(raw)
    assert "can't be unpacked" in taken_in(source)[1].students["Ann-Lee"]["remarks"][0]


def test_twice_in_one_zip_and_two_of_one_name(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        source = packed(
            tmp_path / "e.zip",
            [
                (moodle("Ann Lee", 1), "old"),
                (moodle("Ann Lee", 1), "new"),
                (moodle("Ann Lee", 1, "a/ex01.ipynb"), "other"),
            ],
        )
    assert taken_in(source)[0] == {
        "Ann-Lee": {"ex01.ipynb": "old", "1/ex01.ipynb": "new", "2/ex01.ipynb": "other"}
    }


@pytest.mark.parametrize(
    "first, second",
    [("Ann Lee", "Ann Lee"), ("Ann Lee", "ann lee"), ("Jörg Müller", NFD), ("Jörg Müller", "Joerg Mueller")],
)
def test_two_people_of_one_name_stay_two(tmp_path, first, second):
    found, export = taken_in(packed(tmp_path / "e.zip", {moodle(first, 1): "1", moodle(second, 2): "2"}))
    assert sorted(files["ex01.ipynb"] for files in found.values()) == ["1", "2"]
    assert (
        len({student.casefold() for student in found}) == 2
        and sum("more than one" in s for s in export.said) == 2
    )


def test_one_person_written_in_two_ways_stays_one(tmp_path):
    entries = {moodle("Jörg Müller", 1, "ex01.ipynb"): "1", moodle(NFD, 1, "ex02.ipynb"): "2"}
    assert taken_in(packed(tmp_path / "e.zip", entries))[0] == {
        "Joerg-Mueller": {"ex01.ipynb": "1", "ex02.ipynb": "2"}
    }


def test_a_student_keeps_the_id_of_the_first_time(tmp_path):
    found = taken_in(packed(tmp_path / "e.zip", {moodle("ann LEE", 9): "1"}), known=["Ann-Lee"])[0]
    assert list(found) == ["Ann-Lee"]


def by_age(folder):
    """The contents of a student's notebooks, the oldest first."""
    return [
        path.read_text()
        for path in sorted(folder.rglob("*.ipynb"), key=lambda path: int(path.stat().st_mtime))
    ]


def test_files_are_as_old_as_they_were(tmp_path):
    entries = []
    for name, day in [("c.ipynb", 3), ("a.ipynb", 1), ("b.ipynb", 2)]:
        entries.append((zipfile.ZipInfo(moodle("Ann Lee", 1, name), (2026, 5, day, 9, 0, 0)), name[0]))
    with exports.laid_out(packed(tmp_path / "e.zip", entries)) as (folder, _):
        assert by_age(folder / "Ann-Lee") == ["a", "b", "c"]


def test_files_of_one_time_are_in_the_order_they_came(tmp_path):
    """Canvas' attachments are numbered as they come, and browsers number copies."""
    when = (2026, 5, 1, 9, 0, 0)
    names = {"lee_1_30_ex01-1.ipynb": "30", "lee_1_4_ex01 (2).ipynb": "4"}
    names |= {f"lee_2_5_ex01 ({n}).ipynb": str(n) for n in (10, 9)}
    entries = [(zipfile.ZipInfo(name, when), content) for name, content in names.items()]
    with exports.laid_out(packed(tmp_path / "c.zip", entries)) as (folder, _):
        assert by_age(folder / "lee-1") == ["4", "30"] and by_age(folder / "lee-2") == ["9", "10"]


# --- rosters ---------------------------------------------------------------------------------

WORKSHEET = """\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum grade","Grade can be changed","Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 44441","Jörg Müller",joerg@uni.example,"Submitted for grading",,10.00,Yes,"Monday, 4 May 2026, 10:12 AM",-,"said ""well"", done"
"Participant 44442","Ann Lee",ann@uni.example,"Submitted for grading",,10.00,Yes,"Monday, 4 May 2026, 10:13 AM",-,
"Participant 44443","Ann Lee",ann2@uni.example,"Submitted for grading",,10.00,Yes,"Monday, 4 May 2026, 10:13 AM",-,"two
lines"
"Participant 44444","Nobody Yet",nobody@uni.example,"No submission",,10.00,Yes,-,-,
"""
GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,ex01 A toy (1201),"Other, with a comma (1202)",Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,10.00,5.00,(read only)
"Müller, Jörg",340934,U1,jm1,"CS, 1",,4.50,81.25
"Lee, Ann",340935,U2,al2,"CS, 1",,,
"Student, Test",99,,,,,,
"""


def sheet(tmp_path, text, name="sheet.csv", ends="\r\n", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.replace("\n", ends).encode(encoding))
    return path


def test_moodles_worksheet_tells_who_is_who(tmp_path):
    entries = {
        moodle(name, n): str(n)
        for name, n in [("Jörg Müller", 44441), ("Ann Lee", 44442), ("Ann Lee", 44443), ("Un Known", 5)]
    }
    found, export = taken_in(packed(tmp_path / "e.zip", entries), roster=sheet(tmp_path, WORKSHEET))
    assert {student: files["ex01.ipynb"] for student, files in found.items()} == {
        "joerg@uni.example": "44441", "ann@uni.example": "44442", "ann2@uni.example": "44443", "Un-Known": "5"
    }  # fmt: skip
    assert [said for said in export.said if "can't be matched" in said] == [
        "Un Known (5): can't be matched with sheet.csv; graded as Un-Known"
    ]


def test_the_worksheet_of_another_assignment_has_the_same_numbers_for_others(tmp_path):
    found, export = taken_in(
        packed(tmp_path / "e.zip", {moodle("Nobody Yet", 44441): "1"}), roster=sheet(tmp_path, WORKSHEET)
    )
    assert list(found) == ["nobody@uni.example"]
    found, export = taken_in(
        packed(tmp_path / "e.zip", {moodle("Ann Lee", 44441): "1"}), roster=sheet(tmp_path, WORKSHEET)
    )
    assert list(found) == ["Ann-Lee"] and "can't be matched" in export.said[-1]  # there are two of that name


def test_two_of_one_name_and_a_roster_with_one(tmp_path):
    roster = sheet(tmp_path, "Username,First name,Last name\njm1,Jörg,Müller\n")
    found, export = taken_in(
        packed(tmp_path / "e.zip", {moodle("Jörg Müller", 1): "1", moodle(NFD, 2): "2"}), roster=roster
    )
    assert sorted(found) == ["Joerg-Mueller-1", "Joerg-Mueller-2"]
    assert sum("can't be matched" in said for said in export.said) == 2


def test_where_names_are_hidden_the_numbers_tell(tmp_path):
    text = (
        "Identifier,Status,Grade,Maximum grade,Grade can be changed\n"
        "Participant 12,Submitted for grading,,10.00,Yes\nParticipant 13,Submitted for grading,,10.00,Yes\n"
    )
    source = packed(tmp_path / "e.zip", {moodle("Participant", n): str(n) for n in (12, 13, 14)})
    found, export = taken_in(source)
    assert sorted(found) == ["Participant-12", "Participant-13", "Participant-14"] and not export.said
    path = sheet(tmp_path, text)
    found, export = taken_in(source, roster=path)
    assert sorted(found) == ["Participant-12", "Participant-13", "Participant-14"] and len(export.said) == 1
    filled = sheets.fill(path, [row("Participant-13"), row("Participant-14", "1")], told(tmp_path))
    assert filled.count == 1 and "Participant-14, ex01_a_toy: isn't in the sheet" in filled.problems
    assert "Participant 13,Submitted for grading,8.5,10.00" in path.read_text()


def test_canvas_gradebook_tells_who_is_who(tmp_path):
    found, export = taken_in(
        packed(tmp_path / "e.zip", {"müllerjörg_340934_7_ex01.ipynb": "1", "zz_5_8_ex01.ipynb": "2"}),
        roster=sheet(tmp_path, GRADEBOOK),
    )
    assert sorted(found) == ["jm1", "zz-5"] and "can't be matched" in export.said[0]


@pytest.mark.parametrize(
    "text, ids",
    [
        ("anna\nben\n", ["anna", "ben"]),
        ("anna\n\n  ben  \n", ["anna", "ben"]),
        ('"Müller, Jörg",joerg@uni.example\n', ["Mueller-Joerg"]),
        ("student_id;name\nanna;Ännchen\nben;\n", ["anna", "ben"]),
        ("First name\tLast name\tEmail address\nAnn\tLee\tann@x.example\n", ["ann@x.example"]),
        ("Nachname,Vorname,Matrikelnummer\nMüller,Jörg,0012\n", ["0012"]),
        (WORKSHEET, ["joerg@uni.example", "ann@uni.example", "ann2@uni.example", "nobody@uni.example"]),
        (GRADEBOOK, ["jm1", "al2", "99"]),
        ("s123\ns124\n", ["s123", "s124"]),
        ("name\nAnna Lee\nBen\n", ["Anna-Lee", "Ben"]),
        ("username\nMüller\nMueller\nMüller\n", ["Mueller", "Mueller-"]),
        ("username\nAnna\nanna\n", ["Anna", "anna-"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_roster_is_a_csv(tmp_path, text, ids, encoding):
    text = text.removeprefix("\ufeff")
    found = sheets.roster(sheet(tmp_path, text, encoding=encoding))
    assert len(found) == len(ids) and all(id.startswith(start) for id, start in zip(found, ids)), found
    assert len({id.casefold() for id in found}) == len(found)


def test_a_roster_knows_students_as_they_are_spelt(tmp_path):
    assert sheets.roster(sheet(tmp_path, "ANNA\nben\n"), known=["Anna"]) == ["Anna", "ben"]


def test_the_column_with_the_ids_can_be_said(tmp_path):
    assert [p.id for p in sheets.people(sheets.read(sheet(tmp_path, GRADEBOOK)), "SIS User ID")] == [
        "U1",
        "U2",
        "99",
    ]
    with pytest.raises(ValueError, match="no column 'nothing'"):
        sheets.people(sheets.read(sheet(tmp_path, GRADEBOOK)), "nothing")
    with pytest.raises(ValueError, match="is empty"):
        sheets.people(sheets.read(sheet(tmp_path, "\n")))


# --- back into the sheet ---------------------------------------------------------------------


def row(
    student, points="8.5", possible="10", by_hand="no", status="graded", exercise="ex01_a_toy", reason=""
):
    return {
        "student": student, "exercise": exercise, "points": points, "possible": possible, "status": status,
        "to be graded by hand": by_hand, "reason": reason, "remarks": "",
    }  # fmt: skip


def told(tmp_path, **numbers):
    """A folder with students.json."""
    about = {s: {"name": name, "numbers": [n], "remarks": []} for s, (name, n) in numbers.items()}
    (tmp_path / sheets.STUDENTS).write_text(json.dumps(about))
    return tmp_path


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_moodles_worksheet_gets_points_and_nothing_else(tmp_path, ends, encoding, delimiter):
    text = WORKSHEET if encoding == "utf-8" else WORKSHEET.removeprefix("\ufeff")
    text = text if delimiter == "," else text.replace(",", delimiter)
    path = sheet(tmp_path, text, ends=ends, encoding=encoding)
    before = path.read_bytes()
    filled = sheets.fill(path, [row("joerg@uni.example"), row("ann2@uni.example", "3")], told(tmp_path))
    assert filled == (2, [])
    expected = text.replace("\n", ends)
    for line, points in (("joerg", "8.5"), ("ann2", "3")):
        start = expected.index(line)
        at = expected.index(f'grading"{delimiter}', start) + len(f'grading"{delimiter}')
        expected = expected[:at] + points + expected[at:]
    mark = b"" if encoding != "utf-16" else before[:2]
    after = path.read_bytes()
    assert after == (mark + expected.encode("utf-16-le") if mark else expected.encode(encoding))


def test_canvas_gradebook_gets_points_and_nothing_else(tmp_path):
    path = sheet(tmp_path, GRADEBOOK)
    filled = sheets.fill(path, [row("jm1"), row("al2", "10")], told(tmp_path))
    assert filled == (2, [])
    lines = GRADEBOOK.replace("\n", "\r\n")
    lines = lines.replace('"CS, 1",,4.50', '"CS, 1",8.5,4.50').replace('al2,"CS, 1",,,', 'al2,"CS, 1",10,,')
    assert path.read_bytes().decode() == lines


def test_students_are_found_by_what_the_export_told(tmp_path):
    grading = told(
        tmp_path, **{"Joerg-Mueller": ("Jörg Müller", "44441"), "Ann-Lee-44443": ("Ann Lee", "44443")}
    )
    path = sheet(tmp_path, WORKSHEET)
    assert sheets.fill(path, [row("Joerg-Mueller"), row("Ann-Lee-44443", "1")], grading) == (2, [])
    cells = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    assert [line[4] for line in cells] == ["Grade", "8.5", "", "1", ""]
    grading = told(tmp_path, **{"muellerjoerg-340934": ("müllerjörg", "340934")})
    path = sheet(tmp_path, GRADEBOOK)
    assert sheets.fill(path, [row("muellerjoerg-340934")], grading).count == 1


def test_nobody_gets_the_points_of_a_namesake(tmp_path):
    """A number of another assignment, a name that two have, a line that two students share."""
    grading = told(tmp_path, **{"Nobody-Yet": ("Nobody Yet", "44441"), "Ann-Lee": ("Ann Lee", "9")})
    path = sheet(tmp_path, WORKSHEET)
    filled = sheets.fill(path, [row("Nobody-Yet"), row("Ann-Lee", "7"), row("stranger", "7")], grading)
    cells = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    assert [line[4] for line in cells] == ["Grade", "", "", "", "8.5"]
    assert filled.problems == [
        "Ann-Lee, ex01_a_toy: 2 lines could be theirs",
        "stranger, ex01_a_toy: isn't in the sheet",
    ]
    before = path.read_bytes()
    filled = sheets.fill(path, [row("JOERG@uni.example"), row("joerg@uni.example")], grading)
    assert filled.count == 0 and len(filled.problems) == 2 and path.read_bytes() == before


def test_what_has_no_points_yet_is_told_and_left(tmp_path):
    path = sheet(tmp_path, WORKSHEET)
    before = path.read_bytes()
    rows = [
        row("joerg@uni.example", by_hand="yes"),
        row("ann@uni.example", points="", status="failed", reason="The kernel died."),
        row("nobody@uni.example", points="", status="not submitted"),
    ]
    filled = sheets.fill(path, rows, told(tmp_path))
    assert filled.count == 0 and path.read_bytes() == before
    assert ["by hand" in filled.problems[0], "kernel died" in filled.problems[1], len(filled.problems)] == [
        True,
        True,
        2,
    ]


def test_another_maximum_is_not_passed_over(tmp_path):
    path = sheet(tmp_path, WORKSHEET)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="expects 10"):
        sheets.fill(path, [row("joerg@uni.example", "10", "20")], told(tmp_path))
    assert path.read_bytes() == before
    sheets.fill(path, [row("joerg@uni.example", "10", "20")], told(tmp_path), scale=True)
    assert 'grading",5,10.00' in path.read_text("utf-8-sig")
    with pytest.raises(ValueError, match="expects 10"):
        sheets.fill(sheet(tmp_path, GRADEBOOK), [row("jm1", "10", "20")], told(tmp_path))


def test_a_sheet_in_german(tmp_path):
    text = (
        'ID;"Vollständiger Name";E-Mail-Adresse;Status;Bewertung;Bestwertung\r\n'
        '"Teilnehmer/in44441";"Jörg Müller";joerg@uni.example;Zur Bewertung abgegeben;"";"10,00"\r\n'
    )
    path = sheet(tmp_path, text, ends="\n", encoding="cp1252")
    assert sheets.fill(path, [row("joerg@uni.example")], told(tmp_path)) == (1, [])
    assert path.read_bytes().decode("cp1252") == text.replace('""', '"8,5"')


def test_which_exercise_and_which_column(tmp_path):
    two = [row("joerg@uni.example"), row("joerg@uni.example", exercise="ex02_other")]
    with pytest.raises(ValueError, match="--exercise"):
        sheets.fill(sheet(tmp_path, WORKSHEET), two, told(tmp_path))
    assert sheets.fill(sheet(tmp_path, WORKSHEET), two, told(tmp_path), exercise="ex02").count == 1
    with pytest.raises(ValueError, match="'ex07' is graded"):
        sheets.fill(sheet(tmp_path, WORKSHEET), two, told(tmp_path), exercise="ex07")
    with pytest.raises(ValueError, match="--column"):
        sheets.fill(sheet(tmp_path, WORKSHEET.replace(",Grade,", ",Hodnocení,")), two[:1], told(tmp_path))
    path = sheet(tmp_path, WORKSHEET.replace(",Grade,", ",Hodnocení,"))
    assert sheets.fill(path, two[:1], told(tmp_path), column="Hodnocení").count == 1
    both = [row("jm1"), row("jm1", "2", "5", exercise="ex03_not_in_canvas")]
    filled = sheets.fill(sheet(tmp_path, GRADEBOOK), both, told(tmp_path))
    assert filled.count == 1 and "ex03_not_in_canvas has no column" in filled.problems[0]
    other = sheets.fill(
        sheet(tmp_path, GRADEBOOK), both, told(tmp_path), exercise="ex03", column="Other, with a comma (1202)"
    )
    assert other == (1, [])


@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_a_sheet_without_students_is_told(tmp_path, text):
    with pytest.raises(ValueError, match="has no students"):
        sheets.fill(sheet(tmp_path, text), [row("jm1")], told(tmp_path))


# --- the whole way ---------------------------------------------------------------------------


@pytest.mark.slow
def test_from_an_export_to_its_sheet(tmp_path, capsys):
    """Two exports of Moodle's, whose second has the first notebook again, better; then the points go back."""
    root = make(tmp_path)
    wrong = {**PERFECT, "total": "def total(maps):\n    return maps.sum()", "opinion": "YOUR ANSWER HERE"}
    texts = {
        "perfect": hand_in(root, "x1", PERFECT).read_text(),
        "wrong": hand_in(root, "x2", wrong).read_text(),
        "untouched": hand_in(root, "x3", {}).read_text(),
    }
    early, late = time.localtime(1.7e9)[:6], time.localtime(1.71e9)[:6]
    entries = [
        (moodle("Jörg Müller", 44441, f"{NAME}.ipynb"), early, texts["wrong"]),
        (moodle("Jörg Müller", 44441, f"{NAME} (1).ipynb"), late, texts["perfect"]),
        (moodle("Jörg Müller", 44441, f"{NAME} (2).ipynb"), late, texts["untouched"]),
        (moodle("Ann Lee", 44442, "Copy of my work.ipynb"), early, texts["wrong"]),
        (moodle("Ann Lee", 44443, "essay.pdf"), early, "%PDF"),
        (moodle("Un Known", 7, f"{NAME}.ipynb"), early, "{'cells': []}"),
    ]
    infos = []
    for name, when, content in entries:
        infos.append((zipfile.ZipInfo(name, when), content))
    source = packed(tmp_path / "export.zip", infos)
    path = sheet(tmp_path, WORKSHEET)
    command.main(["collect", str(source), "--root", str(root), "--roster", str(path)])
    said = capsys.readouterr().out
    assert "Un Known (7): can't be matched" in said and "essay.pdf" in said
    command.main(["grade", "--root", str(root), "--unsafe"])
    command.main(["report", "--root", str(root), "--roster", str(path), "--into", str(path)])
    with open(root / "grading" / "report.csv", newline="") as opened:
        rows = {row["student"]: row for row in csv.DictReader(opened)}
    assert {student: (row["status"], row["points"]) for student, row in rows.items()} == {
        "joerg@uni.example": ("graded", "8"),
        "ann@uni.example": ("graded", "4"),
        "ann2@uni.example": ("not submitted", ""),
        "Un-Known": ("failed", ""),
        "nobody@uni.example": ("not submitted", ""),
    }
    remarks = rows["joerg@uni.example"]["remarks"]
    assert "handed in 3 times" in remarks and f"counts, {NAME} (1).ipynb" in remarks
    assert "without a notebook: essay.pdf" in rows["ann2@uni.example"]["remarks"]
    said = capsys.readouterr().out
    assert (
        "Un-Known, ex01_toy: failed" in said
        and "joerg@uni.example, ex01_toy: waits for points by hand" in said
    )
    course_rows = [{**row, "to be graded by hand": "no"} for row in rows.values()]
    assert sheets.fill(path, course_rows, root / pipeline.GRADING).count == 2
    assert [line[4] for line in csv.reader(io.StringIO(path.read_text("utf-8-sig")))] == [
        "Grade",
        "8",
        "4",
        "",
        "",
    ]
